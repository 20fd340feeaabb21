//! The notebooks of the class can be read.
//!
//! # Meaning
//! A file that ends with .ipynb and is no notebook opens for no student; one that was cut off in a copy has lost cells.
//!
//! # Detection
//! `gpucheck publish --notebooks DIR`: every `*.ipynb` below the folder, as JSON of nbformat 3 or 4. Checkpoints, hidden
//! folders and environments are left out; links out of the folder are not followed.
//!
//! # Fix
//! Copy the file anew from where it was made.
//!
//! # Source
//! <https://nbformat.readthedocs.io/en/latest/format_description.html>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{ClassNotebook, Classroom, Facts, Observed},
    in_class,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Classroom],
    needs: &[],
    severity: Severity::BreaksLater,
    who: Who::Instructor,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    in_class::judge(facts, judge_folder)
}

fn judge_folder(classroom: &Classroom) -> Finding {
    let host = Subject::Host;
    let folder = classroom.folder.as_deref().unwrap_or("the folder");
    let notebooks = match &classroom.notebooks {
        Observed::Seen(notebooks) | Observed::Interrupted { seen: notebooks, .. } => notebooks,
        Observed::NotProbed { why } => return Finding::not_applicable(host, why.clone()),
        Observed::Failed(by) => return Finding::unknown(host, by.to_string()),
    };
    let unread: Vec<&ClassNotebook> =
        notebooks.iter().filter(|notebook| notebook.content.seen().is_none()).collect();
    let list = format!("find {} -name '*.ipynb'", crate::judge::quoted(folder));
    match (unread.first(), notebooks.len()) {
        (None, 0) => Finding::new(host, Verdict::Warn, format!("there is no notebook in {folder}"))
            .variant("none")
            .with("folder", folder)
            .run(list),
        (None, _) if classroom.more > 0 => {
            Finding::unknown(host, format!("{} beyond the first were not looked at", classroom.more))
        }
        (None, count) => Finding::pass(host, in_class::notebooks(count)),
        (Some(first), count) => {
            let seen = format!("{} of {count} notebooks cannot be read", unread.len());
            let finding = Finding::new(host, Verdict::Warn, seen).with("notebook", first.path.clone());
            let line =
                |notebook: &&ClassNotebook| format!("{}: {}", notebook.path, notebook.content.why_not());
            let lines: Vec<String> = unread.iter().map(line).collect();
            in_class::listed(finding, &lines).run(list)
        }
    }
}

//! What checks of the classroom have in common.
//!
//! Invariant: where nobody asked about a class there is no outcome.

use crate::{
    Finding, Judged, Subject,
    fact::{ClassNotebook, Classroom, Facts, NotebookContent, Observed},
    judge,
};

/// Lines of proof that are shown.
const SHOWN: usize = 12;

/// Judges the classroom.
pub(crate) fn judge(facts: &Facts, judge: impl FnOnce(&Classroom) -> Finding) -> Judged {
    judge::asked(&facts.classroom, judge)
}

/// Judges the notebooks that can be read.
pub(crate) fn judge_notebooks(
    facts: &Facts,
    judge: impl FnOnce(&Classroom, &[(&ClassNotebook, &NotebookContent)]) -> Finding,
) -> Judged {
    self::judge(facts, |classroom| {
        let host = Subject::Host;
        let Some(notebooks) = classroom.notebooks.seen() else {
            return match &classroom.notebooks {
                Observed::NotProbed { why } => Finding::not_applicable(host, why.clone()),
                untold @ (Observed::Seen(_) | Observed::Failed(_) | Observed::Interrupted { .. }) => {
                    Finding::unknown(host, untold.why_not())
                }
            };
        };
        let read = |notebook| Some((notebook, content(notebook)?));
        let readable: Vec<(&ClassNotebook, &NotebookContent)> = notebooks.iter().filter_map(read).collect();
        if readable.is_empty() {
            return Finding::not_applicable(host, "there is no notebook that can be read");
        }
        judge(classroom, &readable)
    })
}

/// What a notebook's file says.
fn content(notebook: &ClassNotebook) -> Option<&NotebookContent> {
    notebook.content.seen()
}

/// A finding with these lines of proof, and how many more there are.
pub(crate) fn listed(finding: Finding, lines: &[String]) -> Finding {
    let finding = lines.iter().take(SHOWN).fold(finding, |finding, line| finding.because(line.clone()));
    match lines.len().saturating_sub(SHOWN) {
        0 => finding,
        more => finding.because(format!("and {more} more")),
    }
}

/// So many notebooks, in words.
pub(crate) fn notebooks(count: usize) -> String {
    if count == 1 { "1 notebook".to_owned() } else { format!("{count} notebooks") }
}

//! The class's notebooks name kernels that exist.
//!
//! # Meaning
//! A notebook stores the name of the kernel that it was made with. Where this machine has none of that name, Jupyter asks
//! every student to choose one, and what is chosen may lack what the notebook needs; run by a program, it ends with
//! `NoSuchKernel`.
//!
//! # Detection
//! `gpucheck publish --notebooks DIR`: `metadata.kernelspec.name` of each notebook against the kernels that the Jupyter that
//! was started offers, and those that the files of this machine tell.
//!
//! # Fix
//! Install a kernel of that name in the environment that is meant, or store another name in the notebook.
//!
//! # Source
//! <https://nbformat.readthedocs.io/en/latest/format_description.html#top-level-structure>,
//! <https://ipython.readthedocs.io/en/stable/install/kernel_install.html>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who,
    fact::{Classroom, Facts},
    in_class,
    judge::quoted,
};
use std::collections::BTreeSet;

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Notebooks, Source::Classroom],
    needs: &["classroom.jupyter_starts"],
    severity: Severity::BreaksLater,
    who: Who::Instructor,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    in_class::judge_notebooks(facts, |classroom, notebooks| {
        let known = kernels(facts, classroom);
        let missing: Vec<(&str, &str)> = notebooks
            .iter()
            .filter_map(|(notebook, content)| Some((notebook.path.as_str(), content.kernel.as_deref()?)))
            .filter(|(_, kernel)| !known.contains(&kernel.to_lowercase()))
            .collect();
        let Some((_, first)) = missing.first() else {
            return Finding::pass(Subject::Host, in_class::notebooks(notebooks.len()));
        };
        if is_untold(facts, classroom) {
            return Finding::unknown(Subject::Host, format!("whether there is a kernel {first} is not told"));
        }
        let names: BTreeSet<&str> = missing.iter().map(|(_, kernel)| *kernel).collect();
        let names = names.into_iter().collect::<Vec<_>>().join(", ");
        let count = in_class::notebooks(missing.len());
        let finding = Finding::fail(Subject::Host, format!("{count} without a kernel: {names}"));
        let line = |(path, kernel): &(&str, &str)| format!("{path} names {kernel}");
        let finding = in_class::listed(finding, &missing.iter().map(line).collect::<Vec<_>>());
        finding
            .with("kernel", (*first).to_owned())
            .run(format!("python -m ipykernel install --prefix=/usr/local --name {}", quoted(first)))
    })
}

/// The names of all kernels, in small letters as Jupyter compares them.
fn kernels(facts: &Facts, classroom: &Classroom) -> BTreeSet<String> {
    let files = facts.notebooks.seen().into_iter().flat_map(|notebooks| &notebooks.kernelspecs);
    let files = files.map(|spec| spec.name.to_lowercase());
    let jupyter = classroom.jupyter.seen().and_then(Option::as_ref);
    let offered = jupyter.and_then(|jupyter| jupyter.answer.seen()).into_iter();
    files.chain(offered.flat_map(|answer| &answer.kernels).map(|name| name.to_lowercase())).collect()
}

/// Whether there may be kernels that nobody saw.
fn is_untold(facts: &Facts, classroom: &Classroom) -> bool {
    let is_offered =
        classroom.jupyter.seen().and_then(Option::as_ref).is_some_and(|it| it.answer.seen().is_some());
    !is_offered && facts.notebooks.seen().is_none_or(|notebooks| notebooks.more > 0)
}

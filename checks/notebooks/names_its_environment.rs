//! A notebook kernel runs in the environment that its name tells.
//!
//! # Meaning
//! People choose a kernel by the name in Jupyter's menu. Where "Python (tf-gpu)" starts another environment's Python, because
//! its kernel was installed while that one was active, what they see is not what runs.
//!
//! # Detection
//! The kernel's own name, or its display name, is the name of an environment that is known here, another than the one its
//! `kernel.json` leads to, and neither holds that one's name. Of a display name counts what stands for an environment:
//! "Python (X)", "Python 3 (X)", "Python \[conda env:X\]", or all of it. An environment is called by the last part of its
//! folder, a `.venv` by the folder that it lies in. Names of languages, of frameworks and of what everybody has, such as
//! `lab` and `gpu`, say nothing.
//!
//! # Fix
//! Install a kernel of that name from the environment that it is named after, which takes its place for this user, or
//! give it another name.
//!
//! # Source
//! <https://ipython.readthedocs.io/en/stable/install/kernel_install.html>, jupyter/notebook#3146, jupyter/jupyter#270

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{Facts, Kernelspec, Spec},
    jupyter,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Frameworks, Source::Notebooks],
    needs: &["notebooks.interpreter_exists"],
    severity: Severity::Degraded,
    who: Who::Student,
    judge: judge_all,
};

fn judge_all(facts: &Facts, _: &Knowledge) -> Judged {
    jupyter::each_kernel(facts, |subject, kernel, spec| judge_kernel(facts, subject, kernel, spec))
}

fn judge_kernel(facts: &Facts, subject: Subject, kernel: &Kernelspec, spec: &Spec) -> Option<Finding> {
    let prefix = &kernel.environment.as_ref()?.prefix;
    let Some(other) = jupyter::named_after(facts, kernel) else {
        return Some(Finding::pass(subject, format!("it runs in {prefix}")));
    };
    let shown = spec.display_name.as_ref().unwrap_or(&kernel.name).clone();
    let finding = Finding::new(subject, Verdict::Warn, format!("{shown:?} runs in {prefix}, not in {other}"))
        .because(format!("{}/kernel.json", kernel.folder));
    Some(finding.with("shown", shown).with("prefix", prefix.clone()).with("other", other))
}

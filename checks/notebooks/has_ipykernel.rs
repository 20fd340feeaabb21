//! A notebook kernel's environment has ipykernel.
//!
//! # Meaning
//! A kernel for Python is a process of the package ipykernel, in the environment that the kernel leads to. Where the
//! package is missing there, Jupyter offers the kernel as ever, and it dies as soon as a notebook is opened: "No module
//! named ipykernel_launcher", or "Kernel died before replying to kernel_info".
//!
//! # Detection
//! `argv` in `kernel.json` names ipykernel, and no metadata of the package lies in the folders of packages of that
//! environment, its owner's own among them. Where these folders are not all told, a missing one stays unknown. Without a
//! framework in the environment it is a warning: such a kernel is broken, and no GPU is lost by that.
//!
//! # Fix
//! Install ipykernel in that environment.
//!
//! # Source
//! <https://ipython.readthedocs.io/en/stable/install/kernel_install.html>, jupyter/notebook#4222, #4806

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{Facts, Kernelspec, Program, Spec},
    judge::{is_apt, quoted},
    jupyter,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Notebooks],
    needs: &["notebooks.interpreter_exists"],
    severity: Severity::Degraded,
    who: Who::Student,
    judge: judge_all,
};

fn judge_all(facts: &Facts, _: &Knowledge) -> Judged {
    jupyter::each_kernel(facts, |subject, kernel, spec| judge_kernel(facts, subject, kernel, spec))
}

fn judge_kernel(facts: &Facts, subject: Subject, kernel: &Kernelspec, spec: &Spec) -> Option<Finding> {
    let Program::File { path, .. } = &kernel.program else { return None };
    let there = kernel.environment.as_ref().filter(|_| runs_ipykernel(spec))?;
    if let Some(version) = &there.packages.ipykernel {
        return Some(Finding::pass(subject, format!("ipykernel {version}")));
    }
    if let Some(why) = &there.untold {
        return Some(Finding::unknown(subject, format!("no ipykernel is in {}; {why}", there.prefix)));
    }
    // Debian's Python refuses pip.
    let install = if there.prefix == "/usr" && is_apt(facts) {
        "sudo apt install -y python3-ipykernel".to_owned()
    } else {
        format!("{} -m pip install ipykernel", quoted(path))
    };
    let verdict = if there.may_have_framework() { Verdict::Fail } else { Verdict::Warn };
    let finding = Finding::new(subject, verdict, format!("no ipykernel is in {}", there.prefix))
        .because(format!("{}/kernel.json starts {}", kernel.folder, spec.argv.join(" ")))
        .with("prefix", there.prefix.clone());
    Some(finding.run(install))
}

fn runs_ipykernel(spec: &Spec) -> bool {
    spec.argv.iter().any(|word| {
        ["ipykernel", "ipykernel_launcher"].contains(&word.as_str())
            || word.ends_with("/ipykernel_launcher.py")
    })
}

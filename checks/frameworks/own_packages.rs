//! An environment's own packages are those that are imported.
//!
//! # Meaning
//! Outside virtual environments Python looks into `~/.local` before the environment's own folder, and into what
//! `PYTHONPATH` names before both; a notebook also into its own folder, and into what a cell put on `sys.path`. A package that lies there, for another version of
//! Python or of its neighbours, is imported in the place of the environment's, in every environment at once.
//!
//! # Detection
//! The look at this Python failed, or the import of PyTorch, JAX, CuPy or cuDF, and the same with `-I`, which leaves those
//! folders and Python's variables out, did not. The folders are told with what they hide.
//!
//! # Fix
//! Take the package out of `~/.local`, `PYTHONPATH` out of the profile or `kernel.json`, or give the file in the notebook's
//! folder another name.
//!
//! # Source
//! <https://docs.python.org/3/using/cmdline.html#cmdoption-I>, <https://docs.python.org/3/library/site.html>,
//! conda/conda#7173, ContinuumIO/anaconda-issues#9688, conda-forge/python-feedstock#171

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Who,
    fact::{Facts, Python, Shadowing, ShadowingPlace},
    judge::quoted,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Frameworks],
    needs: &[],
    severity: Severity::Unusable,
    who: Who::Student,
    judge: judge_all,
};

fn judge_all(facts: &Facts, _: &Knowledge) -> Judged {
    facts.pythons().map(judge_python).collect()
}

fn judge_python(python: &Python) -> Finding {
    let subject = python.subject();
    let Some(isolated) = &python.isolated else {
        return Finding::not_applicable(subject, "nothing failed that isolation could mend");
    };
    let Some(works) = isolated.outcome.seen() else {
        return Finding::pass(
            subject,
            format!("in isolation it is the same: {}", isolated.outcome.why_not()),
        );
    };
    let finding = Finding::fail(subject, format!("what fails here works in isolation (-I): {works}"));
    let finding =
        isolated.shadowing.iter().fold(finding, |finding, folder| finding.because(described(folder)));
    match isolated.shadowing.first() {
        Some(first) => advise(python, first, finding),
        None => finding.variant("variables").run("env | grep ^PYTHON"),
    }
}

fn described(shadowing: &Shadowing) -> String {
    let Shadowing { folder, distributions, modules, .. } = shadowing;
    let distributions = distributions.iter().map(|found| format!("{} {}", found.name, found.version));
    let hiding: Vec<String> = distributions.chain(modules.iter().cloned()).take(8).collect();
    if hiding.is_empty() { folder.clone() } else { format!("{folder}: {}", hiding.join(", ")) }
}

fn advise(python: &Python, shadowing: &Shadowing, finding: Finding) -> Finding {
    let Shadowing { place, folder, distributions, .. } = shadowing;
    let path = quoted(&python.path);
    let finding = finding.with("folder", folder.clone());
    match place {
        ShadowingPlace::UserSite if distributions.is_empty() => {
            finding.run(format!("{path} -m pip list --user")).run(format!("ls {}", quoted(folder)))
        }
        ShadowingPlace::UserSite => {
            let names: Vec<String> = distributions.iter().map(|found| quoted(&found.name)).collect();
            // pip takes off the first that Python finds: that of the user.
            finding.run(format!("{path} -m pip uninstall -y {}", names.join(" ")))
        }
        ShadowingPlace::PythonPath => finding
            .variant("python_path")
            .run("unset PYTHONPATH")
            .run("grep -n PYTHONPATH ~/.bashrc ~/.profile /etc/profile.d/* /etc/environment"),
        ShadowingPlace::WorkingDirectory => {
            finding.variant("working_directory").run(format!("ls {}", quoted(folder)))
        }
        ShadowingPlace::SysPath => finding.variant("sys_path").run(format!("ls {}", quoted(folder))),
    }
}

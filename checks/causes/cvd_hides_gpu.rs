//! `CUDA_VISIBLE_DEVICES` hides the GPU.
//!
//! # Meaning
//! This variable tells CUDA which GPUs to show. Empty, -1, or a number that no GPU has means none.
//!
//! # Detection
//! CUDA does not list the GPU, and the variable is set in the environment that gpucheck was started in: to something
//! that names no GPU, or while CUDA lists others. Where CUDA lists no more without the variable, it hides nothing.
//! Or CUDA lists it, and a framework does not in a Python that was started, as its notebook kernel starts it, with a value
//! that names no GPU. The files that set the variable are named: profiles, conda's settings and scripts, IPython's
//! startup files, Jupyter's services, `kernel.json`. A notebook that asks says itself whether it has set it.
//!
//! # Fix
//! `unset CUDA_VISIBLE_DEVICES`; take it out of the notebook, `kernel.json` or profile that sets it, and restart the
//! kernel.
//!
//! # Source
//! <https://docs.nvidia.com/cuda/cuda-c-programming-guide/index.html#env-vars>, pytorch/pytorch#1040

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Verdict, Who,
    fact::{Facts, Python},
    judge::{hides_all, quoted},
    jupyter,
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &[
        "driver.initializes",
        "driver.sees_gpu",
        "frameworks.cudf_computes",
        "frameworks.cupy_computes",
        "frameworks.jax_computes",
        "frameworks.tensorflow_computes",
        "frameworks.tensorflow_lists_gpu",
        "frameworks.torch_computes",
        "notebooks.gpu_visible",
    ],
    severity: Severity::Unusable,
    who: Who::Student,
    recognize,
};

const NAME: &str = "CUDA_VISIBLE_DEVICES";
/// `CUDA_ERROR_NO_DEVICE`.
const NO_DEVICE: i64 = 100;

fn recognize(facts: &Facts, _: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    let here = here(facts, outcomes);
    let listed = facts.driver.seen().and_then(|driver| driver.devices.seen());
    if listed.is_none_or(Vec::is_empty) {
        return here.into_iter().collect();
    }
    here.into_iter().chain(facts.pythons().filter_map(|python| of_python(facts, outcomes, python))).collect()
}

/// The variable that gpucheck itself was started with.
fn here(facts: &Facts, outcomes: &[Outcome]) -> Option<Finding> {
    let driver = facts.driver.seen()?;
    let value = driver.visible_devices.as_ref()?;
    let listed = driver.devices.seen();
    let refused = driver.init.refusal_code() == Some(NO_DEVICE)
        && driver.devices_unhidden.map_or_else(|| selects_none(value, facts), |unhidden| unhidden > 0);
    if driver.devices_unhidden.is_some_and(|unhidden| unhidden <= listed.map_or(0, Vec::len)) {
        return None;
    }
    let hidden: Vec<String> = facts
        .gpu_addresses()
        .iter()
        .filter(|address| facts.cuda_device(address).is_none())
        .map(ToString::to_string)
        .collect();
    if hidden.is_empty() || !(listed.is_some() || refused) {
        return None;
    }
    let finding = Finding::fail(Subject::Host, format!("{NAME}={value:?} hides {}", hidden.join(", ")))
        .with("value", value.clone());
    let by_notebook = set_by_the_notebook(facts);
    let finding = if by_notebook { finding } else { finding.run(format!("unset {NAME}")) };
    let of_driver =
        |outcome: &&Outcome| ["driver.initializes", "driver.sees_gpu"].contains(&outcome.id.as_str());
    let finding = outcomes
        .iter()
        .filter(of_driver)
        .fold(finding, |finding, outcome| finding.accounting_for(&outcome.id, &outcome.subject));
    Some(if by_notebook { finding.variant("notebook") } else { where_set(facts, finding) })
}

/// Whether the notebook that asks has set it itself: then it stands in none of the files.
fn set_by_the_notebook(facts: &Facts) -> bool {
    let asking = facts.frameworks.seen().and_then(|frameworks| frameworks.asking.as_ref());
    asking.is_some_and(|asking| asking.notebook && asking.changed.iter().any(|name| name == NAME))
}

/// A Python that was started with a value of its own that hides every GPU.
fn of_python(facts: &Facts, outcomes: &[Outcome], python: &Python) -> Option<Finding> {
    let value = python.cuda_parts.seen()?.variables.get(NAME)?;
    let from_here = facts.driver.seen().and_then(|driver| driver.visible_devices.as_ref());
    if !(hides_all(value) || selects_none(value, facts)) || from_here == Some(value) {
        return None;
    }
    let subject = python.subject();
    let finding = Finding::fail(subject.clone(), format!("{NAME}={value:?} hides every GPU from it"))
        .with("value", value.clone());
    let notebooks = facts.notebooks.seen();
    let kernels = notebooks.map(|notebooks| jupyter::of(python, notebooks)).unwrap_or_default();
    let sets_it = |kernel: &&&crate::fact::Kernelspec| {
        kernel.spec.seen().is_some_and(|spec| spec.env.get(NAME) == Some(value))
    };
    let kernel = kernels.iter().find(sets_it);
    let has_it = |server: &&crate::fact::Server| server.environment.get(NAME) == Some(value);
    let server = notebooks.and_then(|notebooks| notebooks.servers.iter().find(has_it));
    let finding = match (kernel, server) {
        (Some(kernel), _) => {
            let file = format!("{}/kernel.json", kernel.folder);
            finding
                .variant("kernel")
                .because(format!("{NAME} is set in {file}"))
                .run(format!("grep -n {NAME} {}", quoted(&file)))
                .with("file", file)
        }
        (None, Some(server)) => {
            let finding = finding.variant("server").with("server", server.program.clone());
            where_set(
                facts,
                finding.because(format!("the Jupyter server {} ({}) has it", server.pid, server.program)),
            )
        }
        (None, None) => where_set(facts, finding),
    };
    let named = notebooks.zip(kernel).map(|(notebooks, kernel)| Subject::Notebook(notebooks.name_of(kernel)));
    let is_its_own = |outcome: &&Outcome| match outcome.id.as_str() {
        "notebooks.gpu_visible" if outcome.subject == Subject::Host => kernel.is_none() && server.is_some(),
        "notebooks.gpu_visible" => Some(&outcome.subject) == named.as_ref(),
        id => outcome.subject == subject && CAUSE.explains.contains(&id),
    };
    let troubled = outcomes.iter().filter(|outcome| outcome.verdict != Verdict::Pass).filter(is_its_own);
    Some(troubled.fold(finding, |finding, outcome| finding.accounting_for(&outcome.id, &outcome.subject)))
        .filter(|finding| finding.advice.accounts_for.is_some())
}

/// Adds the files that set the variable, or how to look for them.
fn where_set(facts: &Facts, finding: Finding) -> Finding {
    let files = facts.frameworks.seen().map(|frameworks| frameworks.visible_devices_set_in.as_slice());
    let files = files.unwrap_or_default();
    if files.is_empty() {
        return finding.run(format!("grep -rn {NAME} ~/.bashrc ~/.profile /etc/profile.d /etc/environment"));
    }
    let quoted: Vec<String> = files.iter().map(|file| quoted(file)).collect();
    let finding =
        files.iter().fold(finding, |finding, file| finding.because(format!("{NAME} is set in {file}")));
    let finding = finding.run(format!("grep -n {NAME} {}", quoted.join(" ")));
    if files.iter().any(|file| file.ends_with("/conda-meta/state")) {
        finding.run(format!("conda env config vars unset {NAME}"))
    } else {
        finding
    }
}

/// Whether CUDA shows no GPU for this value: it stops at the first entry that names none.
fn selects_none(value: &str, facts: &Facts) -> bool {
    let first = value.split(',').next().unwrap_or_default().trim();
    match first.parse::<usize>() {
        Ok(index) => index >= facts.gpu_addresses().len(),
        // A UUID may name a GPU or a MIG instance; that cannot be told from here.
        Err(_) => !(first.starts_with("GPU-") || first.starts_with("MIG-")),
    }
}

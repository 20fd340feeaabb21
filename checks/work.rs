//! What PyTorch, JAX, CuPy and cuDF did when they were put to work, judged in one way.
//!
//! Invariants: a GPU is proven by operations that all came out right, never by being listed; trouble of the probe's
//! own is no failure of the framework's.

use crate::{
    Finding, Subject, Verdict,
    fact::{ArrayLibrary, FrameworkDevice, Jax, Observed, Operation, ProbeFailure, Torch},
    judge,
};
use std::collections::BTreeMap;

/// Lines of a framework's log that tell why.
const TROUBLE: &[&str] = &["Error: ", "error: ", "Warning: ", "CUDA_ERROR_", "Unable to ", NOT_LOADED];
/// The words of XLA about a library that it could not load.
const NOT_LOADED: &str = "Could not load dynamic library '";
/// The words of the dynamic loader about a library that is not there.
const NOT_THERE: &str = ": cannot open shared object file";
/// The words of CUDA, and PyTorch's for them, about a driver that is older than the program.
const TOO_OLD: [&str; 2] = ["driver version is insufficient", "driver on your system is too old"];
/// What announces the extension in a Python, before anything of a framework.
const LOADING: &str = "load the extension";

/// A framework's part of the facts.
pub(crate) struct Work<'a> {
    label: String,
    devices: &'a Observed<Vec<FrameworkDevice>>,
    operations: &'a Observed<Vec<Operation>>,
    log: &'a str,
}

impl<'a> From<&'a Torch> for Work<'a> {
    fn from(torch: &'a Torch) -> Self {
        let Torch { devices, operations, log, .. } = torch;
        Self { label: torch.label(), devices, operations, log }
    }
}

impl<'a> From<&'a Jax> for Work<'a> {
    fn from(jax: &'a Jax) -> Self {
        let Jax { devices, operations, log, .. } = jax;
        Self { label: jax.label(), devices, operations, log }
    }
}

impl<'a> From<&'a ArrayLibrary> for Work<'a> {
    fn from(library: &'a ArrayLibrary) -> Self {
        let ArrayLibrary { devices, operations, log, .. } = library;
        Self { label: library.label(), devices, operations, log }
    }
}

/// Judges the operations that a framework was asked to do on each GPU.
pub(crate) fn judge<'a>(subject: Subject, work: impl Into<Work<'a>>) -> Finding {
    let work = work.into();
    let label = &work.label;
    let done = match work.operations {
        Observed::Seen(done) | Observed::Interrupted { seen: done, .. } => done,
        Observed::Failed(by) => return judge_failure(subject, &work, by),
        Observed::NotProbed { why } => return Finding::unknown(subject, format!("{label}: {why}")),
    };
    let fared = fared(&work, done);
    let right = fared.values().filter(|fared| **fared == Some(true)).count();
    if let Some(trouble) = done.iter().find_map(trouble).or_else(|| ending(&work)) {
        let text = format!("{label}: {trouble}");
        let finding = if right > 0 {
            Finding::new(subject, Verdict::Warn, text).variant("some")
        } else {
            lacking(Finding::fail(subject, text), missing_library(&trouble))
        };
        return judge::log_lines(finding, work.log, TROUBLE);
    }
    if let Some(by) = work.operations.failure() {
        return Finding::unknown(subject, format!("{label}: {by}"));
    }
    if let Some((untried, _)) = fared.iter().find(|(_, fared)| **fared != Some(true)) {
        return Finding::unknown(subject, format!("{label}: no operation was tried on {untried}"));
    }
    let computed = computed(done);
    match right {
        0 => Finding::fail(subject, format!("{label} has no GPU")).variant("unavailable"),
        1 => Finding::pass(subject, format!("{label}: {computed}, exactly right")),
        more => Finding::pass(subject, format!("{label}: {computed} on each of {more} GPUs, exactly right")),
    }
}

/// Whether it is to be installed anew: it cannot be imported, or lacks a library.
pub(crate) fn asks_for_installation(finding: &Finding) -> bool {
    matches!(finding.advice.variant, Some("import" | "library"))
}

/// A framework that did not come to its first operation.
fn judge_failure(subject: Subject, work: &Work<'_>, by: &ProbeFailure) -> Finding {
    let trouble = told(by);
    let text = format!("{}: {trouble}", work.label);
    if is_our_own(by) {
        return Finding::unknown(subject, text);
    }
    let finding = Finding::fail(subject, text);
    let finding = if by.step().starts_with("import ") {
        finding.variant("import")
    } else if TOO_OLD.iter().any(|words| trouble.contains(words)) {
        finding.variant("driver")
    } else if matches!(by, ProbeFailure::Refused { .. }) {
        finding.variant("unavailable")
    } else {
        finding
    };
    let library = missing_library(&trouble).or_else(|| not_loaded(work.log));
    let finding = lacking(finding, library);
    judge::log_lines(finding, work.log, TROUBLE)
}

/// Trouble of the probe's, which says nothing of the framework.
fn is_our_own(by: &ProbeFailure) -> bool {
    matches!(by, ProbeFailure::NotStarted { .. } | ProbeFailure::Garbled { .. }) || by.step() == LOADING
}

/// How the framework's process ended before it was done, where that is the framework's doing.
fn ending(work: &Work<'_>) -> Option<String> {
    work.operations.failure().filter(|by| !is_our_own(by)).map(told)
}

/// The GPUs that are listed, and those that were computed on, for facts of before have no list: whether all that was
/// tried came out right.
fn fared<'a>(work: &Work<'a>, done: &'a [Operation]) -> BTreeMap<&'a str, Option<bool>> {
    let listed = work.devices.seen().into_iter().flatten();
    let mut fared: BTreeMap<&str, Option<bool>> = listed.map(|device| (device.name.as_str(), None)).collect();
    for operation in done {
        let before = fared.entry(operation.device.as_str()).or_default();
        *before = Some(before.unwrap_or(true) && operation.correct == Observed::Seen(true));
    }
    // What ended the process was done on a GPU as well.
    let ended = work.operations.failure().map(ProbeFailure::step);
    let is_its = |name: &str| ended.is_some_and(|step| step.ends_with(&format!(" on {name}")));
    let known = fared.keys().any(|name| is_its(name));
    for (name, fared) in &mut fared {
        if ended.is_some() && (is_its(name) || !known) {
            *fared = Some(false);
        }
    }
    fared
}

fn trouble(operation: &Operation) -> Option<String> {
    let Operation { device, name, correct } = operation;
    match correct {
        Observed::Seen(true) | Observed::NotProbed { .. } => None,
        Observed::Seen(false) => Some(format!("{name} on {device}: a wrong result")),
        Observed::Failed(by) | Observed::Interrupted { by, .. } if by.step().ends_with(device) => {
            Some(told(by))
        }
        Observed::Failed(by) | Observed::Interrupted { by, .. } => {
            Some(format!("{name} on {device}: {}", told(by)))
        }
    }
}

/// What was computed, as a fragment.
fn computed(done: &[Operation]) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for operation in done {
        let part = match operation.name.rsplit('.').next() {
            Some("matmul") => "a matrix product",
            Some("conv2d") => "a convolution",
            Some("ElementwiseKernel") => "a function compiled on the spot",
            Some("sum") => "a sum",
            _ => "an operation",
        };
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    parts.join(" and ")
}

/// A failure with the one line of its message that matters: that of the missing library, else the first with words.
/// CuPy puts a page around it, PyTorch advice for its own developers below.
fn told(by: &ProbeFailure) -> String {
    let ProbeFailure::Refused { message, .. } = by else { return by.to_string() };
    let mut lines = message.lines().map(str::trim);
    let line = lines.clone().find(|line| line.contains(NOT_THERE));
    let line = line.or_else(|| lines.find(|line| line.contains(char::is_alphanumeric)));
    let mut by = by.clone();
    if let (Some(line), ProbeFailure::Refused { name, message, .. }) = (line, &mut by) {
        line.strip_prefix(&format!("{name}: ")).unwrap_or(line).clone_into(message);
    }
    by.to_string()
}

/// Names the library that is missing, where that is the trouble.
fn lacking(finding: Finding, library: Option<&str>) -> Finding {
    match library {
        Some(library) => finding.variant("library").with("library", library),
        None => finding,
    }
}

/// The first library of CUDA's that XLA's log says could not be loaded; the driver's own is another matter.
fn not_loaded(log: &str) -> Option<&str> {
    let mut names = log.split(NOT_LOADED).skip(1).filter_map(|rest| rest.split('\'').next());
    names.find(|name| {
        name.starts_with("lib") && name.contains(".so") && name.len() < 64 && !name.starts_with("libcuda.so")
    })
}

/// The library that the dynamic loader did not find.
fn missing_library(message: &str) -> Option<&str> {
    let (before, _) = message.split_once(NOT_THERE)?;
    before.rsplit([' ', '\n', ':', '\'', '"']).next().filter(|name| name.contains(".so"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(name: &str) -> FrameworkDevice {
        FrameworkDevice { name: name.to_owned(), ..FrameworkDevice::default() }
    }

    fn right(device: &str) -> Operation {
        Operation { device: device.to_owned(), name: "matmul".to_owned(), correct: Observed::Seen(true) }
    }

    fn verdict(devices: &[&str], operations: &Observed<Vec<Operation>>) -> Verdict {
        let devices = Observed::Seen(devices.iter().map(|name| device(name)).collect());
        let work = Work { label: "X".to_owned(), devices: &devices, operations, log: "" };
        judge(Subject::Host, work).verdict
    }

    #[test]
    fn only_operations_on_every_gpu_are_a_proof() {
        let seen = |done| Observed::Seen(done);
        assert_eq!(verdict(&["a", "b"], &seen(vec![right("a"), right("b")])), Verdict::Pass);
        assert_eq!(verdict(&["a", "b"], &seen(vec![right("a")])), Verdict::Unknown);
        assert_eq!(verdict(&["a"], &seen(vec![])), Verdict::Unknown);
        assert_eq!(verdict(&[], &seen(vec![])), Verdict::Fail);
        // Facts of before have no list.
        assert_eq!(verdict(&[], &seen(vec![right("a")])), Verdict::Pass);
    }

    #[test]
    fn an_end_before_the_end() {
        let step = || "torch.matmul on b".to_owned();
        let crash = || ProbeFailure::Crashed { signal: 11, step: step() };
        let hang = || ProbeFailure::TimedOut { after_ms: 1, step: step(), unkillable: false };
        let garbled = || ProbeFailure::Garbled { step: step(), message: String::new() };
        let gone = ProbeFailure::NotStarted { message: String::new() };
        let not_loaded = ProbeFailure::Refused {
            step: LOADING.to_owned(),
            code: 0,
            name: String::new(),
            message: String::new(),
        };
        let after = |seen: Vec<Operation>, by| Observed::Interrupted { seen, by };
        for (operations, expected) in [
            (after(vec![right("a")], crash()), Verdict::Warn),
            (after(vec![right("a")], hang()), Verdict::Warn),
            (after(vec![], crash()), Verdict::Fail),
            // The product on b was right, and what came after it on b crashed.
            (after(vec![right("b")], crash()), Verdict::Fail),
            (after(vec![right("a"), right("b")], garbled()), Verdict::Unknown),
            (Observed::Failed(hang()), Verdict::Fail),
            (Observed::Failed(gone), Verdict::Unknown),
            (Observed::Failed(garbled()), Verdict::Unknown),
            (Observed::Failed(not_loaded), Verdict::Unknown),
            (Observed::not_probed(""), Verdict::Unknown),
        ] {
            assert_eq!(verdict(&["a", "b"], &operations), expected, "{operations:?}");
        }
    }

    #[test]
    fn the_library_that_the_loader_names() {
        // pytorch/pytorch#165812, cupy/cupy#8226, cupy/cupy#8317.
        for (message, library) in [
            (
                "libcudnn.so.9: cannot open shared object file: No such file or directory",
                Some("libcudnn.so.9"),
            ),
            (
                "Original error:\n  ImportError: libcudart.so.12: cannot open shared object file: No such file or directory",
                Some("libcudart.so.12"),
            ),
            (
                "CuPy failed to load libnvrtc.so.12: OSError: libnvrtc.so.12: cannot open shared object file: No such file or directory",
                Some("libnvrtc.so.12"),
            ),
            ("libcusparse.so.12: undefined symbol: __nvJitLinkAddData_12_1", None),
            ("No module named 'torch._C'", None),
        ] {
            assert_eq!(missing_library(message), library, "{message}");
        }
    }

    #[test]
    fn the_library_that_xla_names() {
        // Captured from jax 0.10.2 with jax-cuda12-plugin and without CUDA.
        let log = "dso_loader.cc:73] Could not load dynamic library 'libcudart.so.12'; dlerror: libcudart.so.12: cannot open shared object file";
        assert_eq!(not_loaded(log), Some("libcudart.so.12"));
        assert_eq!(not_loaded(&log.replace("libcudart.so.12", "libcuda.so.1")), None);
        assert_eq!(not_loaded("Could not load dynamic library"), None);
    }
}

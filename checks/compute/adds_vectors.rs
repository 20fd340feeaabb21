//! The GPU adds two vectors and gets every bit right.
//!
//! # Meaning
//! The proof that the GPU computes: code is translated for it by the driver, memory is taken, filled, worked on and
//! read back. Listing a GPU proves none of that.
//!
//! # Detection
//! One addition of two float vectors, compared bit for bit with the processor's. It takes a few megabytes.
//!
//! # Fix
//! Where it is refused, by its code: 222 means that the driver is too old for the code, 221 that the driver's
//! compiler (`libnvidia-ptxjitcompiler.so.1`) is missing, 2 that the memory is full. Wrong bits: take the machine out
//! of use.
//!
//! # Source
//! <https://docs.nvidia.com/cuda/parallel-thread-execution/>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who,
    fact::{CudaDevice, Facts, Observed, ProbeFailure, VectorAdd},
    judge,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Pci, Source::Nvml, Source::Driver, Source::Compute],
    needs: &["driver.opens_context"],
    severity: Severity::Unusable,
    who: Who::Platform,
    judge: judge_all,
};

fn judge_all(facts: &Facts, _: &Knowledge) -> Judged {
    let judge_device = |subject, device: &CudaDevice| judge_device(facts, subject, device);
    judge::each_gpu(facts, judge_device, |subject| nothing_computed(facts, subject))
}

fn judge_device(facts: &Facts, subject: Subject, device: &CudaDevice) -> Finding {
    let mut computed = facts.compute.seen().into_iter().flat_map(|compute| &compute.devices);
    let opened = device.context.seen().is_some();
    match computed.find(|computed| computed.ordinal == device.ordinal).map(|computed| &computed.vector_add) {
        Some(Observed::Seen(sum)) => judge_sum(subject, *sum),
        Some(Observed::Failed(by) | Observed::Interrupted { by, .. }) => refused(subject, by),
        Some(Observed::NotProbed { .. }) | None => match facts.compute.failure() {
            Some(by) if opened => refused(subject, by),
            Some(_) | None => nothing_computed(facts, subject),
        },
    }
}

fn nothing_computed(facts: &Facts, subject: Subject) -> Finding {
    Finding::unknown(subject, "nothing was computed on it").because(facts.compute.why_not())
}

/// 2 is `CUDA_ERROR_OUT_OF_MEMORY`, 221 `CUDA_ERROR_JIT_COMPILER_NOT_FOUND`, 222 `CUDA_ERROR_UNSUPPORTED_PTX_VERSION`.
fn refused(subject: Subject, by: &ProbeFailure) -> Finding {
    let finding = Finding::fail(subject, by.to_string());
    match by.refusal_code() {
        Some(2) => finding.variant("memory").run("nvidia-smi"),
        Some(221 | 222) => finding.variant("compiler"),
        _ => finding,
    }
}

fn judge_sum(subject: Subject, sum: VectorAdd) -> Finding {
    let VectorAdd { elements, wrong, first_wrong } = sum;
    if elements == 0 {
        return Finding::unknown(subject, "no element was added");
    }
    if wrong == 0 {
        return Finding::pass(subject, format!("{elements} sums, every bit right"));
    }
    let finding = Finding::fail(subject, format!("{wrong} of {elements} sums are wrong")).variant("wrong");
    match first_wrong {
        Some(index) => finding.because(format!("the first is element {index}")),
        None => finding,
    }
}

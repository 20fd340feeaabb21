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
    fact::{Facts, Observed, PciAddress, VectorAdd},
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Driver, Source::Compute],
    needs: &["driver.opens_context"],
    severity: Severity::Unusable,
    who: Who::Platform,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    facts.gpu_addresses().into_iter().map(|gpu| judge_gpu(facts, gpu)).collect()
}

fn judge_gpu(facts: &Facts, gpu: PciAddress) -> Finding {
    let devices = facts.compute.seen().into_iter().flat_map(|compute| &compute.devices);
    let device = devices.into_iter().find(|device| device.pci.as_ref() == Some(&gpu));
    let opened = facts.cuda_device(&gpu).is_some_and(|device| device.context.seen().is_some());
    let subject = Subject::Gpu(gpu);
    match device.map(|device| &device.vector_add) {
        Some(Observed::Seen(sum)) => judge_sum(subject, *sum),
        Some(Observed::Failed(by) | Observed::Interrupted { by, .. }) => {
            Finding::fail(subject, by.to_string())
        }
        Some(Observed::NotProbed { .. }) | None => match facts.compute.failure() {
            Some(by) if opened => Finding::fail(subject, by.to_string()),
            Some(by) => Finding::unknown(subject, by.to_string()),
            None => Finding::unknown(subject, "nothing was computed on it").because(facts.compute.why_not()),
        },
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

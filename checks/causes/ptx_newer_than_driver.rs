//! The driver is too old for the code that it is given to compile.
//!
//! # Meaning
//! Programs that bring code for a GPU they do not know bring it as PTX, which the driver compiles. A driver knows the
//! PTX of its time: newer is refused, while programs that bring compiled code still work.
//!
//! # Detection
//! CUDA refuses gpucheck's own code with 222. It is PTX 6.0, which every driver from 384 on knows.
//!
//! # Fix
//! Install a newer driver; or, for numba and its like, the toolkit of the driver's own CUDA version.
//!
//! # Source
//! <https://docs.nvidia.com/cuda/parallel-thread-execution/#release-notes>, NVIDIA/numba-cuda#163, numba/numba#8961

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    fact::{Facts, PciAddress},
    judge,
    knowledge::branch,
    readings,
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["compute.adds_vectors"],
    severity: Severity::Unusable,
    who: Who::Instructor,
    recognize,
};

/// `CUDA_ERROR_UNSUPPORTED_PTX_VERSION`.
const UNSUPPORTED_PTX_VERSION: i64 = 222;

fn recognize(facts: &Facts, knowledge: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    let refused = |gpu: PciAddress| {
        let refused = readings::refusal(facts, &gpu) == Some(UNSUPPORTED_PTX_VERSION);
        let subject = Subject::Gpu(gpu);
        let version = facts.nvml.seen().and_then(|nvml| nvml.driver_version.seen());
        let version = version.map_or("of unknown version", String::as_str);
        let newest = branch(version).and_then(|branch| knowledge.driver(branch)?.ptx);
        let knows =
            newest.map(|(major, minor)| format!("its newest PTX is {major}.{minor}")).unwrap_or_default();
        refused.then(|| {
            Finding::fail(subject.clone(), format!("driver {version} refuses PTX 6.0 as too new (222)"))
                .because(knows)
                .accounting_for("compute.adds_vectors", &subject)
        })
    };
    let found = readings::together(facts.gpu_addresses().into_iter().filter_map(refused).collect());
    found.into_iter().map(|finding| judge::install_driver(facts, knowledge, finding)).collect()
}

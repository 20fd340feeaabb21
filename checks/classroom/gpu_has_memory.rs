//! The GPU has the memory that the class needs.
//!
//! # Meaning
//! A notebook that wants more memory than the GPU has ends with "out of memory", in each clone. Which notebook of the class
//! wants most is for its instructor to say: `--needs-memory`.
//!
//! # Detection
//! `gpucheck publish --needs-memory SIZE`: what CUDA tells that programs may use (`cuDeviceTotalMem`), which is less than the
//! card is sold with; of several GPUs or MIG instances the least, since a notebook may meet any of them.
//!
//! # Fix
//! A size with more memory, smaller batches or a smaller model. How much each notebook takes is told by `--run-notebooks`.
//!
//! # Source
//! <https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__DEVICE.html>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who,
    fact::{Classroom, Facts},
    judge as judges,
    readings::mib,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Driver, Source::Classroom],
    needs: &["driver.initializes", "driver.sees_gpu"],
    severity: Severity::BreaksLater,
    who: Who::Instructor,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    judges::asked(&facts.classroom, |classroom| judge_class(facts, classroom))
}

fn judge_class(facts: &Facts, classroom: &Classroom) -> Finding {
    let host = Subject::Host;
    let Some(needed) = classroom.needs_memory else {
        return Finding::not_applicable(host, "how much the class needs was not said (--needs-memory)");
    };
    if let Some(device) = facts.cuda_devices().find(|device| device.memory.seen().is_none()) {
        return Finding::unknown(host, format!("memory of a GPU: {}", device.memory.why_not()));
    }
    let Some(least) = facts.cuda_devices().filter_map(|device| device.memory.seen()).min() else {
        return Finding::unknown(host, "CUDA lists no GPU here, so its memory is not told");
    };
    let (has, needs) = (mib(*least), mib(needed));
    let told = format!("{has} for programs; the class needs {needs}");
    if needed > *least {
        Finding::fail(host, told).with("has", has).with("needed", needs)
    } else {
        Finding::pass(host, told)
    }
}

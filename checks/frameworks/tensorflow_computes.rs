//! TensorFlow computes on the GPU.
//!
//! # Meaning
//! The proof that this Python can use the GPU. A GPU may be listed and refuse the first operation: TensorFlow holds no
//! code for it, a library is too old, the memory is full.
//!
//! # Detection
//! After `import tensorflow`, a matrix product on each GPU that it lists, compared exactly with the right one, and a
//! convolution, which is cuDNN's. Right on some of them and not on others is a warning.
//!
//! # Fix
//! By the error that TensorFlow gives; a TensorFlow without code for this GPU needs another version.
//!
//! # Source
//! <https://www.tensorflow.org/install/source#gpu>, tensorflow/tensorflow#97387

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{DeviceAttributes, Facts, Listing, Observed, Operation, Python, TensorFlow},
    judge,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Frameworks],
    needs: &[
        "frameworks.tensorflow_fits_cudnn",
        "frameworks.tensorflow_has_code_for_gpu",
        "frameworks.tensorflow_lists_gpu",
    ],
    severity: Severity::Unusable,
    who: Who::Student,
    judge: judge_all,
};

fn judge_all(facts: &Facts, _: &Knowledge) -> Judged {
    facts.pythons().map(|python| judge::tensorflow(python, judge_operations)).collect()
}

fn judge_operations(subject: Subject, _: &Python, tensorflow: &TensorFlow) -> Finding {
    let Some(look) = tensorflow.full_look() else {
        return Finding::unknown(subject, "no operation was tried");
    };
    let Some(listing) = look.listing.seen() else {
        return Finding::unknown(subject, look.listing.why_not());
    };
    if let Some(why) = &look.why_idle {
        return Finding::unknown(subject, why.clone());
    }
    let gpus = listing.gpus().count();
    if let Some((operation, trouble)) = listing.operations.iter().find_map(|op| Some((op, trouble(op)?))) {
        let text = format!("{} on {}: {trouble}", operation.name, operation.device);
        let partly = listing.gpus().any(|gpu| is_right_on(listing, gpu));
        let finding = if partly {
            Finding::new(subject, Verdict::Warn, text).variant("some")
        } else {
            Finding::fail(subject, text)
        };
        return judge::log_lines(finding, &look.log, judge::GPU_TROUBLE);
    }
    let done = listing.gpus().filter(|gpu| is_right_on(listing, gpu)).count();
    let convolved = listing.operations.iter().any(|operation| operation.name == "nn.conv2d");
    let what = if convolved { "a matrix product and a convolution" } else { "a matrix product" };
    match look.listing.failure() {
        Some(by) if gpus > 0 => {
            judge::log_lines(Finding::fail(subject, by.to_string()), &look.log, judge::GPU_TROUBLE)
        }
        _ if gpus > 0 && done >= gpus => Finding::pass(
            subject,
            if gpus == 1 {
                format!("{what}, exactly right")
            } else {
                format!("{what} on each of {gpus} GPUs, exactly right")
            },
        ),
        _ => Finding::unknown(subject, "no operation was tried on a GPU"),
    }
}

/// Whether operations were done on this GPU, and all of them came out right.
fn is_right_on(listing: &Listing, gpu: &DeviceAttributes) -> bool {
    let mut here = listing.operations.iter().filter(|operation| operation.device == gpu.name).peekable();
    here.peek().is_some() && here.all(|operation| operation.correct == Observed::Seen(true))
}

fn trouble(operation: &Operation) -> Option<String> {
    match &operation.correct {
        Observed::Seen(true) | Observed::NotProbed { .. } => None,
        Observed::Seen(false) => Some("a wrong result".to_owned()),
        Observed::Failed(by) | Observed::Interrupted { by, .. } => Some(by.to_string()),
    }
}

//! The GPU multiplies matrices and gets every element right.
//!
//! # Meaning
//! A sum of two vectors uses little of a GPU. Products of matrices use its multipliers, its shared memory and its
//! synchronization on all multiprocessors, as training does. A GPU that gets them wrong trains models that are wrong, and
//! no program says so.
//!
//! # Detection
//! A product of matrices of integers and one of floats whose partial sums are all exact, each element compared with the
//! processor's; and chains of fused multiply-adds whose end is known. A crash, a hang or an error of the GPU while it
//! multiplies counts as wrong, for it has added vectors right before; a refusal for want of memory does not.
//!
//! # Fix
//! Take the machine out of use: stop (deallocate) and start it to take another host. On your own hardware look for heat,
//! power and overclocking first.
//!
//! # Source
//! IEEE 754; <https://docs.nvidia.com/cuda/floating-point/>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who, at_work,
    fact::{Arithmetic, Facts, Observed, Product, WorkDevice},
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Pci, Source::Nvml, Source::Driver, Source::Work],
    needs: &["compute.adds_vectors", "compute.memory_holds"],
    severity: Severity::Unusable,
    who: Who::Platform,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    at_work::each_gpu(facts, |subject, device| Some(judge_device(facts, subject, device)))
}

fn judge_device(facts: &Facts, subject: Subject, device: &WorkDevice) -> Finding {
    let of = |what, product: &Observed<Product>| {
        product
            .seen()
            .and_then(|product| wrong(&subject, what, product))
            .or_else(|| at_work::unfinished(facts, &subject, device, product))
    };
    let arithmetic = device.arithmetic.seen().and_then(|done| wrong_arithmetic(&subject, *done));
    let broken_off = at_work::unfinished(facts, &subject, device, &device.arithmetic)
        .filter(|finding| finding.verdict == Verdict::Fail);
    let products = [of("integers", &device.integer_product), of("floats", &device.float_product)];
    let findings: Vec<Finding> = products.into_iter().chain([arithmetic.or(broken_off)]).flatten().collect();
    let failed = |finding: &&Finding| finding.verdict == Verdict::Fail;
    if let Some(finding) = findings.iter().find(failed).or_else(|| findings.first()) {
        return finding.clone();
    }
    let sizes =
        [&device.integer_product, &device.float_product].map(|product| product.seen().map(|of| of.size));
    match sizes {
        [Some(integers), Some(floats)] if integers > 0 && floats > 0 => Finding::pass(
            subject,
            format!("{integers} by {integers} integers and floats, every element right"),
        ),
        _ => Finding::unknown(subject, "no element was computed"),
    }
}

fn wrong(subject: &Subject, what: &str, product: &Product) -> Option<Finding> {
    let Product { size, wrong, first_wrong, .. } = *product;
    if wrong == 0 {
        return None;
    }
    let text = format!("{wrong} wrong elements in products of {size} by {size} {what}");
    let finding = Finding::fail(subject.clone(), text);
    Some(match first_wrong {
        Some((row, column)) => finding.because(format!("the first is in row {row}, column {column}")),
        None => finding,
    })
}

fn wrong_arithmetic(subject: &Subject, done: Arithmetic) -> Option<Finding> {
    let text = format!("chains of fused multiply-adds end wrong in {} threads", done.wrong);
    (done.wrong > 0).then(|| Finding::fail(subject.clone(), text))
}

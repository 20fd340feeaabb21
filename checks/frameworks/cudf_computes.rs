//! cuDF computes on the GPU.
//!
//! # Meaning
//! The proof that cuDF in this Python can use the GPU. It works on the first GPU that the process has.
//!
//! # Detection
//! After `import cudf`, a sum of whole numbers, compared exactly with the right one. Where cuDF was not run, this cannot
//! be told.
//!
//! # Fix
//! By the error that cuDF gives: `python -c "import cudf; print(cudf.Series([1, 2]).sum())"`.
//!
//! # Source
//! <https://docs.rapids.ai/install/>, NVIDIA/cudf#497

use crate::{Check, Judged, Knowledge, Severity, Source, Who, fact::Facts, judge::quoted, wheels, work};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Frameworks],
    needs: &["compute.adds_vectors", "frameworks.python_starts"],
    severity: Severity::Unusable,
    who: Who::Student,
    judge: judge_all,
};

fn judge_all(facts: &Facts, _: &Knowledge) -> Judged {
    let judge = |python: &crate::fact::Python| {
        wheels::cudf(python, |subject, cudf| {
            let finding = work::judge(subject, cudf).with("cudf", cudf.label());
            if work::asks_for_installation(&finding) {
                return finding.see("https://docs.rapids.ai/install/");
            }
            finding
                .run(format!("{} -c \"import cudf; print(cudf.Series([1, 2]).sum())\"", quoted(&python.path)))
        })
    };
    facts.pythons().map(judge).collect()
}

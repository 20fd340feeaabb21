//! CuPy computes on the GPU.
//!
//! # Meaning
//! The proof that CuPy in this Python can use the GPU. CuPy brings neither CUDA's libraries nor its compiler in every case:
//! where they are missing, the import works and the first operation fails.
//!
//! # Detection
//! After `import cupy`, a matrix product on each GPU that it lists, and a function that CuPy compiles on the spot, both
//! compared exactly with the right one. Right on some GPUs and not on others is a warning. Where CuPy was not run, this
//! cannot be told.
//!
//! # Fix
//! By the error that CuPy gives: `python -c "import cupy; print(cupy.ones(2) + 1)"`.
//!
//! # Source
//! <https://docs.cupy.dev/en/stable/install.html>, cupy/cupy#8226, #8317

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
        wheels::cupy(python, |subject, cupy| {
            let finding = work::judge(subject, cupy).with("cupy", cupy.label());
            if work::asks_for_installation(&finding) {
                return finding.see("https://docs.cupy.dev/en/stable/install.html");
            }
            finding.run(format!("{} -c \"import cupy; print(cupy.ones(2) + 1)\"", quoted(&python.path)))
        })
    };
    facts.pythons().map(judge).collect()
}

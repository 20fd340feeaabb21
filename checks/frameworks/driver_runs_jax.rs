//! The driver runs JAX's CUDA.
//!
//! # Meaning
//! JAX for CUDA 13 wants a driver of branch 580 or newer, JAX for CUDA 12 one of branch 525 or newer.
//!
//! # Detection
//! The name of the plugin that is installed beside the version of the driver.
//!
//! # Fix
//! Install the plugin that the driver runs, or a newer driver.
//!
//! # Source
//! <https://docs.jax.dev/en/latest/installation.html>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{Facts, Jax},
    wheels,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Nvml, Source::Driver, Source::Frameworks],
    needs: &["frameworks.jax_has_cuda_plugin", "driver.initializes"],
    severity: Severity::Unusable,
    who: Who::Student,
    judge: judge_all,
};

fn judge_all(facts: &Facts, knowledge: &Knowledge) -> Judged {
    let judge = |python: &crate::fact::Python| {
        wheels::jax(python, |subject, jax| {
            let finding = judge_driver(facts, knowledge, subject, jax).with("framework", jax.label());
            if finding.verdict == Verdict::Fail {
                wheels::install_jax(facts, knowledge, python, jax, finding)
            } else {
                finding
            }
        })
    };
    facts.pythons().map(judge).collect()
}

fn judge_driver(facts: &Facts, knowledge: &Knowledge, subject: Subject, jax: &Jax) -> Finding {
    let Some(plugin) = wheels::jax_cuda(jax).and_then(|cuda| knowledge.jax(cuda)) else {
        return Finding::unknown(subject, "which CUDA it is built for is not told");
    };
    let Some(newest) = wheels::newest_cuda(facts) else {
        return Finding::unknown(subject, "the driver does not say which CUDA it runs");
    };
    // By CUDA's versions: those of Windows' drivers, under WSL, have other numbers than the branches of the table.
    let runs = wheels::runs(newest, (plugin.cuda, 0));
    let wanted = format!("{} is for CUDA {}", jax.label(), plugin.cuda);
    if runs {
        Finding::pass(subject, format!("{wanted}, the driver runs {}.{}", newest.0, newest.1))
    } else {
        Finding::fail(subject, format!("{wanted}, the driver runs {}.{} at most", newest.0, newest.1))
    }
}

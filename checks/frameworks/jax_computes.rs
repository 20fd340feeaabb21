//! JAX computes on the GPU.
//!
//! # Meaning
//! The proof that JAX in this Python can use the GPU.
//!
//! # Detection
//! After `import jax`, a matrix product on each GPU that it lists, compared exactly with the right one. Right on some GPUs
//! and not on others is a warning. JAX that reaches a GPU and puts the CPU before it, in `jax.devices()`, computes on the
//! CPU in a notebook: that is a failure, and so is one that `JAX_PLATFORMS` leaves no GPU. Where JAX was not run, and its files were read alone, this cannot be told.
//!
//! # Fix
//! By the error that JAX gives: `python -c "import jax; print(jax.devices('gpu'))"`. Where the CPU comes first, take out
//! `JAX_PLATFORMS` and `JAX_PLATFORM_NAME`.
//!
//! # Source
//! <https://docs.jax.dev/en/latest/installation.html>, <https://docs.jax.dev/en/latest/config_options.html>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Verdict, Who,
    fact::{Facts, Jax, ProbeFailure, Python},
    judge::quoted,
    wheels, work,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Frameworks],
    needs: &["compute.adds_vectors", "frameworks.driver_runs_jax", "frameworks.jax_supports_gpu"],
    severity: Severity::Unusable,
    who: Who::Student,
    judge: judge_all,
};

fn judge_all(facts: &Facts, knowledge: &Knowledge) -> Judged {
    let judge = |python: &Python| {
        wheels::jax(python, |subject, jax| {
            let finding = work::judge(subject, jax).with("jax", jax.label());
            let is_on_cpu = is_on_cpu(jax);
            let told = told_to_cpu(python).filter(|_| !is_on_cpu && finding.verdict == Verdict::Fail);
            if is_on_cpu || told.is_some() {
                return told
                    .into_iter()
                    .fold(finding, Finding::because)
                    .variant("cpu_first")
                    .run("unset JAX_PLATFORMS JAX_PLATFORM_NAME")
                    .run("grep -n JAX_PLATFORM ~/.bashrc ~/.profile /etc/profile.d/* /etc/environment");
            }
            if work::asks_for_installation(&finding) {
                return wheels::install_jax(facts, knowledge, python, jax, finding);
            }
            finding.run(format!("{} -c \"import jax; print(jax.devices('gpu'))\"", quoted(&python.path)))
        })
    };
    facts.pythons().map(judge).collect()
}

/// `JAX_PLATFORMS`, where it leaves JAX no GPU. `JAX_PLATFORM_NAME` leaves them: it says which comes first.
fn told_to_cpu(python: &Python) -> Option<String> {
    let platforms =
        python.cuda_parts.seen()?.variables.get("JAX_PLATFORMS").filter(|value| !value.is_empty())?;
    let mut names = platforms.split(',').map(str::trim);
    (!names.any(|name| ["cuda", "gpu"].contains(&name))).then(|| format!("JAX_PLATFORMS={platforms}"))
}

/// Whether it reaches GPUs and puts the CPU before them.
fn is_on_cpu(jax: &Jax) -> bool {
    matches!(jax.operations.failure(), Some(ProbeFailure::Refused { name, .. }) if name == "DefaultIsCpu")
}

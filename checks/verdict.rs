//! Whether the GPU is usable: of the machine, and of each Python by itself.
//!
//! Invariants: what cannot be told is no pass, and what is only listed proves nothing; a framework whose cuBLAS or cuDNN
//! computes wrongly is not usable, whatever came out right before.

use crate::{
    Outcome, Report, Severity, Subject, Verdict, cuda_libraries,
    diagnose::JudgedOutcome,
    fact::{ArrayLibrary, Facts, FoundBy, Jax, Kernelspec, Observed, PciAddress, Python, TensorFlow, Torch},
    jupyter,
    report::{MachineVerdict, Root},
    usable_from::{Usable, UsableFrom},
};

/// The checks without which nothing is usable: what proves a GPU, and what proves a framework.
pub const PROOFS: [&str; 6] =
    [PROOF_OF_GPU, PROOF_OF_TENSORFLOW, PROOF_OF_TORCH, PROOF_OF_JAX, PROOF_OF_CUPY, PROOF_OF_CUDF];
/// The check that proves a GPU.
const PROOF_OF_GPU: &str = "compute.adds_vectors";
/// The checks of which none may fail on a GPU that is proven: one that is wrong now and then is not usable. That they were
/// not judged, or could not tell, takes nothing from the proof.
pub(crate) const REFUTATIONS: [&str; 3] =
    ["compute.memory_holds", "compute.multiplies_matrices", "compute.copies_memory"];
/// The checks that prove a framework, each its own.
const PROOF_OF_TENSORFLOW: &str = "frameworks.tensorflow_computes";
const PROOF_OF_TORCH: &str = "frameworks.torch_computes";
const PROOF_OF_JAX: &str = "frameworks.jax_computes";
const PROOF_OF_CUPY: &str = "frameworks.cupy_computes";
const PROOF_OF_CUDF: &str = "frameworks.cudf_computes";

/// The verdict: first the GPUs, each by its proof, unless its work refutes it; then every framework of every Python by its own,
/// and Pythons that could not be asked. At last the notebook kernels: one with a framework that fails its user is a part that
/// is not usable.
pub(crate) fn verdict(
    facts: &Facts,
    judged: &[JudgedOutcome],
    roots: &[Root],
    rows: &[UsableFrom],
) -> MachineVerdict {
    let gpus =
        facts.gpu_addresses().into_iter().map(|gpu| proof_of_gpu(outcomes(judged), &Subject::Gpu(gpu)));
    let gpus = fared(&gpus.collect::<Vec<_>>());
    let of_framework = |root: &Root| {
        ["libraries.", "frameworks.", "notebooks."].iter().any(|layer| root.id.starts_with(layer))
    };
    let broken_below = roots.iter().any(|root| root.severity == Severity::Unusable && !of_framework(root));
    let notebook_broken = outcomes(judged).any(|outcome| {
        let without_framework =
            || jupyter::kernel_of(facts, &outcome.subject).is_some_and(Kernelspec::lacks_framework);
        outcome.id.starts_with("notebooks.") && outcome.verdict == Verdict::Fail && !without_framework()
    });
    let frameworks = match facts.frameworks {
        Observed::Seen(_) => fared(&frameworks(facts, judged, rows)),
        // Who did not look cannot say that there is no Python.
        Observed::Interrupted { .. } | Observed::Failed(_) | Observed::NotProbed { .. } => Proofs::Untold,
    };
    match (gpus, frameworks) {
        (Proofs::None, _) | (_, Proofs::None) => MachineVerdict::Unusable,
        (Proofs::Nobody | Proofs::Untold, _) if broken_below => MachineVerdict::Unusable,
        (Proofs::Nobody | Proofs::Untold, _) | (Proofs::All | Proofs::Some, Proofs::Untold) => {
            MachineVerdict::Incomplete
        }
        (Proofs::Some, _) | (Proofs::All, Proofs::Some) => MachineVerdict::Degraded,
        (Proofs::All, Proofs::All | Proofs::Nobody) if notebook_broken => MachineVerdict::Degraded,
        (Proofs::All, Proofs::All | Proofs::Nobody) => MachineVerdict::Usable,
    }
}

impl Report {
    /// Whether a GPU computes, and always right: its proof, as the verdict takes it.
    pub fn proof_of(&self, gpu: &PciAddress) -> Verdict {
        proof_of_gpu(self.outcomes.iter(), &Subject::Gpu(gpu.clone()))
    }

    /// Whether somebody else uses a GPU so that whoever looks gets nothing of it, or too little: a program fills its memory,
    /// or has it for itself. Nothing is wrong with such a GPU.
    pub fn is_used_by_others(&self, gpu: &PciAddress) -> bool {
        self.use_by_others(&Subject::Gpu(gpu.clone())).is_some()
    }

    /// Whether a GPU computes, and always right; none where that could not be told, also because others use it.
    pub fn computes(&self, gpu: &PciAddress) -> Option<bool> {
        let subject = Subject::Gpu(gpu.clone());
        match self.proof_of(gpu) {
            Verdict::Pass => Some(true),
            Verdict::Fail if !self.has_tried(&subject) || self.is_only_in_use(&subject) => None,
            Verdict::Fail => Some(false),
            Verdict::Warn | Verdict::Unknown | Verdict::NotApplicable => None,
        }
    }

    /// Whether a GPU was asked to compute, or would have been; `gpucheck slow` asks none.
    fn has_tried(&self, gpu: &Subject) -> bool {
        let is_of_its_work = |outcome: &Outcome| {
            outcome.subject == *gpu && (outcome.id == PROOF_OF_GPU || refutes(outcome, gpu))
        };
        self.outcomes.iter().any(is_of_its_work)
    }

    /// Whether nothing but its use by others keeps a GPU from its proof.
    fn is_only_in_use(&self, gpu: &Subject) -> bool {
        let Some(root) = self.use_by_others(gpu) else { return false };
        let is_because = |outcome: &Outcome| {
            outcome.id == PROOF_OF_GPU && outcome.subject == *gpu && outcome.root.as_ref() == Some(&root.id)
        };
        self.outcomes.iter().any(is_because) && !self.outcomes.iter().any(|outcome| refutes(outcome, gpu))
    }

    fn use_by_others(&self, gpu: &Subject) -> Option<&Root> {
        // What several GPUs have is said of the machine.
        let is_among = |root: &Root| {
            let shows =
                |outcome: &Outcome| outcome.subject == *gpu && outcome.root.as_ref() == Some(&root.id);
            let has_own = |own: &Root| own.subject == *gpu && own.id == root.id;
            self.outcomes.iter().any(shows) && !self.roots.iter().any(has_own)
        };
        let is_of_gpu =
            |root: &Root| root.subject == *gpu || (root.subject == Subject::Host && is_among(root));
        self.roots.iter().find(|root| is_use_by_others(root) && is_of_gpu(root))
    }
}

/// Whether others use the GPU is all that is wrong.
fn is_use_by_others(root: &Root) -> bool {
    match root.cause.as_deref() {
        Some("gpu-memory-held-by-other-kernel") => true,
        // Where the mode is "prohibited" nobody can use it.
        Some("compute-mode-blocks") => {
            root.wording.values.get("mode").is_some_and(|mode| mode == "exclusive process")
        }
        _ => false,
    }
}

/// What proves a GPU, unless what it did afterwards speaks against it.
fn proof_of_gpu<'a>(outcomes: impl Iterator<Item = &'a Outcome> + Clone, gpu: &Subject) -> Verdict {
    if outcomes.clone().any(|outcome| refutes(outcome, gpu)) {
        Verdict::Fail
    } else {
        proof(outcomes, PROOF_OF_GPU, gpu)
    }
}

/// What speaks against a GPU that is proven.
pub(crate) fn refutation<'a>(judged: &'a [JudgedOutcome], gpu: &Subject) -> Option<&'a JudgedOutcome> {
    judged.iter().find(|judged| refutes(&judged.outcome, gpu))
}

fn refutes(outcome: &Outcome, gpu: &Subject) -> bool {
    REFUTATIONS.contains(&outcome.id.as_str()) && outcome.subject == *gpu && outcome.verdict == Verdict::Fail
}

fn outcomes(judged: &[JudgedOutcome]) -> impl Iterator<Item = &Outcome> + Clone {
    judged.iter().map(|judged| &judged.outcome)
}

/// How each framework of each Python fared, and each notebook kernel whose Python nobody could look at.
fn frameworks(facts: &Facts, judged: &[JudgedOutcome], rows: &[UsableFrom]) -> Vec<Verdict> {
    let named = facts.pythons().filter(|python| !is_only_found(python));
    let fared = named.flat_map(|python| what_counts(&proofs_in(python, judged)));
    let is_untold = |row: &&UsableFrom| {
        matches!(row.subject, Subject::Notebook(_)) && row.usable == Usable::Unknown && row.python.is_none()
    };
    let untold = rows.iter().filter(is_untold).count() + usize::from(are_kernels_untold(facts));
    fared.chain(std::iter::repeat_n(Verdict::Unknown, untold)).collect()
}

/// An environment that nobody named, and that was not started: what is in it is nobody's answer.
fn is_only_found(python: &Python) -> bool {
    python.found_by == FoundBy::Environment && matches!(python.interpreter, Observed::NotProbed { .. })
}

/// Whether there may be kernels that nobody saw: who could not look cannot say that all compute.
fn are_kernels_untold(facts: &Facts) -> bool {
    match &facts.notebooks {
        Observed::Seen(notebooks) => notebooks.more > 0,
        Observed::Failed(_) | Observed::Interrupted { .. } => true,
        Observed::NotProbed { .. } => false,
    }
}

/// What a framework in a Python proves.
pub(crate) struct Proof {
    /// The framework, such as `tensorflow 2.21.0`.
    pub(crate) framework: String,
    /// How its proof came out.
    pub(crate) verdict: Verdict,
    /// The check that proves it, or refutes it.
    pub(crate) id: &'static str,
}

/// The proofs of a Python's frameworks.
pub(crate) fn proofs_in(python: &Python, judged: &[JudgedOutcome]) -> Vec<Proof> {
    let subject = python.subject();
    let wrong_library = |id| {
        let wrong =
            outcomes(judged).filter(|outcome| outcome.subject == subject && outcome.verdict == Verdict::Fail);
        cuda_libraries::wrong_for(python, id)
            .into_iter()
            .find(|check| wrong.clone().any(|outcome| outcome.id == *check))
    };
    let proof = |id, framework: String| match wrong_library(id) {
        // It may have met what the library gets right.
        Some(id) => Proof { framework, verdict: Verdict::Fail, id },
        None => Proof { framework, verdict: proof(outcomes(judged), id, &subject), id },
    };
    let packages = python.packages.seen();
    let tensorflow = (python.tensorflow != Observed::Seen(None)).then(|| {
        let found = python.tensorflow.seen().and_then(Option::as_ref);
        proof(PROOF_OF_TENSORFLOW, found.map_or_else(|| "TensorFlow".to_owned(), TensorFlow::label))
    });
    let torch = packages.and_then(|packages| packages.torch.as_ref());
    let jax = packages.and_then(|packages| packages.jax.as_ref()).filter(|jax| jax.counts());
    let torch = torch.map(|torch| proof(PROOF_OF_TORCH, Torch::label(torch)));
    let jax = jax.map(|jax| proof(PROOF_OF_JAX, Jax::label(jax)));
    let cupy = packages.and_then(|packages| packages.cupy.as_ref()).filter(|cupy| cupy.counts());
    let cudf = packages.and_then(|packages| packages.cudf.as_ref());
    let cupy = cupy.map(|cupy| proof(PROOF_OF_CUPY, ArrayLibrary::label(cupy)));
    let cudf = cudf.map(|cudf| proof(PROOF_OF_CUDF, ArrayLibrary::label(cudf)));
    [tensorflow, torch, jax, cupy, cudf].into_iter().flatten().collect()
}

/// The verdicts that count.
///
/// A framework whose files look well and that nobody ran proves nothing. Where another one was proven it is left out, for
/// the GPU is usable then; where none was, it keeps the verdict from being told.
fn what_counts(proofs: &[Proof]) -> Vec<Verdict> {
    let untried = |proof: &&Proof| proof.verdict == Verdict::Unknown && proof.id != PROOF_OF_TENSORFLOW;
    let proven = proofs.iter().any(|proof| proof.verdict == Verdict::Pass);
    proofs.iter().filter(|proof| !(proven && untried(proof))).map(|proof| proof.verdict).collect()
}

/// How the frameworks of one Python fared together.
pub(crate) fn fared_together(proofs: &[Proof]) -> Proofs {
    fared(&what_counts(proofs))
}

/// How a group fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proofs {
    /// There are none.
    Nobody,
    /// All passed.
    All,
    /// Some passed, some failed; or one passed in part.
    Some,
    /// None passed, one failed at least.
    None,
    /// None failed, and one at least could not be told.
    Untold,
}

fn fared(verdicts: &[Verdict]) -> Proofs {
    let passed = verdicts.iter().filter(|verdict| **verdict == Verdict::Pass).count();
    let in_part = verdicts.iter().filter(|verdict| **verdict == Verdict::Warn).count();
    if verdicts.is_empty() {
        Proofs::Nobody
    } else if passed == verdicts.len() {
        Proofs::All
    } else if passed + in_part == verdicts.len() {
        Proofs::Some
    } else if !verdicts.contains(&Verdict::Fail) {
        Proofs::Untold
    } else if passed + in_part > 0 {
        Proofs::Some
    } else {
        Proofs::None
    }
}

/// The verdict of this check about this subject; the first that is no pass, should there be several. Where the check
/// was left out, another that failed about the subject speaks against it.
fn proof<'a>(
    mut outcomes: impl Iterator<Item = &'a Outcome> + Clone,
    id: &str,
    subject: &Subject,
) -> Verdict {
    let mut verdicts = outcomes
        .clone()
        .filter(|outcome| outcome.id == id && outcome.subject == *subject)
        .map(|outcome| match (&outcome.root, outcome.verdict) {
            (_, Verdict::Warn) => Verdict::Warn,
            // What cannot be told because of a failure below is as good as failed.
            (Some(_), _) => Verdict::Fail,
            (None, verdict) => verdict,
        })
        .peekable();
    if verdicts.peek().is_some() {
        return verdicts.find(|verdict| *verdict != Verdict::Pass).unwrap_or(Verdict::Pass);
    }
    let failed = outcomes.any(|outcome| outcome.subject == *subject && outcome.verdict == Verdict::Fail);
    if failed { Verdict::Fail } else { Verdict::Unknown }
}

//! What the checks and causes of CUDA's libraries have in common.
//!
//! Invariants: what nobody tried gives no outcome; a framework that computed is believed before a trial of ours that
//! says that it cannot, but never before a wrong result.

use crate::{
    Finding, Judged, Subject, Verdict, Who,
    fact::{
        CudaLibraries, DriverLibrary, Facts, FoundLibrary, Framework, FrameworkLibraries, LibraryTrial,
        Memory, Observed, Operation, ProbeFailure, Python, Sgemm,
    },
    tensorflow,
};

/// Judges what each Python's frameworks take; where that is not known, or there are none, nothing is found.
pub(crate) fn each(facts: &Facts, judge: impl Fn(&Python, &CudaLibraries) -> Option<Finding>) -> Judged {
    let judge = |python: &Python| judge(python, python.cuda_libraries.seen()?);
    facts.pythons().filter_map(judge).collect()
}

/// One of the two libraries that are tried.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Library {
    Cublas,
    Cudnn,
}

impl Library {
    pub(crate) const ALL: [Self; 2] = [Self::Cublas, Self::Cudnn];

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Cublas => "cuBLAS",
            Self::Cudnn => "cuDNN",
        }
    }

    /// What its file's name begins with, up to the version.
    pub(crate) fn start(self) -> &'static str {
        match self {
            Self::Cublas => "libcublas.so.",
            Self::Cudnn => "libcudnn.so.",
        }
    }

    /// The distribution that brings it, up to `-cu12`; the folder in `nvidia/`; conda's package.
    pub(crate) fn package(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Cublas => ("nvidia-cublas", "cublas", "libcublas"),
            Self::Cudnn => ("nvidia-cudnn", "cudnn", "cudnn"),
        }
    }

    /// The check that judges it.
    pub(crate) fn check(self) -> &'static str {
        match self {
            Self::Cublas => "libraries.cublas_works",
            Self::Cudnn => "libraries.cudnn_works",
        }
    }

    pub(crate) fn trial(self, libraries: &FrameworkLibraries) -> &Observed<LibraryTrial> {
        match self {
            Self::Cublas => &libraries.cublas,
            Self::Cudnn => &libraries.cudnn,
        }
    }

    /// The file that a framework takes.
    pub(crate) fn taken(self, libraries: &FrameworkLibraries) -> Option<&FoundLibrary> {
        libraries.linked.seen()?.found.iter().find(|found| found.name.starts_with(self.start()))
    }
}

/// What a library that works needs: the GPU and the driver, and that the framework and its driver fit them.
pub(crate) const NEEDS_OF_TRIAL: &[&str] = &[
    "driver.opens_context",
    "frameworks.driver_runs_jax",
    "frameworks.driver_runs_tensorflow",
    "frameworks.driver_runs_torch",
    "frameworks.jax_supports_gpu",
    "frameworks.tensorflow_has_code_for_gpu",
    "frameworks.torch_has_code_for_gpu",
    "libraries.real_libcuda",
];

/// Judges a library in each Python, by the trials of all frameworks there.
pub(crate) fn works(facts: &Facts, library: Library) -> Judged {
    each(facts, |python, libraries| {
        let judged = libraries.frameworks.iter().filter_map(|of| judge_trial(facts, python, of, library));
        merged(judged.collect())
    })
}

/// Several findings about one Python as one: the worst speaks.
pub(crate) fn merged(findings: Vec<Finding>) -> Option<Finding> {
    let rank = |finding: &Finding| match finding.verdict {
        Verdict::Fail => 0,
        Verdict::Warn => 1,
        Verdict::Unknown => 2,
        Verdict::Pass => 3,
        Verdict::NotApplicable => 4,
    };
    let mut findings = findings;
    findings.sort_by_key(rank);
    let mut findings = findings.into_iter();
    let worst = findings.next()?;
    let more = findings.flat_map(|finding| std::iter::once(finding.summary).chain(finding.evidence));
    Some(more.fold(worst, Finding::because))
}

/// `CUDA_ERROR_NO_DEVICE`.
const NO_DEVICE: i64 = 100;

/// What a trial says of a library; none where it was not tried, or that Python's variables hide the GPU.
pub(crate) fn judge_trial(
    facts: &Facts,
    python: &Python,
    of: &FrameworkLibraries,
    library: Library,
) -> Option<Finding> {
    let subject = python.subject();
    let tried = library.trial(of);
    let hidden = tried.seen().is_some_and(|trial| trial.init.refusal_code() == Some(NO_DEVICE));
    if hidden || matches!(tried, Observed::NotProbed { .. }) {
        return None;
    }
    let name = label(library, of);
    let say = |what: &str| format!("{name}: {what}");
    let finding = match outcome(tried) {
        Tried::Right(what) => Finding::pass(subject, say(&what)),
        Tried::Wrong(what) => Finding::fail(subject, say(&what)).variant("wrong"),
        Tried::Untold(why) => Finding::unknown(subject, say(&why)),
        Tried::Failed(by) if computes(python, of.framework) == Some(true) => {
            Finding::unknown(subject, say(&by.to_string()))
                .because(format!("{} computes all the same", of.framework))
        }
        Tried::Failed(by) if is_for_want_of_memory(facts, &by) => {
            Finding::unknown(subject, say(&by.to_string())).because("the GPU's memory is full")
        }
        Tried::Failed(by) => Finding::fail(subject, say(&by.to_string())),
    };
    let path = tried.seen().and_then(|trial| trial.library.seen().map(String::as_str));
    let path = path.or_else(|| library.taken(of).map(|found| found.path.as_str()));
    let finding = finding
        .with("library", library.label())
        .with("framework", of.framework.to_string())
        .with("path", path.unwrap_or_default());
    let finding = path.into_iter().fold(finding, |finding, path| finding.because(format!("loaded {path}")));
    let rate = tried.seen().and_then(|trial| rate(trial.sgemm.seen()?));
    Some(rate.into_iter().fold(finding, Finding::because))
}

/// How fast the large product was.
fn rate(sgemm: &Sgemm) -> Option<String> {
    let gflops = sgemm.operations.checked_div(sgemm.device_us)? / 1000;
    Some(format!("cublasSgemm_v2 of {}: {gflops} GFLOPS", sgemm.size))
}

/// Such as `cuBLAS 12.5.3 of TensorFlow`.
fn label(library: Library, of: &FrameworkLibraries) -> String {
    let version = library.trial(of).seen().and_then(|trial| trial.version.seen());
    let version = version.map(|version| format!(" {version}")).unwrap_or_default();
    format!("{}{version} of {}", library.label(), of.framework)
}

/// How a trial came out.
enum Tried {
    Right(String),
    Wrong(String),
    /// It failed in the library.
    Failed(ProbeFailure),
    /// It did not come so far, or failed in the driver.
    Untold(String),
}

fn outcome(tried: &Observed<LibraryTrial>) -> Tried {
    let Some(trial) = tried.seen() else {
        return match tried.failure() {
            Some(by) if !is_our_own(by) => Tried::Failed(by.clone()),
            Some(_) | None => Tried::Untold(tried.why_not()),
        };
    };
    let (operation, sgemm) = (trial.operation.seen(), trial.sgemm.seen());
    if let Some(operation) = operation.filter(|operation| operation.wrong > 0) {
        let first = operation.first_wrong.map(|first| format!(", the first at {first}")).unwrap_or_default();
        let (wrong, of) = (operation.wrong, operation.elements);
        return Tried::Wrong(format!("{}: {wrong} of {of} elements are wrong{first}", operation.name));
    }
    if let Some(sgemm) = sgemm.filter(|sgemm| sgemm.wrong > 0) {
        let (wrong, of, size) = (sgemm.wrong, sgemm.compared, sgemm.size);
        return Tried::Wrong(format!(
            "cublasSgemm_v2 of {size}: {wrong} of {of} elements compared are wrong"
        ));
    }
    if let Some(by) = trial.library.failure() {
        return Tried::Failed(by.clone());
    }
    let in_driver = [trial.driver.failure(), trial.init.failure(), trial.context.failure()];
    if let Some(by) = in_driver.into_iter().flatten().next() {
        return Tried::Untold(format!("the driver beside it: {by}"));
    }
    if let Some(by) = trial.handle.failure().or(trial.operation.failure()) {
        return Tried::Failed(by.clone());
    }
    // What broke off before the context was there broke off in the driver, unless the library was still being loaded.
    match (tried.failure(), operation) {
        (Some(by), _) if is_our_own(by) => Tried::Untold(by.to_string()),
        (Some(by), _) if trial.context.seen().is_some() || trial.version.seen().is_none() => {
            Tried::Failed(by.clone())
        }
        (Some(by), _) => Tried::Untold(format!("the driver beside it: {by}")),
        (None, Some(operation)) => Tried::Right(format!("{} comes out exactly right", operation.name)),
        (None, None) => Tried::Untold(format!("loads; {}", trial.operation.why_not())),
    }
}

/// Trouble of the probe's, which says nothing of the library.
fn is_our_own(by: &ProbeFailure) -> bool {
    match by {
        ProbeFailure::NotStarted { .. } | ProbeFailure::Garbled { .. } => true,
        ProbeFailure::Refused { .. }
        | ProbeFailure::Crashed { .. }
        | ProbeFailure::Exited { .. }
        | ProbeFailure::TimedOut { .. } => by.step() == "start-up",
    }
}

/// Whether memory is gone: then both libraries refuse, by many codes.
fn is_for_want_of_memory(facts: &Facts, by: &ProbeFailure) -> bool {
    let full = facts.nvml_devices().any(|device| device.memory.seen().is_some_and(Memory::is_full));
    full && by.refusal_code().is_some_and(|code| code != 0)
}

/// Whether a framework computed as it should: none where it was not tried.
pub(crate) fn computes(python: &Python, framework: Framework) -> Option<bool> {
    let packages = python.packages.seen();
    let operations = match framework {
        Framework::TensorFlow => {
            let look = python.tensorflow.seen()?.as_ref()?.full_look()?;
            if look.listing.failure().is_some() {
                return Some(false);
            }
            return are_right(&look.listing.seen()?.operations);
        }
        Framework::Torch => &packages?.torch.as_ref()?.operations,
        Framework::Jax => &packages?.jax.as_ref()?.operations,
        Framework::Cupy => &packages?.cupy.as_ref()?.operations,
    };
    match operations {
        Observed::Seen(done) => are_right(done),
        Observed::Failed(_) | Observed::Interrupted { .. } => Some(false),
        Observed::NotProbed { .. } => None,
    }
}

fn are_right(done: &[Operation]) -> Option<bool> {
    (!done.is_empty()).then(|| done.iter().all(|operation| operation.correct == Observed::Seen(true)))
}

/// The checks of the libraries that compute wrongly for the framework that this check proves.
pub(crate) fn wrong_for(python: &Python, id: &str) -> Vec<&'static str> {
    let libraries = python.cuda_libraries.seen().into_iter().flat_map(|libraries| &libraries.frameworks);
    let its: Vec<&FrameworkLibraries> = libraries.filter(|of| proof(of.framework) == id).collect();
    let is_wrong =
        |library: &Library| its.iter().any(|of| matches!(outcome(library.trial(of)), Tried::Wrong(_)));
    Library::ALL.into_iter().filter(is_wrong).map(Library::check).collect()
}

/// The check that proves a framework.
pub(crate) fn proof(framework: Framework) -> &'static str {
    match framework {
        Framework::TensorFlow => "frameworks.tensorflow_computes",
        Framework::Torch => "frameworks.torch_computes",
        Framework::Jax => "frameworks.jax_computes",
        Framework::Cupy => "frameworks.cupy_computes",
    }
}

/// The version of a file of cuBLAS or cuDNN, by its name or by the package that its folder belongs to; none where neither
/// tells.
pub(crate) fn version_of(python: &Python, library: Library, path: &str) -> Option<(i32, i32)> {
    let parts = python.cuda_parts.seen()?;
    let (folder, name) = path.rsplit_once('/')?;
    let here = parts.folders.iter().find(|known| known.path == folder)?;
    let longer = here.names().find(|file| file.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')));
    if let Some(version) = longer.and_then(|file| file.strip_prefix(library.start())) {
        return tensorflow::pair(version);
    }
    let (wheel, part, conda) = library.package();
    if folder.ends_with(&format!("/nvidia/{part}/lib")) {
        let mut owners = parts.distributions.iter().filter(|found| found.name.starts_with(wheel));
        let owner = owners.next()?;
        // Two of them write to one folder, and which came last is not told.
        return owners.next().is_none().then(|| tensorflow::pair(&owner.version))?;
    }
    let is_conda_s = here.place == crate::fact::LibraryPlace::Conda;
    tensorflow::pair(&parts.conda_package(conda).filter(|_| is_conda_s)?.version)
}

/// The Pythons about which a check failed.
pub(crate) fn failed<'a>(
    facts: &'a Facts,
    outcomes: &'a [crate::Outcome],
    id: &'a str,
) -> impl Iterator<Item = (&'a Python, &'a crate::Outcome)> {
    let failed = outcomes.iter().filter(move |outcome| outcome.id == id && outcome.verdict == Verdict::Fail);
    failed.filter_map(|outcome| {
        let Subject::Python(name) = &outcome.subject else { return None };
        Some((facts.pythons().find(|python| python.name() == *name)?, outcome))
    })
}

/// `cuInit` with the variables of a Python, where it was tried.
pub(crate) fn init(libraries: &CudaLibraries) -> Option<&Observed<()>> {
    let trials = libraries.frameworks.iter().flat_map(|of| Library::ALL.map(|library| library.trial(of)));
    let tried = |trial: &&LibraryTrial| !matches!(trial.init, Observed::NotProbed { .. });
    trials.filter_map(Observed::seen).find(tried).map(|trial| &trial.init)
}

/// The Pythons whose loader takes another libcuda than the driver's own, as what a cause finds: it accounts for all that
/// does not start there.
pub(crate) fn other_libcuda<'a>(
    facts: &'a Facts,
    outcomes: &'a [crate::Outcome],
    is_it: impl Fn(&DriverLibrary, Option<i64>) -> bool + 'a,
) -> impl Iterator<Item = Finding> + 'a {
    const HINDERED: [&str; 7] = [
        "libraries.real_libcuda",
        "frameworks.tensorflow_lists_gpu",
        "frameworks.tensorflow_computes",
        "frameworks.torch_computes",
        "frameworks.jax_computes",
        "frameworks.cupy_computes",
        "frameworks.cudf_computes",
    ];
    failed(facts, outcomes, "libraries.real_libcuda").filter_map(move |(python, outcome)| {
        let libraries = python.cuda_libraries.seen()?;
        let taken = libraries.driver.as_ref()?;
        let code = init(libraries).and_then(Observed::refusal_code);
        let finding = crate::judge::retold(outcome).variant("python").by(Who::Student);
        let finding = finding.with("path", taken.path.clone());
        let account = |finding: Finding, id: &&str| finding.accounting_for(id, &outcome.subject);
        is_it(taken, code).then(|| HINDERED.iter().fold(finding, account))
    })
}

/// Whether a libcuda lies in such a folder, itself or what it leads to.
pub(crate) fn lies_in(driver: &DriverLibrary, folder: &str) -> bool {
    driver.target.contains(folder) || driver.path.contains(folder)
}

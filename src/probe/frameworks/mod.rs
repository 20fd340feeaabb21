//! The Python of the current environment, and TensorFlow in it.
//!
//! Two looks. The bare one imports `tensorflow.python.client.device_lib` under empty parent packages: the same
//! devices as the student sees, in about a tenth of the time, but no proof that `import tensorflow` works. The
//! full one imports TensorFlow as a notebook does and computes on each GPU. A bare look that leaves a doubt is
//! followed by a full one, and the facts hold both. PyTorch, JAX, CuPy and cuDF are told by their files, and put to
//! work, each in a process of its own, where that is asked for (`trial.rs`).
//!
//! Invariants: no Python runs in this process; a Python never runs as root, nor as a service, where somebody else can write
//! to it (`identity.rs`); a look leaves nothing behind.

mod accounts;
mod architectures;
mod asking;
mod assignment;
mod brought;
mod build_info;
mod by_files;
mod carrier;
mod conda;
mod cuda_libraries;
mod cuda_parts;
mod discover;
mod distributions;
mod elf;
mod files;
mod heeded;
mod identity;
mod interpreter;
mod isolation;
mod launch;
mod leftovers;
mod libraries;
mod library_trials;
mod linked;
mod loader;
mod metadata;
mod outlook;
pub(crate) mod packages;
pub(crate) mod pool;
mod read;
mod recall;
mod roots_kernel;
mod said;
mod same;
mod servers;
mod shadowing;
mod shell_files;
mod stamps;
mod starts;
mod survey;
mod template;
mod tensorflow;
mod trial;
mod vouch;

pub use asking::Asker;
pub use by_files::by_files;
pub(crate) use conda::all as conda_packages;
pub use discover::Environment;
pub(crate) use distributions::{Located, on as distributions_on};
pub use library_trials::{LibraryTrials, When};
pub(crate) use outlook::{outlook, stamped, sum};
pub(crate) use packages::tensorflow_in;
pub use read::read;
pub(crate) use roots_kernel::only_root_leads;
pub(crate) use stamps::BOOT_AND_DRIVER;
pub(crate) use vouch::{Vouched, only_root_writes, python_of_script, vouch, vouch_for};

use crate::{progress::Progress, root::Root};
use by_files::Files;
use discover::Candidate;
use gpucheck_checks::fact::{
    self, Carrier, Frameworks, Notebooks, Observed, Packages, Python, TensorFlow, Way,
};
use identity::Refusal;
use launch::Taken;
use recall::Recall;
use starts::{Start, Starts};
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

/// Why a look was not taken.
const NO_TIME: &str = "not tried: the other Pythons took all the time";

/// What to look at, and how.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Ask {
    /// Where to look for a Python, and what it inherits.
    pub environment: Environment,
    /// Take the full look alone, whatever a bare one would say.
    pub full: bool,
    /// Put PyTorch, JAX, CuPy and cuDF to work, also where the full look was not asked for.
    pub put_to_work: bool,
    /// Compute on the GPUs that a framework lists; otherwise list them alone.
    pub exercise: bool,
    /// Start only what root alone can write to, as whom this process is: nobody sees to a service, and nobody's Python is
    /// run behind their back.
    pub roots_alone: bool,
    /// A Python that runs as root keeps the right to make device nodes.
    pub may_make_nodes: bool,
    /// Time for a bare look.
    pub bare_deadline: Duration,
    /// Time for a full look, and for each other framework.
    pub full_deadline: Duration,
    /// The carriers to try, in this order.
    pub carriers: Vec<Carrier>,
    /// Where the loader's configuration and installed toolkits lie.
    pub system: Root,
    /// The kernels whose Pythons are looked at as well.
    pub notebooks: Option<Notebooks>,
    /// The environments that were found; those with a framework are looked at.
    pub environments: Vec<fact::Environment>,
    /// The folder of caches in which looks are kept for the next run; none where nothing is kept or retold.
    pub remember: Option<PathBuf>,
    /// Retell nothing.
    pub fresh: bool,
    /// When all looks are to be over; none where they have their own deadlines alone.
    pub until: Option<Instant>,
    /// Whom to tell how far it is.
    pub progress: Progress,
    /// No Python beside another: where they could keep each other off the GPU.
    pub one_at_a_time: bool,
    /// When and how the CUDA libraries of the frameworks are tried by themselves.
    pub libraries: LibraryTrials,
}

impl Ask {
    /// The usual: a bare look of at most 30 s, and where it leaves a doubt a full one of at most 120 s.
    pub fn new(environment: Environment) -> Self {
        Self {
            environment,
            full: false,
            put_to_work: false,
            exercise: true,
            roots_alone: false,
            may_make_nodes: false,
            bare_deadline: Duration::from_secs(30),
            full_deadline: Duration::from_mins(2),
            carriers: vec![Carrier::Memory, Carrier::File, Carrier::PlainPython],
            system: Root::new("/"),
            notebooks: None,
            environments: Vec::new(),
            remember: None,
            fresh: false,
            until: None,
            progress: Progress::default(),
            one_at_a_time: false,
            libraries: LibraryTrials::default(),
        }
    }
}

impl Ask {
    /// Whether a look that may take so long can still be taken. A look is given its whole time or none: one that is cut
    /// short would seem to hang.
    fn has_time_for(&self, look: Duration) -> bool {
        self.until.is_none_or(|until| until.saturating_duration_since(Instant::now()) >= look)
    }
}

/// Looks at the Python of the environment and at those of the kernels; an empty list where there is none.
pub fn probe(ask: &Ask) -> Observed<Frameworks> {
    let Starts { wanted: starts, not_started, passed_over } =
        Starts::of(&ask.environment, ask.notebooks.as_ref(), &ask.environments);
    let width = if ask.one_at_a_time { 1 } else { pool::width(ask.put_to_work) };
    ask.progress.expect(starts.len());
    let pythons = pool::each(&starts, width, |Start { candidate, environment }| {
        let _under_way = ask.progress.begin(&candidate.interpreter().to_string_lossy());
        let ask = Ask { environment: environment.clone(), ..ask.clone() };
        recalled(&ask, candidate)
    });
    let broken = "gpucheck's own probe panicked; please report this bug with what is on standard error";
    let pythons = pythons.into_iter().zip(&starts);
    let pythons = pythons.map(|(python, start)| python.unwrap_or_else(|| unlooked(&start.candidate, broken)));
    let mut pythons: Vec<Python> = pythons.collect();
    library_trials::take(ask, &mut pythons, &starts);
    let passed_over = passed_over.iter().map(|(start, why)| unlooked(&start.candidate, why));
    Observed::Seen(Frameworks {
        pythons: pythons.into_iter().chain(passed_over).collect(),
        library_path_set_in: shell_files::setting_library_path(&ask.system, &ask.environment),
        notebooks_not_started: not_started,
        environments: ask.environments.clone(),
        visible_devices_set_in: shell_files::setting_visible_devices(&ask.system, &ask.environment),
        asking: ask.environment.asker.as_ref().map(Asker::fact),
    })
}

/// What an earlier run saw, where nothing has changed since; else what there is to see now.
fn recalled(ask: &Ask, candidate: &Candidate) -> Python {
    let recall = Recall::of(ask, candidate);
    if let Some(python) = recall.as_ref().and_then(|recall| recall.retell(candidate)) {
        return python;
    }
    let (python, sys_path) = python(ask, candidate);
    if let Some(recall) = recall {
        recall.keep(ask, candidate, &python, &sys_path);
    }
    python
}

/// Looks at a Python: what it says, and its `sys.path`.
fn python(ask: &Ask, candidate: &Candidate) -> (Python, Vec<String>) {
    let mut python = unlooked(candidate, "the interpreter was not started");
    if !ask.has_time_for(if ask.full { ask.full_deadline } else { ask.bare_deadline }) {
        return (unlooked(candidate, NO_TIME), Vec::new());
    }
    let identity = match identity::choose(ask, candidate) {
        Ok(identity) => identity,
        Err(Refusal::Failed(failure)) => {
            python.interpreter = Observed::Failed(failure);
            python.tensorflow = Observed::not_probed("the interpreter gave no answer");
            python.packages = Observed::not_probed("the interpreter gave no answer");
            return (python, Vec::new());
        }
        Err(Refusal::NotRun(why)) => {
            python.interpreter = Observed::not_probed(why.clone());
            python.tensorflow = Observed::not_probed(why.clone());
            python.packages = Observed::not_probed(why);
            return (python, Vec::new());
        }
    };
    python.ran_as = identity.owner.as_ref().map(|owner| owner.uid);
    for change in &identity.changes {
        tracing::warn!("{}", change.why);
        python.log.extend(["gpucheck: ", &change.why, "\n"]);
    }
    let look = |way| launch::take(ask, candidate, &identity, way);
    let first = look(if ask.full { Way::Full } else { Way::Bare });
    let sys_path = note(ask, &mut python, first);
    name_what_was_started(candidate, &mut python);
    if let Observed::Seen(Some(tensorflow)) = &mut python.tensorflow
        && tensorflow.full_look().is_none()
        && let Some(doubt) = tensorflow::doubt(tensorflow)
        && ask.has_time_for(ask.full_deadline)
    {
        tracing::debug!(python = python.path, doubt, "taking a full look");
        tensorflow.looks.push(look(Way::Full).look);
    }
    trial::put_to_work(ask, candidate, &identity, &mut python.packages);
    if ask.has_time_for(ask.full_deadline) {
        python.isolated = isolation::look(ask, candidate, &identity, &python, &sys_path);
    }
    (python, sys_path)
}

/// Of a program that starts a Python only that Python itself says which one it is.
fn name_what_was_started(candidate: &Candidate, python: &mut Python) {
    let Observed::Seen(interpreter) = &python.interpreter else { return };
    if candidate.python.is_some() && interpreter.executable.starts_with('/') {
        python.path.clone_from(&interpreter.executable);
        let named = || candidate.kernels.first().map(|name| format!("kernel {name}"));
        python.label = python.label.take().or_else(named);
    }
}

/// A Python that nobody has looked at, for this reason.
fn unlooked(candidate: &Candidate, why: &str) -> Python {
    Python {
        found_by: candidate.found_by,
        path: candidate.interpreter().to_string_lossy().into_owned(),
        label: candidate.label.clone(),
        kernels: candidate.kernels.clone(),
        retold_s: None,
        ran_as: None,
        user: None,
        interpreter: Observed::not_probed(why),
        log: String::new(),
        tensorflow: Observed::not_probed(why),
        packages: Observed::not_probed(why),
        cuda_parts: Observed::not_probed(why),
        cuda_libraries: Observed::not_probed(why),
        tensorflow_companions: Vec::new(),
        isolated: None,
    }
}

/// Takes in the first look; gives `sys.path`.
fn note(ask: &Ask, python: &mut Python, Taken { look, looked }: Taken) -> Vec<String> {
    let looked = match looked {
        Ok(looked) => looked,
        Err(failure) => {
            python.interpreter = Observed::Failed(failure);
            python.log.push_str(&look.log);
            python.tensorflow = Observed::not_probed("the interpreter gave no answer");
            python.packages = Observed::not_probed("the interpreter gave no answer");
            python.cuda_parts = Observed::not_probed("the interpreter gave no answer");
            python.cuda_libraries = Observed::not_probed("the interpreter gave no answer");
            return Vec::new();
        }
    };
    let installed = by_files::note(
        python,
        &Files {
            root: &Root::new("/"),
            system: &ask.system,
            environment: &ask.environment,
            prefix: &looked.interpreter.prefix,
            sys_path: &looked.sys_path,
        },
    );
    if let Observed::Seen(Packages { torch: Some(torch), .. }) = &mut python.packages {
        torch.libraries = linked::of_torch(torch, &looked.interpreter, &looked.sys_path, ask);
    }
    python.interpreter = Observed::Seen(looked.interpreter);
    python.tensorflow = match looked.tensorflow {
        Some(found) if !found.package.is_empty() => {
            let root = Root::new("/");
            Observed::Seen(Some(tensorflow::around(&root, found.package, &installed, Some(look))))
        }
        // The search for the package broke, or did not come to its end.
        _ => match look.listing {
            Observed::Failed(by) | Observed::Interrupted { by, .. } => Observed::Failed(by),
            Observed::Seen(_) | Observed::NotProbed { .. } => Observed::Seen(None::<TensorFlow>),
        },
    };
    if let Observed::Seen(interpreter) = &python.interpreter {
        let libraries = cuda_libraries::of(python, interpreter, &looked.sys_path, ask);
        python.cuda_libraries = Observed::Seen(libraries);
    }
    looked.sys_path
}

//! Looking at a machine: every probe that is wanted, side by side.
//!
//! Invariants: this cannot fail, the machine's troubles are values; a driver library is initialized only where a
//! driver stands behind it; files of another root are read and never run, and this machine's Pythons say nothing of it
//! unless the caller vouches for them.

use crate::{
    in_time::{InTime, broken},
    look_again::look_again,
    look_as_users::look_as_users,
    probe::{
        classroom, clones, cuda, environments::Surroundings, frameworks, image, installation, inventory,
        library::Search, log, module, next_boot, notebooks, nvml, pci, platform, processes, updates,
    },
    progress::Progress,
    put_to_work::{may_be_beside, put_to_work},
    root::Root,
    worker::{self, Worker},
};
use gpucheck_checks::{
    Source,
    fact::{
        Classroom, Environment, FACTS_SCHEMA, Facts, Frameworks, Image, Inventory, Level, Module, Notebooks,
        NvmlDevice, Observed, Platform, ProbeFailure, Processes, Target, Targets,
    },
};
use std::{
    collections::BTreeSet,
    env,
    path::{Path, PathBuf},
    thread::ScopedJoinHandle,
    time::{Duration, Instant},
};

/// Time for what is files, which take a moment, and for the cloud, which is asked for less than a second.
const FILES_LIMIT: Duration = Duration::from_secs(5);
/// Time for all Pythons together, whose looks have deadlines of their own.
const FRAMEWORKS_TIME: Duration = Duration::from_mins(8);
/// Time beyond it: a look begins only where it can come to its end by then, but for what no deadline bounds.
const FRAMEWORKS_ROOM: Duration = Duration::from_secs(30);

/// Time for a server to start and for the notebooks of a class to run, each of which has its own.
const CLASSROOM_TIME: Duration = Duration::from_hours(48);

/// What to look at.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Options {
    /// The machine's files.
    pub root: Root,
    /// The sources that are wanted. What is files is always looked at: it decides what else may be, and
    /// tells causes apart.
    pub sources: BTreeSet<Source>,
    /// Where to ask for the metadata of the instance; none keeps gpucheck off the network.
    pub cloud_metadata: Option<String>,
    /// Import frameworks in full.
    pub full: bool,
    /// Whom to tell how far the looks are.
    pub progress: Progress,
    /// Retell nothing of what an earlier run saw.
    pub fresh: bool,
    /// Compute on the GPUs that frameworks list.
    pub exercise: bool,
    /// What of a class is tried.
    pub class: classroom::Class,
    /// The machines that an image is meant for.
    pub targets: Vec<String>,
    /// The memory of a GPU that is needed there, in bytes.
    pub needs_memory: Option<u64>,
    /// With what the inventory is compared.
    pub inventory: inventory::Ask,
    /// How much work the GPUs are put to.
    pub work: cuda::work::Wish,
    /// Of another root, read what its environments hold. None of it is started.
    pub read_pythons: bool,
    /// Take the Pythons of this machine for those of the root, whichever that is. For simulated machines, whose files
    /// lie in a folder and whose Pythons, if any, are started from here.
    pub this_pythons: bool,
    /// Take the kernels and servers of this machine for those of the root, in the same way.
    pub this_notebooks: bool,
    /// Start only those Pythons that root alone can write to, whoever asks.
    pub roots_pythons_alone: bool,
    /// Time for the driver's libraries to answer, each; their own deadlines where it is not given.
    pub driver_deadline: Option<Duration>,
    /// The account that students will log in as, where one was named.
    pub student: Option<String>,
    /// A list of users, as `/etc/passwd` is one, in its place.
    pub users_list: Option<PathBuf>,
    /// Time to look as one user; the usual where it is not given.
    pub user_deadline: Option<Duration>,
    /// The Python from within which gpucheck was called.
    pub asker: Option<frameworks::Asker>,
}

/// Looks at a machine.
pub fn collect(options: &Options) -> Facts {
    let taken_at = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let root = &options.root;
    let platform = look_at_platform(options);
    let notebooks = look_at_notebooks(options).take();
    let environments = notebooks.seen().map(|(_, environments)| environments.clone()).unwrap_or_default();
    let notebooks = notebooks.map(|(notebooks, _)| notebooks);
    let pci = look_at_files(root, "pci", pci::probe);
    let log = look_at_files(root, "log", log::probe);
    let installation = look_at_files(root, "installation", installation::probe);
    let next_boot = look_if_wanted(options, Source::NextBoot, "next boot", next_boot::probe);
    let updates = look_if_wanted(options, Source::Updates, "updates", updates::probe);
    let of_clones = clones::Ask { list: options.users_list.clone(), student: options.student.clone() };
    let clones =
        look_if_wanted(options, Source::Clones, "clones", move |root| clones::probe(root, &of_clones));
    let module = look_at_files(root, "module", module::probe).take();
    let frameworks = look_at_frameworks(options, &notebooks, environments, driver_is_behind(&module), false);
    let ask = ask_driver(root, module.seen());
    std::thread::scope(|scope| {
        let nvml = scope.spawn(|| {
            if options.sources.contains(&Source::Nvml) {
                nvml::probe(&worker(options, nvml::DEADLINE), &ask)
            } else {
                unwanted()
            }
        });
        let cuda = scope.spawn(|| {
            let wanted =
                [Source::Driver, Source::Compute].iter().any(|source| options.sources.contains(source));
            if wanted {
                cuda::probe(&worker(options, cuda::DEADLINE), &ask)
            } else {
                (unwanted(), unwanted())
            }
        });
        let (driver, compute) = cuda.join().unwrap_or_else(|_| (broken(), broken()));
        let mut facts = Facts {
            schema: FACTS_SCHEMA,
            gpucheck: env!("CARGO_PKG_VERSION").to_owned(),
            taken_at,
            platform: platform.take(),
            pci: pci.take(),
            module,
            log: log.take(),
            installation: installation.take(),
            nvml: join(nvml),
            driver,
            compute,
            frameworks: unwanted(),
            notebooks,
            processes: unwanted(),
            work: unwanted(),
            load: unwanted(),
            next_boot: next_boot.take(),
            updates: updates.take(),
            clones: clones.take(),
            classroom: unwanted(),
            targets: targets(options),
            inventory: unwanted(),
            users: unwanted(),
        };
        // Work that takes all memory, or a GPU that lets one program in, would keep the Pythons from it.
        let beside = may_be_beside(options, &facts);
        if beside {
            put_to_work(options, &ask, &mut facts);
        }
        facts.frameworks = frameworks.take();
        if !beside {
            put_to_work(options, &ask, &mut facts);
        }
        look_again(options, &ask, &mut facts);
        let of_everybody = facts.notebooks.seen().cloned().unwrap_or_default();
        look_as_users(options, &mut facts);
        facts.inventory = look_at_inventory(options, &facts).take();
        facts.classroom = look_at_classroom(options, &ask, of_everybody, &facts).take();
        facts.processes = look_at_processes(options, &facts).take();
        options.progress.end();
        facts
    })
}

/// Who asks a library of the driver's, and for how long: as long as is usual, or as the options say.
pub(crate) fn worker(options: &Options, usual: Duration) -> Worker {
    Worker::own(options.driver_deadline.unwrap_or(usual))
}

fn join<T>(probe: ScopedJoinHandle<'_, Observed<T>>) -> Observed<T> {
    probe.join().unwrap_or_else(|_| broken())
}

fn unwanted<T>() -> Observed<T> {
    Observed::not_probed("no check that was asked for reads it")
}

/// Whether there is a driver for frameworks to compute with.
pub(crate) fn driver_is_behind(module: &Observed<Module>) -> bool {
    module.seen().is_some_and(module::driver_is_behind)
}

/// Starts a look at files. Some may lie on a mount that never answers.
fn look_at_files<T: Send + 'static>(
    root: &Root,
    step: &'static str,
    probe: impl FnOnce(&Root) -> Observed<T> + Send + 'static,
) -> InTime<T> {
    let root = root.clone();
    InTime::start(step, FILES_LIMIT, move || probe(&root))
}

/// Starts a look at files that only some questions ask for.
fn look_if_wanted<T: Send + 'static>(
    options: &Options,
    source: Source,
    step: &'static str,
    probe: impl FnOnce(&Root) -> Observed<T> + Send + 'static,
) -> InTime<T> {
    if options.sources.contains(&source) {
        look_at_files(&options.root, step, probe)
    } else {
        InTime::start(step, FILES_LIMIT, unwanted)
    }
}

fn targets(options: &Options) -> Observed<Targets> {
    if !options.sources.contains(&Source::Targets) {
        return unwanted();
    }
    let machines = options.targets.iter().map(|name| Target { name: name.clone() }).collect();
    let image = options.root.clone();
    let image = InTime::start("image", FILES_LIMIT, move || Observed::Seen(image::look(&image))).take();
    // What could not be looked at is all the same the image of a folder, of which nothing runs.
    let untold = || Image {
        mounted: !options.root.is_this_machine(),
        architecture: Observed::not_probed(image.why_not()),
        has_init: true,
    };
    let image = image.seen().cloned().unwrap_or_else(untold);
    Observed::Seen(Targets { machines, needs_memory: options.needs_memory, image })
}

/// What is installed where: by the environments that were found.
fn look_at_inventory(options: &Options, facts: &Facts) -> InTime<Inventory> {
    let root = options.root.clone();
    let wanted = options.sources.contains(&Source::Inventory);
    let ask = options.inventory.clone();
    let environments: Vec<Environment> =
        facts.frameworks.seen().map(|seen| seen.environments.clone()).unwrap_or_default();
    InTime::start("inventory", FILES_LIMIT, move || {
        if wanted { inventory::probe(&root, &ask, &environments) } else { unwanted() }
    })
}

/// What a class needs: the last look but one, for it may start a server and run notebooks.
fn look_at_classroom(
    options: &Options,
    library: &worker::Ask,
    of_everybody: Notebooks,
    facts: &Facts,
) -> InTime<Classroom> {
    let ask = classroom::Ask {
        root: options.root.clone(),
        class: options.class.clone(),
        here: has_own_notebooks(options),
        library: library.clone(),
        worker: worker(options, nvml::DEADLINE),
        progress: options.progress.clone(),
    };
    let wanted = options.sources.contains(&Source::Classroom);
    let of_users = facts.notebooks.seen().cloned().unwrap_or_default();
    InTime::start("classroom", CLASSROOM_TIME, move || {
        if wanted { classroom::probe(&ask, &of_everybody, &of_users) } else { unwanted() }
    })
}

pub(crate) fn look_at_platform(options: &Options) -> InTime<Platform> {
    let root = options.root.clone();
    let ask = platform::Ask {
        cloud_metadata: options.cloud_metadata.clone(),
        environment: platform::Environment::of_this_process(),
    };
    InTime::start("platform", FILES_LIMIT, move || platform::probe(&root, &ask))
}

/// The last look of all: what we started has ended by then.
fn look_at_processes(options: &Options, facts: &Facts) -> InTime<Processes> {
    let root = options.root.clone();
    let wanted = options.sources.contains(&Source::Processes);
    let listed = facts.nvml_devices().flat_map(NvmlDevice::processes).map(|process| process.pid).collect();
    InTime::start("processes", FILES_LIMIT, move || {
        if wanted { processes::probe(&root, &listed) } else { unwanted() }
    })
}

/// Starts the Pythons: that of the shell and those of the kernels; at will one after the other.
pub(crate) fn look_at_frameworks(
    options: &Options,
    notebooks: &Observed<Notebooks>,
    environments: Vec<Environment>,
    driver_is_behind: bool,
    one_at_a_time: bool,
) -> InTime<Frameworks> {
    let environment = frameworks::Environment {
        asker: options.asker.clone(),
        ..frameworks::Environment::of_this_process()
    };
    let mut ask = frameworks::Ask::new(environment);
    ask.full = options.full;
    ask.exercise = options.exercise;
    ask.roots_alone = options.roots_pythons_alone;
    ask.may_make_nodes = a_driver_stands_here();
    ask.notebooks = notebooks.seen().filter(|_| has_own_notebooks(options)).cloned();
    ask.environments = environments;
    ask.one_at_a_time = one_at_a_time;
    // What another root's driver let a Python do says nothing of tomorrow's.
    ask.remember = options.root.is_this_machine().then(|| ask.environment.own_cache()).flatten();
    ask.fresh = options.fresh || one_at_a_time;
    ask.put_to_work = driver_is_behind;
    if options.full || options.work.level() > Level::Usual {
        ask.libraries.when = frameworks::When::Always;
    }
    ask.progress = options.progress.clone();
    ask.until = Some(Instant::now() + FRAMEWORKS_TIME);
    let limit = FRAMEWORKS_TIME + FRAMEWORKS_ROOM;
    let wanted = options.sources.contains(&Source::Frameworks);
    let vouched = options.root.is_this_machine() || options.this_pythons;
    let root = options.root.clone();
    let read = options.read_pythons;
    let notebooks = notebooks.clone();
    InTime::start("frameworks", limit, move || match (wanted, vouched, read) {
        (false, _, _) => unwanted(),
        (true, false, false) => Observed::not_probed("Pythons of another root are not run"),
        // Environments that were not looked for are not taken for none.
        (true, false, true) => match notebooks.seen() {
            Some(seen) => in_part(frameworks::read(&root, ask.environments, seen), notebooks.failure()),
            None => Observed::not_probed(format!("environments: {}", notebooks.why_not())),
        },
        (true, true, _) => frameworks::probe(&ask),
    })
}

/// What was seen of a part, where the rest could not be found.
fn in_part<T>(seen: Observed<T>, failure: Option<&ProbeFailure>) -> Observed<T> {
    match (seen, failure) {
        (Observed::Seen(seen), Some(by)) => Observed::Interrupted { seen, by: by.clone() },
        (seen, _) => seen,
    }
}

/// Whether the kernels that are looked at are those of this machine, and can be started.
fn has_own_notebooks(options: &Options) -> bool {
    options.root.is_this_machine() || options.this_notebooks
}

/// Kernels of Jupyter: of this machine those of the asking user, and every environment; of another root the kernels of
/// everybody.
fn look_at_notebooks(options: &Options) -> InTime<(Notebooks, Vec<Environment>)> {
    let here = has_own_notebooks(options);
    let read = options.read_pythons;
    let root = if here { Root::new("/") } else { options.root.clone() };
    let wanted =
        [Source::Notebooks, Source::Frameworks].iter().any(|source| options.sources.contains(source));
    InTime::start("notebooks", FILES_LIMIT, move || {
        if !wanted {
            unwanted()
        } else if here {
            let surroundings = notebooks::Environment::of_this_process();
            notebooks::probe_with_environments(&root, &surroundings, Surroundings::of_this_process())
        } else if read {
            let nobody = notebooks::Environment::default();
            notebooks::probe_with_environments(&root, &nobody, Surroundings::default())
        } else {
            notebooks::probe(&root, &notebooks::Environment::default()).map(|seen| (seen, Vec::new()))
        }
    })
}

/// What the driver libraries are asked: on this machine wherever the loader finds them; for another root only those
/// that `LD_LIBRARY_PATH` names, since a file of another machine is never run unasked.
pub(crate) fn ask_driver(root: &Root, module: Option<&Module>) -> worker::Ask {
    let search = if root.is_this_machine() { Search::Loader } else { Search::Directories(library_path()) };
    let hold_init = match module {
        Some(module) if module::driver_is_behind(module) => None,
        Some(_) => Some("the nvidia module is not loaded, so there is no driver to ask".to_owned()),
        None => Some("whether the nvidia module is loaded could not be told".to_owned()),
    };
    worker::Ask { search, hold_init, may_make_nodes: a_driver_stands_here() }
}

fn library_path() -> Vec<PathBuf> {
    let path = env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    env::split_paths(&path).filter(|folder| folder.is_absolute()).collect()
}

/// Whether this very machine has a driver, whatever root is looked at. With one, its libraries may make device nodes as
/// they do for every CUDA program; without one they would leave debris.
pub(crate) fn a_driver_stands_here() -> bool {
    ["/sys/module/nvidia", "/proc/driver/nvidia/version", "/dev/dxg"]
        .iter()
        .any(|path| Path::new(path).exists())
}

//! Looking at a machine: every probe that is wanted, side by side.
//!
//! Invariants: this cannot fail, the machine's troubles are values; a driver library is initialized only where a
//! driver stands behind it; files of another root are read and never run.

use crate::{
    probe::{cuda, frameworks, library::Search, module, nvml, pci, platform},
    root::Root,
    worker,
};
use gpucheck_checks::{
    Source,
    fact::{FACTS_SCHEMA, Facts, Module, Observed, ProbeFailure},
};
use std::{
    collections::BTreeSet,
    env,
    path::{Path, PathBuf},
    thread::ScopedJoinHandle,
};

/// What to look at.
#[derive(Clone, Debug)]
pub struct Options {
    /// The machine's files.
    pub root: Root,
    /// The sources that are wanted. Platform, bus and module are always looked at: they decide what else may be.
    pub sources: BTreeSet<Source>,
    /// Where to ask for the metadata of the instance; none keeps gpucheck off the network.
    pub cloud_metadata: Option<String>,
    /// Import frameworks in full.
    pub full: bool,
}

/// Looks at a machine.
pub fn collect(options: &Options) -> Facts {
    let taken_at = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let root = &options.root;
    let platform = platform::Ask {
        cloud_metadata: options.cloud_metadata.clone(),
        environment: platform::Environment::of_this_process(),
    };
    let module = module::probe(root);
    let ask = ask_driver(root, module.seen());
    std::thread::scope(|scope| {
        let platform = scope.spawn(|| platform::probe(root, &platform));
        let frameworks = scope.spawn(|| look_at_frameworks(options));
        let nvml = scope
            .spawn(|| if options.sources.contains(&Source::Nvml) { nvml::probe(&ask) } else { unwanted() });
        let cuda = scope.spawn(|| {
            let wanted =
                [Source::Driver, Source::Compute].iter().any(|source| options.sources.contains(source));
            if wanted { cuda::probe(&ask) } else { (unwanted(), unwanted()) }
        });
        let pci = pci::probe(root);
        let (driver, compute) = cuda.join().unwrap_or_else(|_| (broken(), broken()));
        Facts {
            schema: FACTS_SCHEMA,
            gpucheck: env!("CARGO_PKG_VERSION").to_owned(),
            taken_at,
            platform: join(platform),
            pci,
            module,
            nvml: join(nvml),
            driver,
            compute,
            frameworks: join(frameworks),
        }
    })
}

fn join<T>(probe: ScopedJoinHandle<'_, Observed<T>>) -> Observed<T> {
    probe.join().unwrap_or_else(|_| broken())
}

/// A panic of ours: the rest of the report is none the worse.
fn broken<T>() -> Observed<T> {
    Observed::Failed(ProbeFailure::Garbled {
        step: "gpucheck's own probe".to_owned(),
        message: "it panicked; please report this bug with what is on standard error".to_owned(),
    })
}

fn unwanted<T>() -> Observed<T> {
    Observed::not_probed("no check that was asked for reads it")
}

fn look_at_frameworks(options: &Options) -> Observed<gpucheck_checks::fact::Frameworks> {
    if !options.sources.contains(&Source::Frameworks) {
        return unwanted();
    }
    let mut ask = frameworks::Ask::new(frameworks::Environment::of_this_process());
    ask.full = options.full;
    ask.may_make_nodes = a_driver_stands_here();
    frameworks::probe(&ask)
}

/// What the driver libraries are asked: on this machine wherever the loader finds them; for another root only those
/// that `LD_LIBRARY_PATH` names, since a file of another machine is never run unasked.
fn ask_driver(root: &Root, module: Option<&Module>) -> worker::Ask {
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
fn a_driver_stands_here() -> bool {
    ["/sys/module/nvidia", "/dev/dxg"].iter().any(|path| Path::new(path).exists())
}

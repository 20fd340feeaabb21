//! `gpucheck slow`: a look at the machine, then some seconds of watching.
//!
//! Invariant: what is slow is not disturbed: while it is watched no Python is started, no context is made, nothing is
//! computed; nor before, by [`Options::sources`] that do not ask for it.

mod live;
mod whom;

use crate::{
    cli::WhomArgs,
    collect::{self, Options},
    error::Error,
    probe::{
        load::{self, SoFar, Whom},
        nvml,
    },
    render,
};
use gpucheck_checks::fact::{Facts, Load, Observed};
use std::time::{Duration, Instant};

/// Whom to watch, as the command line has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The whole machine.
    Machine,
    /// The process of this number.
    Process(u32),
    /// The kernel of the notebook of this name.
    Notebook(String),
}

impl From<&WhomArgs> for Asked {
    fn from(args: &WhomArgs) -> Self {
        match (args.pid, &args.notebook) {
            (Some(pid), _) => Self::Process(pid),
            (None, Some(name)) => Self::Notebook(name.clone()),
            (None, None) => Self::Machine,
        }
    }
}

/// Looks at a machine as the options say, then watches it.
///
/// # Errors
/// Whoever was asked about is not there.
pub fn facts(options: &Options, asked: &Asked, time: Duration) -> Result<Facts, Error> {
    if let Asked::Process(pid) = asked {
        whom::process(&options.root, *pid)?;
    }
    let mut facts = collect::collect(options);
    let whom = whom::whom(&options.root, asked, &facts)?;
    facts.load = Observed::Seen(watch(options, &facts, whom, time));
    Ok(facts)
}

fn watch(options: &Options, facts: &Facts, whom: Option<Whom>, time: Duration) -> Load {
    let ask = load::Ask {
        root: options.root.clone(),
        time,
        whom,
        library: collect::ask_driver(&options.root, facts.module.seen()),
        worker: collect::worker(options, nvml::DEADLINE),
        gpus: facts.gpu_addresses(),
    };
    let so_far = SoFar::default();
    let _live = live::Live::start(picture(facts, &ask, so_far.clone()));
    load::probe(&ask, &so_far)
}

/// What is to be shown meanwhile.
fn picture(facts: &Facts, ask: &load::Ask, so_far: SoFar) -> impl Fn() -> render::Picture + use<> {
    let known = facts.nvml_devices().filter_map(|device| {
        let memory = device.memory.seen().map(|memory| memory.total);
        Some((device.pci.seen()?.clone(), device.name.seen().cloned(), memory))
    });
    let known: Vec<_> = known.collect();
    let asked = ask.whom.as_ref().map(|whom| whom.pid);
    let time_ms = u64::try_from(ask.time.as_millis()).unwrap_or(u64::MAX);
    let start = Instant::now();
    move || render::Picture {
        at_ms: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
        time_ms,
        gpus: so_far.gpus(),
        known: known.clone(),
        host: so_far.host(),
        asked,
    }
}

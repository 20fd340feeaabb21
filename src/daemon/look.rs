//! The look itself: this program once more, as a child of the daemon that tells it in one line what came of it.
//!
//! Invariants: a GPU is touched only where NVML lists nobody who computes; of Pythons only those are started that root alone
//! can write to; the report is whole on the disk before it is told of.

use super::{signals, state, view::View};
use crate::{
    ask, child,
    cli::{Color, Format, Lang, LookArgs, ShowArgs},
    collect::{Options, collect, driver_is_behind},
    error::Error,
    exit::Exit,
    progress::Progress,
    render,
    root::Root,
};
use gpucheck_checks::{
    Knowledge, Language, MachineVerdict, Profile, Report, Selection, Source,
    fact::{DeviceNode, Facts, Module, Nvml, NvmlDevice, Observed},
};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use std::{
    ffi::OsString,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

/// What this program is called with.
pub const COMMAND: &str = "__look";
/// How far a look stands back from everything else that wants the processors.
const NICE: i32 = 5;
/// What would make a context on a GPU.
const TOUCHING: [Source; 4] = [Source::Driver, Source::Compute, Source::Frameworks, Source::Work];

/// What is to be done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Errand {
    /// Where the report goes, under the name that it has before it is finished.
    pub(super) folder: PathBuf,
    pub(super) look: LookArgs,
    /// Look at Pythons.
    pub(super) pythons: bool,
    /// Whatever is seen is better than what is known.
    pub(super) replaces: bool,
    /// Whose child this is.
    pub(super) parent: u32,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Said {
    /// Version of the program.
    pub(super) gpucheck: String,
    /// There is a report.
    pub(super) written: bool,
    /// Everything was looked at.
    pub(super) full: bool,
    /// No GPU was touched, and nothing was found against what is known.
    pub(super) confirms: bool,
    /// No GPU was touched, for somebody computes.
    #[serde(default)]
    pub(super) in_use: bool,
    pub(super) verdict: MachineVerdict,
    /// The answer in one line.
    pub(super) answer: String,
    /// Why no GPU was touched.
    pub(super) held_back: Option<String>,
    pub(super) view: Option<View>,
}

/// Does the errand that follows [`COMMAND`].
pub fn run(args: &[OsString]) -> ExitCode {
    let errand: Option<Errand> = match args {
        [errand] => errand.to_str().and_then(|errand| serde_json::from_str(errand).ok()),
        _ => None,
    };
    let Some(errand) = errand else { return Exit::Usage.into() };
    signals::let_through();
    child::mend_what_was_inherited();
    child::end_children_on_signals();
    stand_back();
    // The parent may have ended before this could be asked for.
    let _ = rustix::process::set_parent_process_death_signal(Some(Signal::TERM));
    if std::os::unix::process::parent_id() != errand.parent {
        return Exit::OwnError.into();
    }
    match take(&errand) {
        Ok(said) => {
            let line = serde_json::to_string(&said).unwrap_or_default();
            let _ = writeln!(io::stdout(), "{line}");
            Exit::Usable.into()
        }
        Err(why) => {
            let _ = writeln!(io::stderr(), "gpucheck: the look failed: {why}");
            Exit::OwnError.into()
        }
    }
}

/// What is started from here gets no right that the service has, and what computes for people comes first.
fn stand_back() {
    let _ = rustix::thread::clear_ambient_capability_set();
    let _ = rustix::process::nice(NICE);
}

fn take(errand: &Errand) -> Result<Said, String> {
    let told = |error: Error| error.to_string();
    let root = Root::new(&errand.look.root);
    let view = View::in_time(&root);
    let left_out = if errand.pythons { Vec::new() } else { vec!["frameworks".to_owned()] };
    let selection = Selection::new(Vec::new(), left_out).unwrap_or_default();
    let mut options = ask::options(&errand.look, &nobodys(), Profile::Check, &selection).map_err(told)?;
    options.progress = Progress::default();
    options.roots_pythons_alone = true;
    let knowledge = Knowledge::built_in().map_err(|error| error.to_string())?;
    let judge = |facts: &Facts| Profile::Check.judge(facts, &knowledge, &selection);
    let gentle = collect(&without_touching(&options));
    let held_back = held_back(&gentle);
    let report = match &held_back {
        None => judge(&collect(&options)),
        Some(_) => judge(&gentle),
    };
    let is_against = report.verdict == MachineVerdict::Unusable;
    // Nodes that a service cannot make say nothing against the machine.
    let is_told = !held_back.as_ref().is_some_and(|held| held.is_services_own);
    let written = held_back.is_none() || (is_told && (is_against || errand.replaces));
    if written {
        keep(errand, &report)?;
    }
    Ok(Said {
        gpucheck: env!("CARGO_PKG_VERSION").to_owned(),
        written,
        full: held_back.is_none() && errand.pythons,
        confirms: held_back.is_some() && is_told && !is_against,
        in_use: held_back.as_ref().is_some_and(|held| held.is_use),
        verdict: report.verdict,
        answer: render::answer(&report, Language::English),
        held_back: held_back.map(|held| held.why),
        view: view.map(|view| view.with_devices(&root)),
    })
}

/// A report that reads as it was written.
fn keep(errand: &Errand, report: &Report) -> Result<(), String> {
    let text = render::json(report);
    let read: Report = serde_json::from_str(&text).map_err(|error| format!("its own report: {error}"))?;
    if read != *report {
        return Err("its own report reads as another one".to_owned());
    }
    let told = |error: io::Error| format!("{}: {error}", errand.folder.display());
    let metrics = render::prometheus(report);
    state::write_new(&errand.folder, state::METRICS, metrics.as_bytes()).map_err(told)?;
    state::write_new(&errand.folder, state::REPORT, text.as_bytes()).map_err(told)
}

/// Nobody sits before it.
fn nobodys() -> ShowArgs {
    ShowArgs {
        format: Format::Json,
        report: Vec::new(),
        output: None,
        strict: false,
        quiet: true,
        lang: Some(Lang::En),
        color: Color::Never,
        verbose: 0,
    }
}

fn without_touching(options: &Options) -> Options {
    let mut gentle = options.clone();
    gentle.sources.retain(|source| !TOUCHING.contains(source));
    gentle
}

/// Why no GPU is touched.
#[derive(Debug, PartialEq, Eq)]
struct HeldBack {
    why: String,
    /// It is the service that lacks something, which no user does.
    is_services_own: bool,
    /// Somebody computes.
    is_use: bool,
}

/// Whether somebody computes, or that cannot be told. Where no driver is loaded nobody does, and nothing can be touched.
fn held_back(facts: &Facts) -> Option<HeldBack> {
    let held = |why: String| Some(HeldBack { why, is_services_own: false, is_use: false });
    let Some(module) = facts.module.seen() else {
        return held(format!("whether the driver is loaded could not be told: {}", facts.module.why_not()));
    };
    if !driver_is_behind(&facts.module) {
        return None;
    }
    if lacks_nodes(module) && module.modprobe_setuid && gains_no_rights() {
        let why =
            "the driver is loaded, and nobody has made all its device nodes yet: any user's nvidia-smi does";
        return Some(HeldBack { why: why.to_owned(), is_services_own: true, is_use: false });
    }
    match &facts.nvml {
        Observed::Seen(nvml) => who_computes(nvml),
        Observed::Failed(_) | Observed::Interrupted { .. } | Observed::NotProbed { .. } => {
            held(format!("NVML does not tell who computes: {}", facts.nvml.why_not()))
        }
    }
}

/// Whether a node is missing of those that every program needs: that of the driver and one for each of its GPUs.
fn lacks_nodes(module: &Module) -> bool {
    let has = |path: &str| module.nodes.iter().any(|node| node.path == path);
    let is_of_gpu = |node: &&DeviceNode| {
        node.path
            .strip_prefix("/dev/nvidia")
            .is_some_and(|minor| !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let nodes = module.nodes.iter().filter(is_of_gpu).count();
    !has("/dev/dxg") && (!has("/dev/nvidiactl") || nodes < module.driver_gpus.len())
}

fn who_computes(nvml: &Nvml) -> Option<HeldBack> {
    let held = |is_use: bool, why: String| Some(HeldBack { why, is_services_own: false, is_use });
    let Observed::Seen(devices) = &nvml.devices else {
        return held(false, format!("NVML does not tell who computes: {}", nvml.devices.why_not()));
    };
    let of_device = |device: &Observed<NvmlDevice>| match device {
        Observed::Seen(device) => match &device.compute_processes {
            Observed::Seen(found) => match found.iter().filter(|process| !process.ours).count() {
                0 => None,
                1 => held(true, format!("a program computes on GPU {}", device.index)),
                count => held(true, format!("{count} programs compute on GPU {}", device.index)),
            },
            untold @ (Observed::Failed(_) | Observed::Interrupted { .. } | Observed::NotProbed { .. }) => {
                let why = untold.why_not();
                held(false, format!("NVML does not tell who computes on GPU {}: {why}", device.index))
            }
        },
        untold @ (Observed::Failed(_) | Observed::Interrupted { .. } | Observed::NotProbed { .. }) => {
            held(false, format!("NVML does not tell who computes: {}", untold.why_not()))
        }
    };
    devices.iter().find_map(of_device)
}

/// Whether what this process starts gains no rights (`NoNewPrivileges`): nvidia-modprobe cannot work then.
fn gains_no_rights() -> bool {
    rustix::thread::no_new_privs().unwrap_or(false) && !rustix::process::geteuid().is_root()
}

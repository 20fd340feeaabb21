//! The machine itself: driver, Linux, GPUs, size, settings.

use super::{
    What,
    compare::{Found, Thing},
};
use crate::{
    Knowledge,
    fact::{DeviceNode, Facts, Module, NvmlDevice, Os, SecureBoot, Setting},
};
use std::collections::BTreeMap;

/// The GPUs of a machine that has none.
const NO_GPU: &str = "none";

pub(super) fn compare(before: &Facts, now: &Facts, knowledge: &Knowledge, found: &mut Found) {
    let both = [before, now];
    let [was, is] = both.map(|facts| facts.platform.seen());
    match was.zip(is) {
        Some((was, is)) => {
            found.known(What::Linux, "Linux", Some(&was.linux_release), Some(&is.linux_release));
            let [from, to] = [was, is].map(|platform| release(&platform.os));
            found.known(What::Os, "operating system", from.as_deref(), to.as_deref());
            let [from, to] = [was, is].map(|platform| platform.cloud.metadata.seen()?.vm_size.as_deref());
            found.known(What::Size, "size", from, to);
        }
        None => found.unseen(What::Linux, &before.platform, &now.platform),
    }
    let [was, is] = both.map(|facts| facts.module.seen());
    match was.zip(is) {
        Some((was, is)) => modules(was, is, found),
        None => found.unseen(What::Driver, &before.module, &now.module),
    }
    gpus(before, now, knowledge, found);
    settings_of_gpus(before, now, found);
}

/// Without what changes with every update: `Ubuntu 22.04.4 LTS` becomes `Ubuntu 22.04.5 LTS` overnight.
fn release(os: &Os) -> Option<String> {
    Some(format!("{} {}", os.id.as_ref()?, os.version_id.as_ref()?))
}

fn modules(was: &Module, is: &Module, found: &mut Found) {
    let [from, to] = [was, is].map(described);
    found.known(What::Driver, "module", from.as_deref(), to.as_deref());
    let [from, to] = [was, is].map(libraries);
    if from.is_some() {
        let thing = Thing { what: What::DriverLibraries, subject: "libraries", place: None };
        found.value(thing, from.as_deref(), to.as_deref());
    }
    let [from, to] = [was, is].map(|module| secure_boot(module.secure_boot));
    found.known(What::Setting, "Secure Boot", from, to);
    let [from, to] = [was, is].map(|module| settings(&module.settings));
    found.each(What::Setting, None, &from, &to);
    // Nodes are made when they are first used: one that is not there yet is no change.
    for node in &was.nodes {
        let same = is.nodes.iter().find(|other| other.path == node.path);
        let subject = format!("permissions of {}", node.path);
        let [from, to] = [Some(node), same].map(|node| node.map(permissions));
        found.known(What::Setting, &subject, from.as_deref(), to.as_deref());
    }
}

/// The version of the loaded module, and whether it is the open one.
fn described(module: &Module) -> Option<String> {
    let version = module.version.as_ref()?;
    let open = if module.is_open() == Some(true) { " (open)" } else { "" };
    Some(format!("{version}{open}"))
}

/// The version in the name of the file that the driver's libraries are: `libcuda.so.535.161.08`.
fn libraries(module: &Module) -> Option<String> {
    let mut versions: Vec<&str> = module
        .libraries
        .iter()
        .filter(|library| !library.path.contains("/stubs/") && !library.path.contains("/compat/"))
        .filter_map(|library| library.target.seen()?.rsplit_once(".so.").map(|(_, version)| version))
        .filter(|version| version.contains('.'))
        .collect();
    versions.sort_unstable();
    versions.dedup();
    (!versions.is_empty()).then(|| versions.join(", "))
}

fn secure_boot(state: SecureBoot) -> Option<&'static str> {
    match state {
        SecureBoot::On => Some("on"),
        SecureBoot::Off | SecureBoot::NoUefi => Some("off"),
        SecureBoot::Unknown => None,
    }
}

/// Lines of the modprobe configuration by their files.
fn settings(settings: &[Setting]) -> BTreeMap<String, String> {
    let mut by_path: BTreeMap<String, String> = BTreeMap::new();
    for setting in settings {
        let lines = by_path.entry(setting.path.clone()).or_default();
        if !lines.is_empty() {
            lines.push_str("; ");
        }
        lines.push_str(&setting.line);
    }
    by_path
}

fn permissions(node: &DeviceNode) -> String {
    format!("{:o} of {}:{}", node.mode & 0o7777, node.uid, node.gid)
}

/// The models, whatever their addresses: a clone has others.
fn gpus(before: &Facts, now: &Facts, knowledge: &Knowledge, found: &mut Found) {
    if before.pci.seen().is_none() || now.pci.seen().is_none() {
        found.unseen(What::Gpu, &before.pci, &now.pci);
        return;
    }
    let [from, to] = [before, now].map(|facts| models(facts, knowledge));
    found.known(What::Gpu, "GPU", Some(&from), Some(&to));
}

fn models(facts: &Facts, knowledge: &Knowledge) -> String {
    let name = |device: u16| {
        let known = knowledge.gpu(device).map(|model| model.name.clone());
        known.unwrap_or_else(|| format!("NVIDIA GPU 10de:{device:04x}"))
    };
    let mut counted: BTreeMap<String, usize> = BTreeMap::new();
    for gpu in facts.gpus() {
        *counted.entry(name(gpu.device)).or_default() += 1;
    }
    let told = counted.into_iter().map(|(name, count)| match count {
        1 => name,
        count => format!("{count} {name}"),
    });
    let told: Vec<String> = told.collect();
    if told.is_empty() { NO_GPU.to_owned() } else { told.join(" and ") }
}

/// Settings of the GPUs by their places in NVML's order, where there are as many as before.
fn settings_of_gpus(before: &Facts, now: &Facts, found: &mut Found) {
    let [was, is] = [before, now].map(|facts| facts.nvml_devices().collect::<Vec<_>>());
    if was.len() != is.len() {
        return;
    }
    for (index, (was, is)) in was.iter().zip(&is).enumerate() {
        let which = if is_alone(now) { String::new() } else { format!(" of GPU {index}") };
        for (name, read) in SETTINGS {
            let [from, to] = [*was, *is].map(read);
            found.known(What::Setting, &format!("{name}{which}"), from.as_deref(), to.as_deref());
        }
    }
}

fn is_alone(facts: &Facts) -> bool {
    facts.nvml_devices().count() == 1
}

/// A setting as NVML tells it.
type Read = fn(&NvmlDevice) -> Option<String>;

const SETTINGS: [(&str, Read); 5] = [
    ("persistence mode", |device| device.persistence.seen().map(|on| on_or_off(*on))),
    ("compute mode", |device| {
        let mode = match device.compute_mode.seen()? {
            0 => "default",
            1 => "exclusive thread",
            2 => "prohibited",
            3 => "exclusive process",
            _ => return None,
        };
        Some(mode.to_owned())
    }),
    ("MIG mode", |device| device.mig_mode.seen().map(|(current, _)| on_or_off(*current))),
    ("ECC", |device| device.ecc.mode.seen().map(|(current, _)| on_or_off(*current))),
    ("power limit", |device| device.power.enforced_limit.seen().map(|limit| format!("{} W", limit / 1000))),
];

fn on_or_off(on: bool) -> String {
    if on { "on" } else { "off" }.to_owned()
}

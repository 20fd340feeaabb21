//! What installers of the driver leave behind.

use crate::{probe::lines::Lines, root::Root};
use gpucheck_checks::fact::Trace;
use std::collections::VecDeque;

/// Bytes read of the end of each log.
const MOST: u64 = 1 << 20;
/// Lines kept of each.
const LINES: usize = 10;
/// Characters kept of each.
const LONGEST: usize = 300;
/// Logs, and what a line that tells how it went holds; every line where that is nothing.
const LOGS: [(&str, &[&str]); 3] = [
    ("/var/log/nvidia-installer.log", &["ERROR", "WARNING", "Installation of the", "is now complete"]),
    ("/var/log/azure/nvidia-vmext-status", &[]),
    ("/var/log/nvidia-uninstall.log", &["ERROR", "Uninstallation"]),
];
/// Files and folders that tell by being there: those of NVIDIA's installer, and of Azure's extension.
const PLACES: [&str; 3] = [
    "/usr/bin/nvidia-installer",
    "/usr/bin/nvidia-uninstall",
    "/var/log/azure/Microsoft.HpcCompute.NvidiaGpuDriverLinux",
];
/// Where Azure's agent puts its extensions, and how the driver's begins.
const EXTENSIONS: &str = "/var/lib/waagent";
const EXTENSION: &str = "Microsoft.HpcCompute.NvidiaGpuDriverLinux";

/// The traces, by path.
pub(super) fn traces(root: &Root) -> Vec<Trace> {
    let logs = LOGS.iter().filter(|(path, _)| root.exists(path)).map(|(path, words)| Trace {
        path: (*path).to_owned(),
        lines: root.open(path).map(|file| telling(file, words)).unwrap_or_default(),
    });
    let extensions = root.names(EXTENSIONS).into_iter().filter(|name| name.starts_with(EXTENSION));
    let places = PLACES.iter().filter(|path| root.exists(path)).map(|path| (*path).to_owned());
    let places = places.chain(extensions.take(LINES).map(|name| format!("{EXTENSIONS}/{name}")));
    let mut traces: Vec<Trace> = logs.chain(places.map(|path| Trace { path, lines: Vec::new() })).collect();
    traces.sort_by(|a, b| a.path.cmp(&b.path));
    traces
}

fn telling(file: std::fs::File, words: &[&str]) -> Vec<String> {
    let mut kept = VecDeque::new();
    for line in Lines::last(file, MOST).into_iter().flatten() {
        if !line.is_empty() && (words.is_empty() || words.iter().any(|word| line.contains(word))) {
            kept.push_back(line.chars().take(LONGEST).collect());
            if kept.len() > LINES {
                kept.pop_front();
            }
        }
    }
    kept.into()
}

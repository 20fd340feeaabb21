//! The driver's services, as systemd's folders and `/proc` show them. systemd itself is not asked.

use crate::root::Root;
use gpucheck_checks::fact::Service;

/// Each service and its process, as `/proc/PID/comm` cuts its name after 15 characters.
const SERVICES: [(&str, &str); 4] = [
    ("nvidia-fabricmanager", "nv-fabricmanage"),
    ("nvidia-gridd", "nvidia-gridd"),
    ("nvidia-imex", "nvidia-imex"),
    ("nvidia-persistenced", "nvidia-persiste"),
];
/// Where systemd looks for units, the strongest place first.
const UNITS: [&str; 5] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];
/// Where udev rules lie, which start a service when a card appears.
const RULES: [&str; 3] = ["/etc/udev/rules.d", "/usr/lib/udev/rules.d", "/lib/udev/rules.d"];
/// Processes looked at, at most.
const MOST_PROCESSES: usize = 100_000;

/// The services that are installed.
pub(super) fn services(root: &Root) -> Vec<Service> {
    let installed: Vec<(&str, &str, String)> =
        SERVICES.iter().filter_map(|(name, process)| Some((*name, *process, unit(root, name)?))).collect();
    if installed.is_empty() {
        return Vec::new();
    }
    let processes = processes(root);
    let found = installed.into_iter().map(|(name, process, unit)| Service {
        name: name.to_owned(),
        enabled: is_enabled(root, name),
        masked: root.link_name(&unit).as_deref() == Some("null"),
        running: processes.as_ref().map(|processes| processes.iter().any(|comm| comm == process)),
        unit,
    });
    found.collect()
}

fn unit(root: &Root, name: &str) -> Option<String> {
    let paths = UNITS.iter().map(|folder| format!("{folder}/{name}.service"));
    let mut there = paths.filter(|path| root.exists(path) || root.link_name(path).is_some());
    there.next()
}

/// A target wants it, or a rule of udev starts it.
fn is_enabled(root: &Root, name: &str) -> bool {
    let unit = format!("{name}.service");
    let wants = UNITS.iter().flat_map(|folder| {
        let names = root.names(folder).into_iter();
        names
            .filter(|name| name.strip_suffix(".wants").or_else(|| name.strip_suffix(".requires")).is_some())
            .map(move |name| format!("{folder}/{name}"))
    });
    let is_wanted = |folder: String| root.link_name(&format!("{folder}/{unit}")).is_some();
    let starts = |path: String| root.configuration(&path).is_some_and(|text| text.contains(&unit));
    let rules = RULES.iter().flat_map(|folder| {
        let names = root.names(folder).into_iter().filter(|name| name.contains("nvidia"));
        names.map(move |name| format!("{folder}/{name}"))
    });
    wants.into_iter().any(is_wanted) || rules.into_iter().any(starts)
}

/// The names of all processes; none where `/proc` shows none.
fn processes(root: &Root) -> Option<Vec<String>> {
    let is_pid = |name: &String| name.bytes().all(|byte| byte.is_ascii_digit());
    let pids = root.names("/proc").into_iter().filter(is_pid).take(MOST_PROCESSES);
    let names: Vec<String> = pids.filter_map(|pid| root.value(&format!("/proc/{pid}/comm"))).collect();
    (!names.is_empty()).then_some(names)
}

//! The driver's services, as systemd's folders and `/proc` show them.

use crate::{probe::units, root::Root};
use gpucheck_checks::fact::Service;

/// Each service and its process, as `/proc/PID/comm` cuts its name after 15 characters.
const SERVICES: [(&str, &str); 4] = [
    ("nvidia-fabricmanager", "nv-fabricmanage"),
    ("nvidia-gridd", "nvidia-gridd"),
    ("nvidia-imex", "nvidia-imex"),
    ("nvidia-persistenced", "nvidia-persiste"),
];
/// Where udev rules lie, which start a service when a card appears.
const RULES: [&str; 3] = ["/etc/udev/rules.d", "/usr/lib/udev/rules.d", "/lib/udev/rules.d"];
/// The services that are installed.
pub(super) fn services(root: &Root) -> Vec<Service> {
    let installed: Vec<(&str, &str, String)> = SERVICES
        .iter()
        .filter_map(|(name, process)| Some((*name, *process, units::file(root, &format!("{name}.service"))?)))
        .collect();
    if installed.is_empty() {
        return Vec::new();
    }
    let processes = units::processes(root);
    let found = installed.into_iter().map(|(name, process, unit)| Service {
        name: name.to_owned(),
        command: units::command(root, &format!("{name}.service")),
        enabled: is_enabled(root, &format!("{name}.service")),
        masked: units::is_masked(root, &unit),
        running: processes.as_ref().map(|processes| processes.iter().any(|running| running.comm == process)),
        unit,
    });
    found.collect()
}

/// A target wants it, or a rule of udev starts it.
fn is_enabled(root: &Root, unit: &str) -> bool {
    let starts = |path: String| root.configuration(&path).is_some_and(|text| text.contains(unit));
    let rules = RULES.iter().flat_map(|folder| {
        let names = root.names(folder).into_iter().filter(|name| name.contains("nvidia"));
        names.map(move |name| format!("{folder}/{name}"))
    });
    units::is_wanted(root, unit) || rules.into_iter().any(starts)
}

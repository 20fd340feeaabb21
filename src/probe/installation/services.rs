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
/// What else runs at boot, or soon after.
const AT_BOOT: [&str; 3] = ["/etc/rc.local", "/etc/crontab", "/var/spool/cron/crontabs/root"];

/// The first file that has `nvidia-smi -pm 1` run at boot: a unit in `/etc` that something wants, or what [`AT_BOOT`] and cron
/// have.
pub(super) fn persistence_set_by(root: &Root) -> Option<String> {
    let within =
        |folder: &'static str| root.names(folder).into_iter().map(move |name| format!("{folder}/{name}"));
    let does =
        |path: &String| root.configuration(path).is_some_and(|text| text.lines().any(turns_persistence_on));
    let unit = |path: &String| path.rsplit('/').next().is_some_and(|unit| units::is_wanted(root, unit));
    // Who wants a unit takes longer to tell than what it says.
    let units = within("/etc/systemd/system").filter(|path| path.ends_with(".service"));
    let tables = within("/etc/cron.d").chain(AT_BOOT.map(str::to_owned));
    units.filter(does).find(unit).or_else(|| tables.into_iter().find(does))
}

fn turns_persistence_on(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let is_on = |word: Option<&str>| matches!(word, Some("1" | "ENABLED"));
    !line.trim_start().starts_with('#')
        && words.any(|word| word.ends_with("nvidia-smi"))
        && match words.find(|word| word.starts_with("-pm") || word.starts_with("--persistence-mode")) {
            Some("-pm") => is_on(words.next()),
            Some(word) => is_on(word.split_once('=').map(|(_, value)| value)),
            None => false,
        }
}

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
        command: units::setting(root, &format!("{name}.service"), "ExecStart"),
        ends_unneeded: ends_unneeded(root, &format!("{name}.service")),
        enabled: is_enabled(root, &format!("{name}.service")),
        masked: units::is_masked(root, &unit),
        running: processes.as_ref().map(|processes| processes.iter().any(|running| running.comm == process)),
        unit,
    });
    found.collect()
}

/// Its unit says that it ends when nothing needs it, and no target does.
fn ends_unneeded(root: &Root, unit: &str) -> bool {
    let is_true = |value: String| ["1", "yes", "true", "on"].contains(&value.to_ascii_lowercase().as_str());
    units::setting(root, unit, "StopWhenUnneeded").is_some_and(is_true) && !units::is_wanted(root, unit)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_turns_persistence_mode_on() {
        for line in [
            "nvidia-smi -pm 1",
            "ExecStart=/usr/bin/nvidia-smi -pm 1",
            "@reboot root /usr/bin/nvidia-smi -i 0 -pm ENABLED >/dev/null",
            "nvidia-smi --persistence-mode=1",
        ] {
            assert!(turns_persistence_on(line), "{line}");
        }
        for line in
            ["# nvidia-smi -pm 1", "nvidia-smi -pm 0", "nvidia-smi", "nvidia-smi -i 0 -pl 100", "echo -pm 1"]
        {
            assert!(!turns_persistence_on(line), "{line}");
        }
    }
}

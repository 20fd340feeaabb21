//! How unattended-upgrades is set up.

use super::apt_conf::AptConf;
use crate::root::Root;
use gpucheck_checks::fact::{Unattended, UpdateUnit};

/// Units that run it, and those that keep the lists fresh.
const UNITS: [&str; 4] =
    ["apt-daily.timer", "apt-daily.service", "apt-daily-upgrade.timer", "apt-daily-upgrade.service"];
/// Where systemd looks for units, the strongest place first.
const FOLDERS: [&str; 4] =
    ["/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];
const PROGRAMS: [&str; 2] = ["/usr/bin/unattended-upgrade", "/usr/bin/unattended-upgrades"];
/// What is kept of the settings: the others may name people.
const KEPT: [&str; 4] = [
    "apt::periodic::",
    "unattended-upgrade::automatic-reboot",
    "unattended-upgrade::installonshutdown",
    "unattended-upgrade::package-whitelist-strict",
];
/// Values kept, and characters of each, at most.
const MOST: usize = 200;
const LONGEST: usize = 200;

/// What files tell of it.
pub(super) fn unattended(root: &Root, conf: &AptConf) -> Unattended {
    let short = |text: &str| text.chars().take(LONGEST).collect::<String>();
    let all = ["apt::periodic", "unattended-upgrade"].into_iter().flat_map(|name| conf.below(name));
    let kept = all.filter(|(name, _)| KEPT.iter().any(|start| name.starts_with(start)));
    let patterns =
        |name: &str| conf.list(name).into_iter().take(MOST).map(|pattern| short(&pattern)).collect();
    Unattended {
        installed: PROGRAMS.iter().any(|path| root.exists(path)),
        settings: kept.take(MOST).map(|(name, value)| (short(&name), short(value))).collect(),
        origins: origins(root, conf).into_iter().take(MOST).map(|origin| short(&origin)).collect(),
        excluded: patterns("unattended-upgrade::package-blacklist"),
        only: patterns("unattended-upgrade::package-whitelist"),
        units: units(root),
        unread: conf.unread.clone(),
    }
}

fn units(root: &Root) -> Vec<UpdateUnit> {
    let there = UNITS.into_iter().filter_map(|name| {
        let paths = FOLDERS.iter().map(|folder| format!("{folder}/{name}"));
        let path = paths.clone().find(|path| root.exists(path) || root.link_name(path).is_some())?;
        let wants = FOLDERS.iter().map(|folder| format!("{folder}/timers.target.wants/{name}"));
        Some(UpdateUnit {
            name: name.to_owned(),
            enabled: wants.clone().any(|wanted| root.link_name(&wanted).is_some() || root.exists(&wanted)),
            masked: root.link_name(&path).as_deref() == Some("null"),
        })
    });
    there.collect()
}

/// `Allowed-Origins` and `Origins-Pattern`, as one: `o=Ubuntu,a=jammy-security`. The names of the distribution are put in.
fn origins(root: &Root, conf: &AptConf) -> Vec<String> {
    let allowed =
        conf.list("unattended-upgrade::allowed-origins").into_iter().filter_map(|pair| as_pattern(&pair));
    let patterns = conf.list("unattended-upgrade::origins-pattern").into_iter();
    let (id, codename) = distribution(root);
    allowed
        .chain(patterns)
        .map(|pattern| pattern.replace("${distro_id}", &id).replace("${distro_codename}", &codename))
        .collect()
}

/// `Ubuntu:jammy-security`, or with a blank for the colon; `\:` is no colon that parts.
fn as_pattern(pair: &str) -> Option<String> {
    let pair = pair.replace("\\:", "\u{0}");
    let (origin, archive) = pair.split_once(':').or_else(|| pair.trim().split_once(char::is_whitespace))?;
    let escaped = |text: &str| text.trim().replace('\u{0}', ":").replace("\\,", ",").replace(',', "\\,");
    Some(format!("o={},a={}", escaped(origin), escaped(archive)))
}

/// The distribution's name and codename, as lsb_release tells them.
fn distribution(root: &Root) -> (String, String) {
    let read = |path: &str, name: &str| {
        let text = root.configuration(path)?;
        let value =
            text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=').map(str::to_owned))?;
        Some(value.trim_matches(['"', '\'']).to_owned())
    };
    let of_release = |name: &str| {
        read("/etc/os-release", name).or_else(|| read("/usr/lib/os-release", name)).unwrap_or_default()
    };
    let id = read("/etc/lsb-release", "DISTRIB_ID").unwrap_or_else(|| {
        let id = of_release("ID");
        let mut rest = id.chars();
        rest.next().map(|first| first.to_uppercase().collect::<String>() + rest.as_str()).unwrap_or_default()
    });
    let codename =
        read("/etc/lsb-release", "DISTRIB_CODENAME").unwrap_or_else(|| of_release("VERSION_CODENAME"));
    (id, codename)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_writing_origins_are_one() {
        assert_eq!(as_pattern("Ubuntu:jammy-security").as_deref(), Some("o=Ubuntu,a=jammy-security"));
        assert_eq!(as_pattern("Ubuntu jammy-security").as_deref(), Some("o=Ubuntu,a=jammy-security"));
        // Launchpad 824856: origins with commas.
        assert_eq!(as_pattern("Google\\, Inc.:stable").as_deref(), Some("o=Google\\, Inc.,a=stable"));
        assert_eq!(as_pattern("http\\://x:stable").as_deref(), Some("o=http://x,a=stable"));
        assert_eq!(as_pattern("nothing"), None);
    }
}

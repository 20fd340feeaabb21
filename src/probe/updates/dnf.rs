//! Whether dnf installs updates by itself.

use crate::root::Root;
use gpucheck_checks::fact::{DnfAutomatic, Observed};

/// Timers that run dnf-automatic: the first two install whatever the configuration says.
const INSTALLERS: [&str; 1] = ["dnf-automatic-install.timer"];
const BY_CONFIGURATION: [&str; 2] = ["dnf-automatic.timer", "dnf5-automatic.timer"];
const CONFIGURATIONS: [&str; 2] = ["/etc/dnf/automatic.conf", "/etc/dnf/dnf5-plugins/automatic.conf"];
const WANTS: &str = "/etc/systemd/system/timers.target.wants";
const MAIN: &str = "/etc/dnf/dnf.conf";

/// What files tell of it.
pub(super) fn dnf(root: &Root) -> Observed<DnfAutomatic> {
    if !root.exists(MAIN) && !root.exists("/etc/yum.conf") {
        return Observed::not_probed("no dnf in this root");
    }
    let is_enabled = |timer: &&&str| root.link_name(&format!("{WANTS}/{timer}")).is_some();
    let applies = CONFIGURATIONS.iter().any(|path| {
        let text = root.configuration(path).unwrap_or_default();
        values(&text, &["apply_updates"])
            .iter()
            .any(|value| ["yes", "true", "1", "on"].contains(&value.as_str()))
    });
    let by_configuration = BY_CONFIGURATION.iter().find(is_enabled).filter(|_| applies);
    let installs_by =
        INSTALLERS.iter().find(is_enabled).or(by_configuration).map(|timer| (*timer).to_owned());
    let text = root.configuration(MAIN).unwrap_or_default();
    let excluded = values(&text, &["excludepkgs", "exclude"]);
    let excluded = excluded.iter().flat_map(|value| value.split([',', ' '])).filter(|name| !name.is_empty());
    Observed::Seen(DnfAutomatic { installs_by, excluded: excluded.map(str::to_owned).collect() })
}

fn values(text: &str, names: &[&str]) -> Vec<String> {
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    let of = pairs.filter(|(name, _)| names.contains(&name.trim()));
    of.map(|(_, value)| value.trim().to_ascii_lowercase()).collect()
}

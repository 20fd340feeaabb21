//! What updates will change by themselves, and what they would change if they were run.
//!
//! Invariant: whether a package would be taken is told by the rules of apt and of unattended-upgrades, not by ours.

use super::Observed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What files of apt and of dnf tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Updates {
    /// What updates packages of apt without being asked; not probed where there is no apt.
    pub unattended: Observed<Unattended>,
    /// The same of dnf; not probed where there is none.
    pub dnf: Observed<DnfAutomatic>,
    /// The installed packages of the driver and of Linux, and what apt's lists offer for each, by name.
    pub offered: Observed<Vec<OfferedPackage>>,
    /// The lists that the offers come from.
    pub lists: PackageLists,
}

/// How unattended-upgrades is set up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Unattended {
    /// It is installed.
    pub installed: bool,
    /// `APT::Periodic` and those of `Unattended-Upgrade` that hold one value, as apt.conf has them, in small letters.
    pub settings: BTreeMap<String, String>,
    /// The origins that it takes from, each as `o=Ubuntu,a=jammy-security`.
    pub origins: Vec<String>,
    /// `Package-Blacklist`: patterns of names that it leaves alone.
    pub excluded: Vec<String>,
    /// `Package-Whitelist`: patterns of the only names that it takes by themselves; all names where there are none.
    pub only: Vec<String>,
    /// systemd's units that run it, or keep the lists fresh.
    pub units: Vec<UpdateUnit>,
    /// Files of apt.conf that could not be read, each with its reason.
    pub unread: Vec<String>,
}

/// A unit of systemd's that runs updates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct UpdateUnit {
    /// Its name, such as `apt-daily-upgrade.timer`.
    pub name: String,
    /// A target wants it; a service is started by its timer.
    pub enabled: bool,
    /// Nothing may start it.
    pub masked: bool,
}

impl Unattended {
    /// Why it installs nothing by itself; none where it does.
    pub fn stopped(&self) -> Option<String> {
        if !self.installed {
            return Some("unattended-upgrades is not installed".to_owned());
        }
        self.off("apt::periodic::enable", true)
            .or_else(|| self.off("apt::periodic::unattended-upgrade", false))
            .or_else(|| self.unit_stopped("apt-daily-upgrade"))
            .or_else(|| self.origins.is_empty().then(|| "it takes from no origin".to_owned()))
    }

    /// Whether what comes new to the archive reaches this machine by itself.
    pub fn fetches_lists(&self) -> bool {
        self.off("apt::periodic::update-package-lists", false).is_none()
            && self.unit_stopped("apt-daily").is_none()
    }

    /// Whether it restarts the machine where an update asks for it.
    pub fn restarts(&self) -> bool {
        let value = self.settings.get("unattended-upgrade::automatic-reboot");
        value.is_some_and(|value| is_true(value))
    }

    /// Whether what is not on the Package-Whitelist stays, too, where something on it depends on it.
    pub fn is_strict(&self) -> bool {
        let value = self.settings.get("unattended-upgrade::package-whitelist-strict");
        value.is_some_and(|value| is_true(value))
    }

    fn off(&self, name: &str, usual: bool) -> Option<String> {
        match self.settings.get(name) {
            Some(value) if is_nothing(value) => Some(format!("{name} is {value:?}")),
            None if !usual => Some(format!("{name} is not set")),
            Some(_) | None => None,
        }
    }

    fn unit_stopped(&self, name: &str) -> Option<String> {
        let timer = self.units.iter().find(|unit| unit.name == format!("{name}.timer"));
        let service = self.units.iter().find(|unit| unit.name == format!("{name}.service"));
        match (timer, service) {
            (Some(timer), _) if timer.masked => Some(format!("{} is masked", timer.name)),
            (_, Some(service)) if service.masked => Some(format!("{} is masked", service.name)),
            (Some(timer), _) if !timer.enabled => Some(format!("{} is disabled", timer.name)),
            (None, _) => Some(format!("there is no {name}.timer")),
            (Some(_), _) => None,
        }
    }
}

/// Whether apt's script takes it for never: `0`, `0d`, or nothing that is a number. It knows `always` as well.
fn is_nothing(value: &str) -> bool {
    let digits = value.trim().trim_end_matches(['s', 'm', 'h', 'd']);
    value.trim() != "always" && digits.parse::<u64>().unwrap_or(0) == 0
}

/// What apt takes for true.
fn is_true(value: &str) -> bool {
    let word = value.trim().to_ascii_lowercase();
    matches!(word.as_str(), "true" | "yes" | "with" | "on" | "enable")
        || word.parse::<i64>().is_ok_and(|n| n != 0)
}

/// How dnf-automatic is set up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DnfAutomatic {
    /// The timer that installs updates by itself, such as `dnf-automatic-install.timer`; none where none is enabled.
    pub installs_by: Option<String>,
    /// `excludepkgs` of `/etc/dnf/dnf.conf` and `exclude`: patterns of names that dnf leaves alone.
    pub excluded: Vec<String>,
}

/// An installed package, and what lists offer for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OfferedPackage {
    /// Its name.
    pub name: String,
    /// The version that is installed.
    pub installed: String,
    /// The priority of that version by apt's preferences, the highest that a list gives it; 0 where no list has it.
    pub priority: i32,
    /// `apt-mark hold` keeps it where it is.
    pub held: bool,
    /// The pattern of unattended-upgrades' Package-Blacklist that meets it.
    pub excluded_by: Option<String>,
    /// unattended-upgrades has a Package-Whitelist that does not have it, and none that it could come along with.
    pub not_listed: bool,
    /// The preference that ties it to its version: the file, and what it says.
    pub pinned_by: Option<String>,
    /// What each list has, newest first: the one version of it that apt ranks first.
    pub offers: Vec<Offer>,
}

/// A version of a package in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Offer {
    /// The version.
    pub version: String,
    /// It is newer than the one that is installed.
    pub newer: bool,
    /// `Origin` of the archive, such as `Ubuntu`, `Debian`, `NVIDIA`; empty where its Release file is not there.
    pub origin: String,
    /// `Suite` of the archive, such as `jammy-security`.
    pub suite: String,
    /// Component, such as `restricted`.
    pub component: String,
    /// Its priority by apt's preferences; below 0 it is never installed.
    pub priority: i32,
    /// The pattern by which unattended-upgrades takes from this archive; none where it does not.
    pub allowed_by: Option<String>,
    /// Percentage of machines that get it already, where the archive rolls it out in phases.
    pub phased: Option<u8>,
}

/// What lists there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PackageLists {
    /// How many were read.
    pub read: u32,
    /// When apt last fetched one of them, RFC 3339 in UTC.
    pub fetched: Option<String>,
    /// Those that could not be read, each with its reason.
    pub unread: Vec<String>,
}

impl OfferedPackage {
    /// What `apt upgrade` would install; none where it leaves the package where it is.
    pub fn taken(&self) -> Option<&Offer> {
        if self.held { None } else { self.preferred(|_| true) }
    }

    /// What unattended-upgrades would install, where it runs.
    pub fn taken_unattended(&self) -> Option<&Offer> {
        if self.stays_unattended().is_some() {
            None
        } else {
            self.preferred(|offer| offer.allowed_by.is_some())
        }
    }

    /// Why unattended-upgrades leaves it where it is, whatever comes; none where nothing keeps it.
    pub fn stays_unattended(&self) -> Option<String> {
        let excluded =
            || self.excluded_by.as_ref().map(|pattern| format!("Package-Blacklist has {pattern:?}"));
        let held = self.held.then(|| "held".to_owned());
        let left_out = || self.not_listed.then(|| "Package-Whitelist does not have it".to_owned());
        held.or_else(excluded).or_else(left_out).or_else(|| self.pinned_by.clone())
    }

    /// The archives from which unattended-upgrades takes it, where they have something new.
    pub fn followed(&self) -> impl Iterator<Item = &Offer> {
        let own = self.priority.max(INSTALLED);
        self.offers.iter().filter(move |offer| offer.allowed_by.is_some() && offer.priority >= own)
    }

    /// apt takes the version of the highest priority, of these the newest, and none with less than what is installed has.
    fn preferred(&self, may: impl Fn(&Offer) -> bool) -> Option<&Offer> {
        let own = self.priority.max(INSTALLED);
        let better = self.offers.iter().filter(|offer| offer.newer && offer.priority >= own && may(offer));
        better.rev().max_by_key(|offer| offer.priority)
    }
}

/// The priority of a version that is installed, where no list has it. Source: apt_preferences(5).
const INSTALLED: i32 = 100;

//! What is installed around the driver: packages, services, compilers, firmware, and what installers left behind.

use super::Observed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What files tell of the installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Installation {
    /// Packages of NVIDIA's driver and of Linux in dpkg's database, by name; not probed where there is none.
    pub packages: Observed<Vec<Package>>,
    /// The driver's services, by name; one that is not installed is not here.
    pub services: Vec<Service>,
    /// A file of this machine's own that turns persistence mode on at boot, without that service.
    #[serde(default)]
    pub persistence_set_by: Option<String>,
    /// Compilers under `/usr/bin`: `gcc-11`, `gcc-12`, ...
    pub compilers: Vec<String>,
    /// The file that `/usr/bin/gcc` leads to.
    pub gcc: Option<String>,
    /// Firmware for the GPU's own processor under `/lib/firmware/nvidia`, by version.
    pub firmware: Vec<Firmware>,
    /// What installers of the driver left behind: their logs, the extension of Azure.
    pub traces: Vec<Trace>,
    /// Files of the licence client of virtual GPUs: `/etc/nvidia/gridd.conf` and its template.
    pub grid_files: Vec<String>,
}

impl Installation {
    /// The packages, as far as they are known.
    pub fn packages(&self) -> impl Iterator<Item = &Package> {
        self.packages.seen().into_iter().flatten()
    }

    /// Whether the driver is GRID's, for virtual GPUs: its licence client is there.
    pub fn is_grid(&self) -> bool {
        let is_named_so = |package: &Package| package.is_installed() && package.name.contains("-grid");
        !self.grid_files.is_empty()
            || self.service("nvidia-gridd").is_some()
            || self.packages().any(is_named_so)
    }

    /// Whether NVIDIA's installer left traces.
    pub fn is_by_installer(&self) -> bool {
        self.traces.iter().any(|trace| trace.path.contains("nvidia-installer"))
    }

    /// A service, where it is installed.
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }
}

/// A package in dpkg's database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What is wanted, in dpkg's words: `install`, `hold`, `deinstall`, `purge`.
    pub wanted: String,
    /// What it is, in dpkg's words: `installed`, `half-configured`, `unpacked`, `config-files`, ...
    pub state: String,
    /// The architecture that it was built for, `all` for every one; empty where that was not asked.
    #[serde(default)]
    pub architecture: String,
}

impl Package {
    /// Whether it is installed and set up.
    pub fn is_installed(&self) -> bool {
        self.state == "installed"
    }

    /// Whether its installation broke off: its files are there, and what sets it up failed.
    pub fn is_half_installed(&self) -> bool {
        matches!(self.state.as_str(), "half-installed" | "half-configured" | "unpacked")
    }

    /// Whether updates leave it alone.
    pub fn is_held(&self) -> bool {
        self.wanted == "hold"
    }
}

/// A service of the driver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Service {
    /// Its name, such as `nvidia-fabricmanager`.
    pub name: String,
    /// The file that describes it to systemd.
    pub unit: String,
    /// The command that starts it, with what drop-ins say of it; none where none is told.
    pub command: Option<String>,
    /// It ends once nothing needs it, and no target does (`StopWhenUnneeded`, systemd.unit(5)).
    #[serde(default)]
    pub ends_unneeded: bool,
    /// It starts at boot: a target wants it, or a rule of udev does.
    pub enabled: bool,
    /// Nothing may start it: it is masked.
    pub masked: bool,
    /// Its process is there; none where processes could not be looked at.
    pub running: Option<bool>,
}

/// Firmware of one version of the driver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Firmware {
    /// The driver's version.
    pub version: String,
    /// Names of its files.
    pub files: Vec<String>,
}

/// What an installer left behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Trace {
    /// The file or folder.
    pub path: String,
    /// Lines of it that tell how it went, the last ones; empty for a folder, and where it could not be read.
    pub lines: Vec<String>,
}

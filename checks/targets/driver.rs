//! The driver that an image brings: the one that its next boot loads.
//!
//! Invariant: where it cannot be told it is not taken for missing.

use super::{Card, Together};
use crate::{
    ArchitectureRow, Finding, Knowledge,
    fact::{Dkms, Facts, InstalledLinux, Module, ModuleFile, Package},
    installed::{self, Unsupported},
    judge,
    knowledge::branch,
};

/// The driver of an image.
pub(crate) enum ImageDriver<'a> {
    /// Files could not be looked at, for this reason.
    Untold(String),
    /// There is none, and none belongs there: the image is a container's, and the driver its host's.
    Hosts,
    /// There is none.
    Missing,
    /// It is this one.
    Is(Installed<'a>),
}

/// A driver that is installed.
pub(crate) struct Installed<'a> {
    /// Its version; none where no file and no package tells it.
    pub(crate) version: Option<&'a str>,
    /// Its module is NVIDIA's open one; none where that is not told.
    pub(crate) open: Option<bool>,
    /// It is Microsoft's GRID driver.
    pub(crate) grid: bool,
    /// The Linux that it is installed for; none where it is yet to be built.
    pub(crate) linux: Option<&'a str>,
}

impl Installed<'_> {
    /// `driver 535.161.08`.
    pub(crate) fn label(&self) -> String {
        let kind = if self.grid { "GRID driver" } else { "driver" };
        format!("{kind} {}", self.version.unwrap_or("of unknown version"))
    }

    /// Whether it supports cards of an architecture; none where its version is not known.
    pub(crate) fn supports(&self, row: &ArchitectureRow) -> Option<Result<(), Unsupported>> {
        let branch = branch(self.version?)?;
        let last = row.last_grid_branch.filter(|_| self.grid).or(row.last_branch);
        Some(installed::supports(row, last, branch, self.open))
    }
}

/// The driver of the image.
pub(crate) fn of_image(facts: &Facts) -> ImageDriver<'_> {
    let Some(module) = facts.module.seen() else { return ImageDriver::Untold(facts.module.why_not()) };
    let has_init = facts.targets.seen().is_some_and(|targets| targets.image.has_init);
    if module.linux.is_empty() && !module.has_driver() && (!has_init || judge::in_container(facts)) {
        return ImageDriver::Hosts;
    }
    let tree = installed::trees(&module.dkms).next_back();
    let linux = booting(facts, module).filter(|linux| !linux.nvidia.is_empty()).or_else(|| newest(module));
    if linux.is_none() && tree.is_none() && !module.has_driver() {
        return ImageDriver::Missing;
    }
    let loaded = || module.version.as_deref();
    ImageDriver::Is(Installed {
        version: linux
            .and_then(|linux| version_for(facts, module, linux))
            .or_else(|| by_tree(tree))
            .or_else(loaded),
        open: linux
            .and_then(|linux| linux.nvidia.iter().find_map(ModuleFile::is_open))
            .or_else(|| installed::is_open_by_package(facts)),
        grid: facts.installation.seen().is_some_and(crate::fact::Installation::is_grid),
        linux: linux.map(|linux| linux.release.as_str()),
    })
}

/// The Linux that boots next, where that is known.
fn booting<'a>(facts: &Facts, module: &'a Module) -> Option<&'a InstalledLinux> {
    let release = facts.next_boot.seen()?.linux.seen()?;
    module.linux.iter().find(|linux| linux.release == *release)
}

/// The newest Linux that has a module.
fn newest(module: &Module) -> Option<&InstalledLinux> {
    let with = module.linux.iter().filter(|linux| !linux.nvidia.is_empty());
    with.max_by_key(|linux| numbers(&linux.release))
}

/// The numbers in a release, for comparing: 5, 15, 0, 119 of `5.15.0-119-generic`.
fn numbers(release: &str) -> Vec<u64> {
    release.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}

/// The version of the module of a Linux: by its file, which is compressed on some systems; by the build that it is from,
/// by the libraries beside it, by its package.
fn version_for<'a>(facts: &'a Facts, module: &'a Module, linux: &'a InstalledLinux) -> Option<&'a str> {
    let by_file = linux.nvidia.iter().find_map(|file| file.version.as_deref());
    let built =
        || by_tree(installed::trees(&module.dkms).find(|tree| tree.built_for.contains(&linux.release)));
    let by_library = || {
        let libraries = module.libraries.iter().filter(|file| file.elf64 != Some(false));
        libraries.filter(|file| !file.path.contains("compat")).find_map(|file| file.version.as_deref())
    };
    let by_package = || {
        let mut packages = facts.installation.seen()?.packages().filter(|package| package.is_installed());
        packages.find_map(driver_version)
    };
    by_file.or_else(built).or_else(by_library).or_else(by_package)
}

fn by_tree(tree: Option<&Dkms>) -> Option<&str> {
    tree.map(|tree| tree.version.as_str())
}

/// The version of a package that has the driver's: `535.161.08` of `535.161.08-0ubuntu2.22.04.1`.
fn driver_version(package: &Package) -> Option<&str> {
    let is_drivers =
        ["nvidia-driver", "nvidia-kernel-", "nvidia-dkms-", "libnvidia-compute-", "nvidia-utils-"]
            .iter()
            .any(|beginning| package.name.starts_with(beginning));
    let upstream = package.version.split(['-', '+', '~']).next()?;
    let upstream = upstream.rsplit(':').next()?;
    let is_version =
        upstream.contains('.') && upstream.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    (is_drivers && is_version).then_some(upstream)
}

/// Adds how to install a driver that works on a target, on all targets where there is such a driver. It is for an image:
/// nothing looks for a GPU, and nothing boots.
pub(crate) fn install(facts: &Facts, knowledge: &Knowledge, card: Card<'_>, finding: Finding) -> Finding {
    let Some(row) = knowledge.architecture(card.architecture) else { return finding };
    if card.target.wants_grid() {
        return match row.last_grid_branch {
            Some(last) => {
                let last = format!("GRID drivers of branch {last} are the last for {} cards", row.name);
                finding.because(last).see(judge::GRID_GUIDE)
            }
            None => grid(finding),
        };
    }
    let of_all = Together::of_all(facts, knowledge);
    let finding = match (&of_all, row.last_branch) {
        (None, _) => finding.because("no one driver works on all of the targets"),
        (Some(_), Some(last)) => {
            finding.because(format!("driver branch {last} is the last for {} cards", row.name))
        }
        (Some(_), None) => finding,
    };
    let Some(wanted) = of_all.or_else(|| Together::of(&[row])) else { return finding };
    let system = facts.platform.seen().map(|platform| &platform.os);
    let system =
        system.and_then(|os| Some((os.id.as_deref()?, os.version_id.as_deref().unwrap_or_default())));
    let package =
        system.and_then(|system| knowledge.driver_package(system, (wanted.first, wanted.last), wanted.open));
    match package {
        Some(package) => {
            let suite = system.and_then(|(_, release)| knowledge.debian_suite(release));
            let finding = match suite.filter(|_| judge::os_id(facts) == Some("debian")) {
                Some(suite) => finding
                    .run(format!("echo 'deb http://deb.debian.org/debian {suite} contrib non-free non-free-firmware' | sudo tee /etc/apt/sources.list.d/non-free.list"))
                    .run("sudo apt update && sudo apt install -y linux-headers-amd64"),
                None => finding.run("sudo apt update"),
            };
            finding.run(format!("sudo apt install -y {package} && sudo apt-mark hold {package}"))
        }
        None => finding.see(judge::INSTALLATION_GUIDE),
    }
}

/// Adds how to install the GRID driver that Microsoft lists today.
pub(crate) fn grid(finding: Finding) -> Finding {
    finding
        .run("wget -O NVIDIA-Linux-x86_64-grid.run 'https://go.microsoft.com/fwlink/?linkid=874272'")
        .run("sudo sh NVIDIA-Linux-x86_64-grid.run --silent --dkms && sudo cp /etc/nvidia/gridd.conf.template /etc/nvidia/gridd.conf")
        .see(judge::GRID_GUIDE)
}

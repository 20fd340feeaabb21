//! What is installed around the driver, by files alone.

pub(crate) mod packages;
mod services;
mod traces;

pub(crate) use packages::is_ours;

use crate::root::Root;
use gpucheck_checks::fact::{Firmware, Installation, Observed};

const PROGRAMS: &str = "/usr/bin";
const FIRMWARE: &str = "/lib/firmware/nvidia";
const GRID: [&str; 2] = ["/etc/nvidia/gridd.conf", "/etc/nvidia/gridd.conf.template"];
/// Versions of compilers and of firmware that are told at most.
const MOST: usize = 64;

/// Looks at the installation.
pub fn probe(root: &Root) -> Observed<Installation> {
    Observed::Seen(Installation {
        packages: packages::packages(root),
        services: services::services(root),
        persistence_set_by: services::persistence_set_by(root),
        compilers: compilers(root),
        gcc: root.target(&format!("{PROGRAMS}/gcc")).ok(),
        firmware: firmware(root),
        traces: traces::traces(root),
        grid_files: GRID.into_iter().filter(|path| root.exists(path)).map(str::to_owned).collect(),
    })
}

fn compilers(root: &Root) -> Vec<String> {
    let is_version = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let names = root.names(PROGRAMS).into_iter();
    names.filter(|name| name.strip_prefix("gcc-").is_some_and(is_version)).take(MOST).collect()
}

/// Firmware of NVIDIA's driver; nouveau's lies beside it in folders called by the chip.
fn firmware(root: &Root) -> Vec<Firmware> {
    let versions = root.names(FIRMWARE).into_iter();
    versions
        .filter(|name| name.starts_with(|c: char| c.is_ascii_digit()))
        .take(MOST)
        .map(|version| {
            let files = root.names(&format!("{FIRMWARE}/{version}")).into_iter();
            Firmware { files: files.filter(|name| name.contains(".bin")).take(MOST).collect(), version }
        })
        .collect()
}

//! How persistence mode comes on at each boot: by the service nvidia-persistenced, where there is one.

use crate::{
    Finding,
    fact::{Facts, Installation},
    installed, judge,
};

/// The service that keeps the driver started.
pub(crate) const SERVICE: &str = "nvidia-persistenced";

/// Adds the command by which it starts at boot and now; where it is missing, how to install it. Nothing where no package is
/// known to bring it.
///
/// Source: file lists of nvidia-compute-utils-580-server (<https://packages.ubuntu.com>) and of nvidia-persistenced
/// (<https://packages.debian.org>).
pub(crate) fn start_at_boot(facts: &Facts, finding: Finding) -> Finding {
    command(facts).into_iter().fold(finding, Finding::run)
}

fn command(facts: &Facts) -> Option<String> {
    let enable = format!("sudo systemctl enable --now {SERVICE}");
    match facts.installation.seen().map(|installation| (installation, installation.service(SERVICE))) {
        Some((_, Some(service))) if service.masked => {
            Some(format!("sudo systemctl unmask {SERVICE} && {enable}"))
        }
        // Where nobody looked: it comes with most drivers.
        None | Some((_, Some(_))) => Some(enable),
        Some((installation, None)) => {
            let package = package(facts, installation)?;
            Some(format!("sudo apt install -y {package} && {enable}"))
        }
    }
}

/// The package that brings it beside the driver that is installed.
fn package(facts: &Facts, installation: &Installation) -> Option<String> {
    let by_packages = || installation.packages().any(|package| package.name.starts_with("nvidia-"));
    match judge::os_id(facts)? {
        "ubuntu" => installed::packaged_branch(facts).map(|branch| format!("nvidia-compute-utils-{branch}")),
        "debian" => by_packages().then(|| SERVICE.to_owned()),
        _ => None,
    }
}

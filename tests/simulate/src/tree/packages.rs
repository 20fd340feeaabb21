//! dpkg's database: Linux and the driver, as their packages would have left it.

use super::Tree;
use crate::{
    file::{DriverKind, Packaged, Surroundings},
    machine::Machine,
    scenario::branch,
};

/// Adds the database, on systems that have one.
pub(super) fn add(tree: &mut Tree, machine: &Machine) {
    if !matches!(machine.distribution(), "ubuntu" | "debian") || machine.place() == Surroundings::Wsl {
        return;
    }
    let mut packages = vec![("base-files".to_owned(), "12ubuntu4".to_owned())];
    if machine.host.container.is_none() {
        for release in machine.installed_linux() {
            let version =
                release.rsplit_once('-').map_or(release.as_str(), |(version, _)| version).to_owned();
            packages.push((format!("linux-image-{release}"), version.clone()));
            // Whoever took the headers away took their package.
            if !machine.remove.contains(&format!("/lib/modules/{release}/build")) {
                packages.push((format!("linux-headers-{release}"), version));
            }
        }
    }
    packages.extend(of_driver(machine));
    packages.extend(
        machine.host.packages.iter().flatten().map(|(name, version)| (name.clone(), version.clone())),
    );
    let held = machine.host.held.as_deref().unwrap_or_default();
    let entry = |(name, version): &(String, String)| {
        let wanted = if held.contains(name) { "hold" } else { "install" };
        format!("Package: {name}\nStatus: {wanted} ok installed\nArchitecture: amd64\nVersion: {version}\n\n")
    };
    tree.file("/var/lib/dpkg/status", packages.iter().map(entry).collect::<String>());
}

/// The driver's packages. NVIDIA's installer leaves none.
fn of_driver(machine: &Machine) -> Vec<(String, String)> {
    let Some(libraries) = machine.libraries() else { return Vec::new() };
    let packaged = machine.driver.packaged.unwrap_or(Packaged::Dkms);
    if packaged == Packaged::Runfile || machine.host.container.is_some() {
        return Vec::new();
    }
    let version = format!("{libraries}-0ubuntu1");
    let branch = branch(libraries);
    let open = if machine.driver.kind == Some(DriverKind::Open) { "-open" } else { "" };
    let mut names = vec![
        format!("libnvidia-compute-{branch}-server"),
        format!("nvidia-utils-{branch}-server"),
        format!("nvidia-driver-{branch}-server{open}"),
    ];
    match packaged {
        Packaged::Dkms => names.extend(["dkms".to_owned(), format!("nvidia-dkms-{branch}-server{open}")]),
        Packaged::Ubuntu | Packaged::Runfile => {
            let releases = machine.built_for();
            names.extend(
                releases
                    .iter()
                    .map(|release| format!("linux-modules-nvidia-{branch}-server{open}-{release}")),
            );
        }
    }
    names.into_iter().map(|name| (name, version.clone())).collect()
}

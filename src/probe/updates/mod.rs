//! What updates will change, by files alone: apt and dnf are never run.

mod apt_conf;
mod archive;
mod dnf;
mod lists;
mod pattern;
mod preferences;
mod unattended;
mod version;

use crate::{probe::installation::packages, root::Root};
use apt_conf::AptConf;
use gpucheck_checks::fact::{Observed, OfferedPackage, Package, PackageLists, Unattended, Updates};

/// Where apt's configuration lies, on a machine that has it.
const APT: &str = "/etc/apt";

/// Looks at the updates.
pub fn probe(root: &Root) -> Observed<Updates> {
    let dnf = dnf::dnf(root);
    if !root.is_folder(APT) {
        let why = "no apt in this root";
        let (unattended, offered) = (Observed::not_probed(why), Observed::not_probed(why));
        return Observed::Seen(Updates { unattended, dnf, offered, lists: PackageLists::default() });
    }
    let unattended = unattended::unattended(root, &AptConf::of(root));
    let mut lists = PackageLists::default();
    let offered = packages::packages(root).map(|installed| {
        let (offered, read) = offered(root, &installed, &unattended);
        lists = read;
        offered
    });
    Observed::Seen(Updates { unattended: Observed::Seen(unattended), dnf, offered, lists })
}

fn offered(root: &Root, all: &[Package], unattended: &Unattended) -> (Vec<OfferedPackage>, PackageLists) {
    let installed: Vec<&Package> =
        all.iter().filter(|package| package.is_installed() || package.is_half_installed()).collect();
    let pins = preferences::pins(root);
    let architectures: Vec<String> = installed.iter().map(|package| package.architecture.clone()).collect();
    let excluded_by =
        |name: &str| unattended.excluded.iter().find(|pattern| pattern::begins_like(name, pattern));
    let packages = installed.iter().map(|package| OfferedPackage {
        name: package.name.clone(),
        installed: package.version.clone(),
        held: package.is_held(),
        excluded_by: excluded_by(&package.name).cloned(),
        pinned_by: preferences::tie(&pins, &package.name, &package.version),
        offers: Vec::new(),
    });
    let mut packages: Vec<OfferedPackage> = packages.collect();
    let search = lists::Search { pins: &pins, allowed: &unattended.origins };
    let lists = search.offers(root, &mut packages, &architectures);
    (packages, lists)
}

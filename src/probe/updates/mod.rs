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

/// Where apt's configuration lies, and what it works on: without either there is no apt.
const APT: [&str; 2] = ["/etc/apt", "/var/lib/dpkg/status"];

/// Looks at the updates.
pub fn probe(root: &Root) -> Observed<Updates> {
    let dnf = dnf::dnf(root);
    if !APT.iter().any(|path| root.exists(path)) {
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
        priority: 0,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let tree = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = tree.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        tree
    }

    /// A file of Debian's source package unattended-upgrades, where it was fetched.
    fn part(name: &str) -> Option<String> {
        let folder = std::env::var_os("GPUCHECK_TEST_PARTS")?;
        std::fs::read_to_string(std::path::Path::new(&folder).join("updates").join(name)).ok()
    }

    #[test]
    fn what_distributions_install_takes_security_fixes() {
        for (name, id, codename, takes, refuses) in [
            (
                "50unattended-upgrades.Ubuntu",
                "Ubuntu",
                "jammy",
                "o=Ubuntu,a=jammy-security",
                "o=Ubuntu,a=jammy-updates",
            ),
            (
                "50unattended-upgrades.Debian",
                "Debian",
                "bookworm",
                "origin=Debian,codename=bookworm-security,label=Debian-Security",
                "origin=Debian,codename=bookworm-updates",
            ),
        ] {
            let (Some(rules), Some(auto)) = (part(name), part("20auto-upgrades")) else {
                println!("skipped: no parts; tests/parts/updates.sh fetches them");
                return;
            };
            let release = format!("DISTRIB_ID={id}\nDISTRIB_CODENAME={codename}\n");
            let tree = tree(&[
                ("etc/apt/apt.conf.d/50unattended-upgrades", &rules),
                ("etc/apt/apt.conf.d/20auto-upgrades", &auto),
                ("etc/lsb-release", &release),
                ("usr/bin/unattended-upgrade", ""),
                ("lib/systemd/system/apt-daily-upgrade.timer", ""),
                ("etc/systemd/system/timers.target.wants/apt-daily-upgrade.timer", ""),
            ]);
            let seen = probe(&Root::new(tree.path()));
            let unattended = seen.seen().unwrap().unattended.seen().unwrap().clone();
            assert!(unattended.origins.iter().any(|origin| origin == takes), "{:?}", unattended.origins);
            assert!(!unattended.origins.iter().any(|origin| origin == refuses), "{:?}", unattended.origins);
            assert!(unattended.excluded.is_empty() && !unattended.restarts());
            assert_eq!(unattended.stopped(), None);
        }
    }

    #[test]
    fn real_lists_offer_what_apt_says() {
        let asked = std::process::Command::new("apt-cache").args(["madison", "linux-image-amd64"]).output();
        let said =
            asked.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        let mut versions: Vec<&str> =
            said.lines().filter_map(|line| Some(line.split('|').nth(1)?.trim())).collect();
        if versions.is_empty() {
            println!("skipped: apt has no lists here");
            return;
        }
        let mut packages = [OfferedPackage {
            name: "linux-image-amd64".to_owned(),
            installed: "1".to_owned(),
            ..OfferedPackage::default()
        }];
        let allowed = ["origin=Debian,label=Debian-Security".to_owned()];
        let search = lists::Search { pins: &[], allowed: &allowed };
        let start = std::time::Instant::now();
        let lists = search.offers(&Root::new("/"), &mut packages, &["amd64".to_owned()]);
        println!("{} lists in {:?}, {:?}", lists.read, start.elapsed(), packages[0].offers);
        let mut found: Vec<&str> = packages[0].offers.iter().map(|offer| offer.version.as_str()).collect();
        versions.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, versions);
        assert!(
            packages[0]
                .offers
                .iter()
                .all(|offer| offer.newer && offer.priority == 500 && !offer.origin.is_empty())
        );
        assert!(
            packages[0]
                .offers
                .iter()
                .all(|offer| offer.allowed_by.is_some() == offer.suite.ends_with("-security"))
        );
    }

    #[test]
    fn broken_lists_are_told_and_lose_nothing_else() {
        let status = "Package: libcuda1\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n";
        let folder = "var/lib/apt/lists/x_dists_y";
        let tree = tree(&[
            ("var/lib/dpkg/status", status),
            (
                &format!("{folder}_main_binary-amd64_Packages"),
                "Package: libcuda1\nArchitecture: amd64\nVersion: 2\n\nPackage: libcuda1\nArchitecture: i386\nVersion: 3\n",
            ),
            (&format!("{folder}_contrib_binary-amd64_Packages.lz4"), "no frame"),
            (&format!("{folder}_extra_binary-amd64_Packages.xz"), "no"),
            (&format!("{folder}_InRelease"), "Origin: Debian\nSuite: stable\nSHA256:\n x\nOrigin: Other\n"),
        ]);
        let seen = probe(&Root::new(tree.path()));
        let updates = seen.seen().unwrap();
        assert_eq!((updates.lists.read, updates.lists.unread.len()), (1, 2), "{:?}", updates.lists);
        let offers = &updates.offered.seen().unwrap()[0].offers;
        assert_eq!((offers.len(), offers[0].version.as_str(), offers[0].origin.as_str()), (1, "2", "Debian"));
    }
}

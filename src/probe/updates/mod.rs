//! What updates will change, by files alone: apt and dnf are never run.

mod apt_conf;
mod archive;
mod dnf;
mod lists;
mod pattern;
mod preferences;
mod unattended;
mod version;
mod whitelist;

use crate::{probe::installation::packages, root::Root};
use apt_conf::AptConf;
use gpucheck_checks::fact::{Observed, OfferedPackage, Package, PackageLists, Unattended, Updates};
use regex_lite::Regex;
use std::time::Duration;

/// Where apt's configuration lies, and what it works on: without either there is no apt.
const APT: [&str; 2] = ["/etc/apt", "/var/lib/dpkg/status"];

/// Looks at the updates.
pub fn probe(root: &Root) -> Observed<Updates> {
    within(root, lists::TIME)
}

/// The same, with so much time for the lists.
fn within(root: &Root, time: Duration) -> Observed<Updates> {
    let dnf = dnf::dnf(root);
    if !APT.iter().any(|path| root.exists(path)) {
        let why = "no apt in this root";
        let (unattended, offered) = (Observed::not_probed(why), Observed::not_probed(why));
        return Observed::Seen(Updates { unattended, dnf, offered, lists: PackageLists::default() });
    }
    let conf = AptConf::of(root);
    let unattended = unattended::unattended(root, &conf);
    let pins = preferences::pins(root, conf.value("apt::default-release"));
    let mut lists = PackageLists::default();
    let offered = packages::packages(root).map(|installed| {
        let search = lists::Search { pins: &pins, allowed: &unattended.origins, time };
        let (offered, read) = offered(root, &installed, &unattended, &search);
        lists = read;
        offered
    });
    Observed::Seen(Updates { unattended: Observed::Seen(unattended), dnf, offered, lists })
}

fn offered(
    root: &Root,
    all: &[Package],
    unattended: &Unattended,
    search: &lists::Search,
) -> (Vec<OfferedPackage>, PackageLists) {
    let installed: Vec<&Package> =
        all.iter().filter(|package| package.is_installed() || package.is_half_installed()).collect();
    let architectures: Vec<String> = installed.iter().map(|package| package.architecture.clone()).collect();
    let excluded: Vec<(&String, Regex)> =
        unattended.excluded.iter().filter_map(|text| Some((text, pattern::beginning(text)?))).collect();
    let excluded_by =
        |name: &str| excluded.iter().find(|(_, pattern)| pattern.is_match(name)).map(|(text, _)| *text);
    let names: Vec<&str> = installed.iter().map(|package| package.name.as_str()).collect();
    let left_out = whitelist::left_out(unattended, &names, || packages::names(root, whitelist::may_bring));
    let packages = installed.iter().zip(left_out).map(|(package, not_listed)| OfferedPackage {
        name: package.name.clone(),
        installed: package.version.clone(),
        priority: 0,
        held: package.is_held(),
        excluded_by: excluded_by(&package.name).cloned(),
        not_listed,
        pinned_by: preferences::tie(search.pins, &package.name, &package.version),
        offers: Vec::new(),
    });
    let mut packages: Vec<OfferedPackage> = packages.collect();
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
        let search = lists::Search { pins: &[], allowed: &allowed, time: lists::TIME * 20 };
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

    /// The priorities of two archives, as `apt-cache policy` itself gives them, by these settings and preferences.
    #[test]
    fn priorities_are_those_of_the_real_apt() {
        if std::process::Command::new("apt-cache").arg("--version").output().is_err() {
            println!("skipped: no apt-cache here");
            return;
        }
        let status = "Package: libcuda1\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\nMaintainer: x\nDescription: x\n\n";
        let release = |suite: &str, codename: &str, version: &str| {
            format!(
                "Origin: Debian\nLabel: Debian\nSuite: {suite}\nCodename: {codename}\nVersion: {version}\nDate: Sat, 01 Jun 2024 00:00:00 UTC\nArchitectures: amd64\nComponents: main\nSHA256:\n"
            )
        };
        let list = |version: &str| {
            format!(
                "Package: libcuda1\nArchitecture: amd64\nVersion: {version}\nFilename: x.deb\nSize: 1\nDescription: x\n"
            )
        };
        let pin = "Package: *\nPin: release n=trixie\nPin-Priority: 995\n\nPackage: libcuda1\nPin: release n=sid\nPin-Priority: 400\n";
        for (default, preferences) in [
            ("", ""),
            ("stable", ""),
            ("bookworm", ""),
            ("12.5", ""),
            ("12*", ""),
            ("n=bookworm", ""),
            ("/^book/", ""),
            ("book*", ""),
            ("sid", ""),
            ("trixie", pin),
            ("stable", pin),
            ("sid", pin),
        ] {
            let mut conf = format!("APT::Default-Release \"{default}\";\n");
            if default.is_empty() {
                conf.clear();
            }
            let lists = "var/lib/apt/lists/x.invalid_dists";
            let mut files = vec![
                ("var/lib/dpkg/status".to_owned(), status.to_owned()),
                ("etc/apt/apt.conf.d/99release".to_owned(), conf),
                ("etc/apt/preferences.d/class".to_owned(), preferences.to_owned()),
            ];
            let mut sources = String::new();
            for (at, (suite, codename, version)) in
                [("stable", "bookworm", "12.5"), ("testing", "trixie", "13"), ("unstable", "sid", "")]
                    .into_iter()
                    .enumerate()
            {
                let source = format!("deb [trusted=yes arch=amd64] http://x.invalid {codename} main\n");
                sources.push_str(&source);
                files.push((format!("{lists}_{codename}_Release"), release(suite, codename, version)));
                files.push((
                    format!("{lists}_{codename}_main_binary-amd64_Packages"),
                    list(&(at + 2).to_string()),
                ));
            }
            files.push(("etc/apt/sources.list".to_owned(), sources));
            let files: Vec<(&str, &str)> =
                files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
            let tree = tree(&files);
            let said = real_priorities(tree.path());
            let seen = probe(&Root::new(tree.path()));
            let updates = seen.seen().unwrap();
            let offers = &updates.offered.seen().unwrap()[0].offers;
            let told: Vec<(String, i32)> =
                offers.iter().map(|offer| (offer.version.clone(), offer.priority)).collect();
            assert_eq!(told, said, "{default:?} {preferences:?}");
        }
    }

    /// Versions and their priorities, newest first, as apt-cache has them for a tree.
    fn real_priorities(tree: &std::path::Path) -> Vec<(String, i32)> {
        for folder in ["var/cache/apt/archives/partial", "var/lib/apt/lists/partial", "etc/apt/trusted.gpg.d"]
        {
            std::fs::create_dir_all(tree.join(folder)).unwrap();
        }
        // Read before all else, so that the machine's own settings are not.
        let conf = tree.join("conf");
        let text = format!(
            "Dir {tree:?};\nDir::State::status {:?};\nAPT::Architecture \"amd64\";\n",
            tree.join("var/lib/dpkg/status")
        );
        std::fs::write(&conf, text).unwrap();
        let mut command = std::process::Command::new("apt-cache");
        command.env("APT_CONFIG", &conf).env("LC_ALL", "C");
        let output = command.args(["policy", "libcuda1"]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let mut versions: Vec<(String, i32)> = text
            .lines()
            .filter_map(|line| {
                let mut words =
                    line.strip_prefix("     ").filter(|rest| !rest.starts_with(' '))?.split_whitespace();
                Some((words.next()?.to_owned(), words.next()?.parse().ok()?))
            })
            .collect();
        assert_eq!(versions.len(), 3, "{text}{}", String::from_utf8_lossy(&output.stderr));
        versions.sort_by(|a, b| b.0.cmp(&a.0));
        versions
    }

    /// A metapackage that gpucheck tells nothing of, and what it brings.
    #[test]
    fn a_metapackage_of_the_whitelist_leaves_the_driver_none_of_its_own() {
        let paragraph = |name: &str| {
            format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n")
        };
        let conf = "Unattended-Upgrade::Package-Whitelist {\"cuda$\";};\n";
        for (names, stays) in [(&["cuda", "nvidia-driver-550"][..], false), (&["nvidia-driver-550"], true)] {
            let status = names.iter().map(|name| paragraph(name)).collect::<String>();
            let tree = tree(&[("var/lib/dpkg/status", &status), ("etc/apt/apt.conf.d/99list", conf)]);
            let seen = probe(&Root::new(tree.path()));
            let offered = seen.seen().unwrap().offered.seen().unwrap().clone();
            assert_eq!((offered.len(), offered[0].not_listed), (1, stays), "{offered:?}");
        }
    }

    const INSTALLED_BY: &str =
        "tests/parts/initramfs.sh FOLDER installs it (apt: bzip2, lz4, xz-utils, zstd)";

    /// Packed by the programs that archives pack their lists with.
    #[test]
    fn packed_lists_are_read_to_their_end() {
        let status = "Package: libcuda1\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n";
        let filler = "Package: filler\nArchitecture: all\nVersion: 1\nDescription: y\n\n".repeat(20_000);
        let list = format!("{filler}Package: libcuda1\nArchitecture: amd64\nVersion: 2\n");
        let programs: [(&str, &str, &[&str]); 6] = [
            ("xz", "xz", &["-k"]),
            ("lzma", "xz", &["-k", "--format=lzma"]),
            ("zst", "zstd", &["-q", "-19"]),
            ("bz2", "bzip2", &["-k"]),
            ("gz", "gzip", &["-k"]),
            ("lz4", "lz4", &["-q", "-k"]),
        ];
        for (ending, program, arguments) in programs {
            let name = "var/lib/apt/lists/x_dists_y_main_binary-amd64_Packages";
            let tree = tree(&[("var/lib/dpkg/status", status), (name, &list)]);
            let (plain, packed) = (tree.path().join(name), tree.path().join(format!("{name}.{ending}")));
            let mut command = std::process::Command::new(program);
            let ran = command.args(arguments).arg(&plain).args((ending == "lz4").then_some(&packed)).status();
            let ran = ran.unwrap_or_else(|error| panic!("{program}: {error}; {INSTALLED_BY}"));
            assert!(ran.success(), "{program}: {ran}; {INSTALLED_BY}");
            std::fs::remove_file(&plain).unwrap();
            let read = || {
                // As much time as a busy machine may need.
                let seen = within(&Root::new(tree.path()), lists::TIME * 20);
                let updates = seen.seen().unwrap().clone();
                let offers = updates.offered.seen().unwrap()[0].offers.len();
                (updates.lists.read, updates.lists.unread, offers)
            };
            assert_eq!(read(), (1, Vec::new(), 1), "{ending}");
            let bytes = std::fs::read(&packed).unwrap();
            std::fs::write(&packed, &bytes[..bytes.len() - 40]).unwrap();
            let (_, unread, _) = read();
            assert_eq!(unread.len(), 1, "{ending} that is cut off");
            // gzip and lz4 go on with what follows; of the others the end is known.
            if ["xz", "zst", "bz2"].contains(&ending) {
                std::fs::write(&packed, [bytes.as_slice(), &bytes].concat()).unwrap();
                let (_, unread, _) = read();
                assert_eq!(unread.len(), 1, "{ending} twice");
            }
        }
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

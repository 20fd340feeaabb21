//! The probe of the inventory on trees of files: logs of apt, dpkg, conda and pip as real programs wrote them.

use crate::stage::Machine as Tree;
use gpucheck::{
    probe::inventory::{Ask, Compared, probe},
    root::Root,
};
use gpucheck_checks::fact::{Event, History, Installer, Inventory};

fn look(tree: &Tree, since: &str) -> Inventory {
    let ask = Ask { compared: Some(Compared { since: since.to_owned(), environments: Vec::new() }) };
    probe(&Root::new(tree.path()), &ask, &[]).seen().unwrap().clone()
}

fn history(tree: &Tree, since: &str) -> History {
    look(tree, since).history.seen().unwrap().clone()
}

fn told(event: &Event) -> (&str, Installer, Option<&str>) {
    (&event.at, event.by, event.command.as_deref())
}

/// What conda 26.1.1 wrote, as the documentation of conda/rattler's crate `rattler_history` shows it, and what one of 2018
/// wrote, without the subdirectory; the heads of a torn block and half a line are ours.
const CONDA: &str = "torn off <==
+defaults::lost-1.0-0
==> 2018-04-10 16:15:45 <==
# cmd: /usr/local/software/anaconda3/bin/conda install netcdf4
+defaults::hdf4-4.2.13-h3ca952b_2
+defaults::netcdf4-1.3.1-py36hfd655bd_2
# update specs: ['netcdf4']
==> 2026-04-01 16:26:51 <==
# cmd: /home/rattler/miniconda/bin/conda create -n history-test xz ca-certificates --yes
# conda version: 26.1.1
+conda-forge/noarch::ca-certificates-2026.2.25-hbd8a1cb_0
+conda-forge/osx-arm64::xz-gpl-tools-5.8.2-hd0f0c4f_0
# update specs: ['ca-certificates', 'xz']
==> 2026-04-01 16:27:37 <==
# cmd: /home/rattler/miniconda/bin/conda remove -n history-test ca-certificates --yes
# conda version: 26.1.1
-conda-forge/noarch::ca-certificates-2026.2.25-hbd8a1cb_0
# remove specs: ['ca-certificates']
==> 2026-99-01 16:27:37 <==
-conda-forge/noarch::never-1-0
==> 2026-04-0";

fn conda() -> Tree {
    Tree::linux()
        .file("/opt/conda/bin/python3.11", "")
        .link("/opt/conda/bin/python", "python3.11")
        .folder("/opt/conda/lib/python3.11/site-packages/numpy-1.26.4.dist-info")
        .file("/opt/conda/conda-meta/xz-gpl-tools-5.8.2-hd0f0c4f_0.json", "{}")
        .file("/opt/conda/conda-meta/history", CONDA)
}

#[test]
fn condas_history_is_read_block_by_block() {
    let history = history(&conda(), "");
    let events: Vec<_> = history.events.iter().map(told).collect();
    assert_eq!(
        events,
        [
            (
                "2026-04-01T16:27:37",
                Installer::Conda,
                Some("/home/rattler/miniconda/bin/conda remove -n history-test ca-certificates --yes")
            ),
            (
                "2026-04-01T16:26:51",
                Installer::Conda,
                Some("/home/rattler/miniconda/bin/conda create -n history-test xz ca-certificates --yes")
            ),
            (
                "2018-04-10T16:15:45",
                Installer::Conda,
                Some("/usr/local/software/anaconda3/bin/conda install netcdf4")
            ),
        ]
    );
    let created = &history.events[1];
    assert_eq!(created.environment.as_deref(), Some("/opt/conda"));
    assert_eq!(created.asked_for, ["ca-certificates", "xz"]);
    let tools = created.changes.iter().find(|change| change.package == "xz-gpl-tools").unwrap();
    assert_eq!(tools.to.as_deref(), Some("5.8.2 hd0f0c4f_0"));
    let removed = &history.events[0].changes[0];
    assert_eq!((removed.from.as_deref(), &removed.to), (Some("2026.2.25 hbd8a1cb_0"), &None));
    assert_eq!(self::history(&conda(), "2026-03-31").events.len(), 2);
}

#[test]
fn an_environment_is_taken_stock_of_by_names_of_files() {
    let inventory = look(&conda(), "");
    let stock = inventory.environments["/opt/conda"].seen().unwrap();
    assert_eq!(stock.distributions["numpy"], "1.26.4");
    assert_eq!(stock.conda["xz-gpl-tools"], "5.8.2 hd0f0c4f_0");
}

/// Paragraphs and lines as apt 2.6 and dpkg 1.21 of Debian 12 write them; packages and times are composed.
#[test]
fn what_apt_told_dpkg_does_not_tell_again() {
    let tree = Tree::linux()
        .file(
            "/var/log/apt/history.log",
            "\nStart-Date: 2026-11-24  10:12:00\nCommandline: apt install nvidia-driver-535\nRequested-By: kim (1000)\nUpgrade: nvidia-driver-535:amd64 (535.161.08-0ubuntu1, 535.183.01-0ubuntu1)\nEnd-Date: 2026-11-24  10:12:09\n",
        )
        .file(
            "/var/log/dpkg.log",
            "2026-11-24 10:12:03 startup archives unpack\n2026-11-24 10:12:03 upgrade nvidia-driver-535:amd64 535.161.08-0ubuntu1 535.183.01-0ubuntu1\n2026-11-25 09:00:00 startup archives install\n2026-11-25 09:00:00 install nvidia-local:amd64 <none> 1.0\n",
        );
    let history = history(&tree, "");
    let events: Vec<_> = history.events.iter().map(told).collect();
    assert_eq!(
        events,
        [
            ("2026-11-25T09:00:00", Installer::Dpkg, None),
            ("2026-11-24T10:12:00", Installer::Apt, Some("apt install nvidia-driver-535"))
        ]
    );
    assert_eq!(history.events[1].by_user, Some(true));
    assert!(!format!("{history:?}").contains("kim"));
}

/// This machine's own logs, where it is a Debian: apt and dpkg themselves wrote them.
#[test]
fn the_logs_of_this_machine_are_read() {
    let Ok(log) = std::fs::read_to_string("/var/log/dpkg.log") else {
        println!("skipped: no /var/log/dpkg.log here");
        return;
    };
    let ask = Ask { compared: Some(Compared::default()) };
    let inventory = probe(&Root::new("/"), &ask, &[]).seen().unwrap().clone();
    let history = inventory.history.seen().unwrap();
    let has_linux = log.lines().any(|line| line.contains(" install linux-headers-"));
    let told = history.events.iter().flat_map(|event| &event.changes);
    assert_eq!(told.into_iter().any(|change| change.package.starts_with("linux-headers-")), has_linux);
}

#[test]
fn hostile_logs_cost_themselves_alone() {
    let tree = conda()
        .file("/var/log/apt/history.log", vec![0xff_u8; 9 << 20])
        .file("/var/log/dpkg.log", "2026-11-24 ".repeat(100_000))
        .file("/var/log/nvidia-installer.log", "creation time: \ninstaller version: \n")
        .folder("/var/log/apt/history.log.1")
        .file("/var/log/apt/history.log.2.gz", "\x1f\u{8b}");
    assert_eq!(history(&tree, "").events.len(), 3);
}

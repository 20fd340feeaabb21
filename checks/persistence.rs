//! How persistence mode comes on at each boot: by the service nvidia-persistenced, where there is one.

use crate::{
    Finding,
    fact::{Facts, Installation, Service},
    installed, judge,
};

/// The service that keeps the driver started.
pub(crate) const SERVICE: &str = "nvidia-persistenced";

/// Whether a service is this one, and persistence mode does not stay on by it: it is told to leave it off, or ends once nothing
/// needs it, and takes the mode with it. Ubuntu's does both.
///
/// Source: nvidia-persistenced(1), canonical/nvidia-graphics-drivers#34.
pub(crate) fn stays_off_by(service: &Service) -> bool {
    let is_told = |command: &String| command.split_whitespace().any(|word| word == "--no-persistence-mode");
    service.name == SERVICE && (service.command.as_ref().is_some_and(is_told) || service.ends_unneeded)
}

/// Adds the commands by which it starts at boot and now, with persistence mode on; where it is missing, how to install it.
/// Nothing where no package is known to bring it.
///
/// Source: file lists of nvidia-compute-utils-580-server (<https://packages.ubuntu.com>) and of nvidia-persistenced
/// (<https://packages.debian.org>).
pub(crate) fn start_at_boot(facts: &Facts, finding: Finding) -> Finding {
    commands(facts).into_iter().flatten().fold(finding, Finding::run)
}

fn commands(facts: &Facts) -> Option<Vec<String>> {
    let installation = facts.installation.seen();
    let service = installation.and_then(|seen| seen.service(SERVICE));
    let before = match (installation, service) {
        (_, Some(service)) if service.masked => Some(format!("sudo systemctl unmask {SERVICE}")),
        // Where nobody looked: it comes with most drivers.
        (None, _) | (_, Some(_)) => None,
        (Some(installation), None) => Some(format!("sudo apt install -y {}", package(facts, installation)?)),
    };
    if judge::is_ubuntu(facts) || service.is_some_and(stays_off_by) {
        return Some(before.into_iter().chain(turn_on_by_drop_in()).collect());
    }
    let enable = format!("sudo systemctl enable --now {SERVICE}");
    Some(vec![before.map_or_else(|| enable.clone(), |before| format!("{before} && {enable}"))])
}

/// Ubuntu's unit has persistence mode off, no section Install, and ends when nothing needs it: a drop-in undoes all three, also
/// where another distribution has that unit.
///
/// Source: nvidia-persistenced.service of Ubuntu's nvidia-compute-utils, canonical/nvidia-graphics-drivers#34
/// (`StopWhenUnneeded`); systemd/systemd#7158 (`enable` reads drop-ins from 236 on).
fn turn_on_by_drop_in() -> [String; 3] {
    let folder = format!("/etc/systemd/system/{SERVICE}.service.d");
    let lines = [
        "[Unit]",
        "StopWhenUnneeded=false",
        "[Service]",
        "ExecStart=",
        "ExecStart=/usr/bin/nvidia-persistenced --user nvidia-persistenced --verbose",
        "[Install]",
        "WantedBy=multi-user.target",
    ];
    let written = format!("printf '{}\\n' | sudo tee {folder}/persistence-mode.conf", lines.join("\\n"));
    [
        format!("sudo mkdir -p {folder}"),
        written,
        format!(
            "sudo systemctl daemon-reload && sudo systemctl enable {SERVICE} && sudo systemctl restart {SERVICE}"
        ),
    ]
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

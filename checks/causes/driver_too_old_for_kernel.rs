//! The driver is too old for the running Linux.
//!
//! # Meaning
//! Linux changes what its modules are built against; a driver from before such a change does not compile for a Linux
//! from after it.
//!
//! # Detection
//! No nvidia module for the running Linux, and the log of its failed build holds errors of the driver's own source.
//!
//! # Fix
//! A newer branch of the driver, where there is one that supports the card; else back to a Linux that it fits, and hold
//! that one.
//!
//! # Source
//! <https://learn.microsoft.com/azure/virtual-machines/extensions/hpccompute-gpu-linux> (known issues),
//! NVIDIA/open-gpu-kernel-modules#429

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    fact::{Facts, Module, PciFunction},
    installed::{Absence, absence, build_evidence, flavour},
    judge,
    knowledge::{Modules, branch},
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["module.built_for_running_kernel", "module.loaded", "module.drives_gpu"],
    severity: Severity::Unusable,
    who: Who::ImageBaker,
    recognize,
};

fn recognize(facts: &Facts, knowledge: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    let (Some(Absence::Source(tree)), Some(platform), Some(module)) =
        (absence(facts), facts.platform.seen(), facts.module.seen())
    else {
        return Vec::new();
    };
    let release = platform.linux_release.as_str();
    let finding = Finding::fail(
        Subject::Host,
        format!("the source of {} {} does not compile for {release}", tree.name, tree.version),
    )
    .with("release", release)
    .with("version", tree.version.clone());
    let finding = build_evidence(tree, release).fold(finding, Finding::because);
    let installed = branch(&tree.version);
    let newest = newest_branch(facts, knowledge);
    // Where the card or the branch is not known, nobody can say that there is no newer one.
    let is_last = newest.zip(installed).is_some_and(|(newest, installed)| newest <= installed);
    let package = || {
        let newer = installed? + 1..=newest?;
        newer.rev().find_map(|branch| knowledge.ubuntu_package(branch, wants_open(facts, knowledge)))
    };
    vec![if is_last {
        go_back(facts, module, finding)
    } else if let Some(package) = package().filter(|_| judge::is_ubuntu(facts)) {
        finding.run(format!("sudo apt update && sudo apt install -y {package} && sudo reboot"))
    } else {
        judge::install_driver(facts, knowledge, finding)
    }]
}

/// The newest branch that supports every card here.
fn newest_branch(facts: &Facts, knowledge: &Knowledge) -> Option<u32> {
    let newest = |gpu: &PciFunction| {
        let row = knowledge.architecture_of_device(gpu.device)?;
        Some(knowledge.newest_driver(row.name)?.branch)
    };
    facts.gpus().filter_map(newest).min()
}

fn wants_open(facts: &Facts, knowledge: &Knowledge) -> bool {
    let mut rows = facts.gpus().filter_map(|gpu| knowledge.architecture_of_device(gpu.device));
    rows.any(|row| row.modules == Modules::Open)
}

/// The driver is the last one for this card: a Linux that it was built for has to stay.
fn go_back(facts: &Facts, module: &Module, finding: Finding) -> Finding {
    let older = module.linux.iter().rev().find(|linux| !linux.running && !linux.nvidia.is_empty());
    let finding = finding
        .variant("last_branch")
        .with("older", older.map_or("an older release".to_owned(), |linux| linux.release.clone()));
    let Some(linux) = older.filter(|_| judge::is_ubuntu(facts)) else { return finding };
    let release = &linux.release;
    let finding = finding.run(format!(
        "echo 'GRUB_DEFAULT=\"Advanced options for Ubuntu>Ubuntu, with Linux {release}\"' | sudo tee /etc/default/grub.d/99-nvidia.cfg && sudo update-grub"
    ));
    match flavour(release) {
        Some(flavour) => finding.run(format!(
            "sudo apt-mark hold linux-{flavour} linux-image-{flavour} linux-headers-{flavour} linux-image-{release} && sudo reboot"
        )),
        None => finding,
    }
}

//! What several checks and causes ask of the installed driver: which it is, whether it supports a card, and why the
//! Linux that runs has no module of it or did not load it.

use crate::{
    Finding, Knowledge, Subject,
    fact::{Dkms, Facts, Module, Package, PciFunction, Place, SecureBoot},
    judge,
    knowledge::{ArchitectureRow, Modules, branch},
};

/// The version of the driver: of the loaded module, else of the one that is installed for the Linux that runs.
pub(crate) fn driver_version(module: &Module) -> Option<&str> {
    let running = module.running_linux();
    let by_file = || running?.nvidia.iter().find_map(|file| file.version.as_deref());
    let by_dkms = || {
        let release = &running?.release;
        let tree = self::trees(&module.dkms).find(|tree| tree.built_for.contains(release))?;
        Some(tree.version.as_str())
    };
    module.version.as_deref().or_else(by_file).or_else(by_dkms)
}

/// Whether the loaded module, else the installed one, is NVIDIA's open one.
pub(crate) fn is_open(facts: &Facts, module: &Module) -> Option<bool> {
    let by_file = || module.running_linux()?.nvidia.iter().find_map(crate::fact::ModuleFile::is_open);
    module.is_open().or_else(by_file).or_else(|| is_open_by_package(facts))
}

/// The same, by the package that brings the module; none where no package tells. That no package is an open one tells
/// nothing: there are others than those that are looked at.
pub(crate) fn is_open_by_package(facts: &Facts) -> Option<bool> {
    let brings = ["nvidia-dkms-", "nvidia-kernel-source-", "linux-modules-nvidia-", "nvidia-open"];
    let is_open = |package: &Package| {
        package.is_installed()
            && package.name.contains("-open")
            && brings.iter().any(|beginning| package.name.starts_with(beginning))
    };
    facts.installation.seen()?.packages().any(is_open).then_some(true)
}

/// Why a driver does not support a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsupported {
    /// It is older than the card; the first branch that knows it.
    OlderThanCard(u32),
    /// It has dropped the card; the last branch that supports it.
    Dropped(u32),
    /// Its module is the open one, and the card has no processor for its firmware.
    NeedsProprietary,
    /// Its module is the proprietary one, which the card is too new for.
    NeedsOpen,
}

/// Whether the driver supports a card; none where that is not known. Whatever the tables say, a driver supports what it
/// lists.
pub(crate) fn support(
    facts: &Facts,
    knowledge: &Knowledge,
    gpu: &PciFunction,
) -> Option<Result<(), Unsupported>> {
    if facts.nvml_device(&gpu.address).is_some() || facts.cuda_device(&gpu.address).is_some() {
        return Some(Ok(()));
    }
    let module = facts.module.seen()?;
    let row = knowledge.architecture_of_device(gpu.device)?;
    if let Some(said) = said_of(facts, row, gpu) {
        return Some(Err(said));
    }
    let branch = driver_version(module).and_then(branch)?;
    Some(supports(row, row.last_branch, branch, is_open(facts, module)))
}

/// Whether a branch of the driver, by its open or its proprietary module, supports the cards of an architecture, of which
/// `last` is the last branch.
pub(crate) fn supports(
    row: &ArchitectureRow,
    last: Option<u32>,
    branch: u32,
    open: Option<bool>,
) -> Result<(), Unsupported> {
    match last {
        Some(last) if branch > last => Err(Unsupported::Dropped(last)),
        _ if branch < row.first_branch => Err(Unsupported::OlderThanCard(row.first_branch)),
        _ if row.modules == Modules::Proprietary && open == Some(true) => Err(Unsupported::NeedsProprietary),
        _ if row.modules == Modules::Open && open == Some(false) => Err(Unsupported::NeedsOpen),
        _ => Ok(()),
    }
}

/// What is to be said of a card that the installed module refuses for being the open or the proprietary one.
pub(crate) fn wrong_kind(
    facts: &Facts,
    knowledge: &Knowledge,
    gpu: &PciFunction,
    (refused, installed, needed): (Unsupported, &str, &str),
) -> Option<Finding> {
    if support(facts, knowledge, gpu) != Some(Err(refused)) {
        return None;
    }
    let row = knowledge.architecture_of_device(gpu.device)?;
    let summary =
        format!("the {installed} module is installed, and {} cards need the {needed} one", row.name);
    let line = facts.module.seen().and_then(|module| module.version_line.clone()).unwrap_or_default();
    let card = format!("The NVIDIA GPU {}", gpu.address);
    let said = facts.log.seen().and_then(|log| log.messages(&card).next()).unwrap_or_default();
    Some(
        Finding::fail(Subject::Gpu(gpu.address.clone()), summary)
            .with("architecture", row.name.to_string())
            .because(line)
            .because(said),
    )
}

/// What the driver itself says of a card that it refuses.
fn said_of(facts: &Facts, row: &ArchitectureRow, gpu: &PciFunction) -> Option<Unsupported> {
    let log = facts.log.seen()?;
    let card = format!("The NVIDIA GPU {}", gpu.address);
    let says = |words: &str| log.messages(&card).any(|message| message.contains(words));
    if says("is not supported by open") {
        Some(Unsupported::NeedsProprietary)
    } else if says("requires use of the NVIDIA open kernel modules") {
        Some(Unsupported::NeedsOpen)
    } else if log.messages("GPU installed in this system is").any(|message| is_dropping(&message)) {
        row.last_branch.map(Unsupported::Dropped)
    } else {
        None
    }
}

/// "The NVIDIA Tesla P100-PCIE-16GB GPU installed in this system is supported through the NVIDIA 580.xx Legacy drivers.
/// ... The 595.71.03 NVIDIA driver will ignore this GPU."
fn is_dropping(message: &str) -> bool {
    message.contains("Legacy drivers") && message.contains("will ignore this GPU")
}

/// Why the Linux that runs has no nvidia module.
pub(crate) enum Absence<'a> {
    /// No driver is installed, for no Linux.
    NotInstalled,
    /// Its build needs the headers of this Linux.
    NoHeaders(&'a Dkms),
    /// Its build failed: the compiler is not the one that this Linux was built with.
    Compiler(&'a Dkms),
    /// Its build failed: its source does not fit this Linux.
    Source(&'a Dkms),
    /// It was not built or installed for this Linux, for whatever reason.
    NotBuilt(Option<&'a Dkms>),
}

/// Why the Linux that runs has no nvidia module; none where it has one, and where that cannot be told.
pub(crate) fn absence(facts: &Facts) -> Option<Absence<'_>> {
    let module = facts.module.seen()?;
    let is_ours = facts.place() != Place::Wsl && !judge::in_container(facts);
    let running = module.running_linux();
    // Where no Linux was seen on the disk at all, its modules lie elsewhere (NixOS), or could not be read.
    if !is_ours
        || module.linux.is_empty()
        || module.has_driver()
        || running.is_some_and(|linux| !linux.nvidia.is_empty())
    {
        return None;
    }
    let release = &facts.platform.seen()?.linux_release;
    let trees = || self::trees(&module.dkms).filter(|tree| !tree.built_for.contains(release));
    let failed = trees().find(|tree| tree.failed_log.is_some() && is_about(tree, release));
    let tree = failed.or_else(|| trees().next_back());
    Some(match (failed, tree) {
        (Some(tree), _) => build_failure(tree),
        (None, Some(tree)) if running.is_some_and(|linux| !linux.headers) => Absence::NoHeaders(tree),
        (None, None) if module.linux.iter().all(|linux| linux.nvidia.is_empty()) => Absence::NotInstalled,
        (None, tree) => Absence::NotBuilt(tree),
    })
}

/// A log that names no Linux is taken to be about the newest build.
fn is_about(tree: &Dkms, release: &str) -> bool {
    tree.failed_for.as_deref().is_none_or(|built_for| built_for == release)
}

fn build_failure(tree: &Dkms) -> Absence<'_> {
    let log = tree.failed_log.as_deref().unwrap_or_default();
    let lines = || tree.failed_lines.iter().map(String::as_str).chain(log.lines());
    let says = |words: &[&str]| lines().any(|line| words.iter().any(|word| line.contains(word)));
    let is_of_source =
        |line: &str| line.contains(": error: ") && (line.contains(".c:") || line.contains(".h:"));
    // gcc 8 wrote `command line`, newer ones write `command-line`.
    if says(&[
        "unrecognized command-line option",
        "unrecognized command line option",
        "gcc: not found",
        "cc: not found",
    ]) {
        Absence::Compiler(tree)
    } else if lines().any(is_of_source) {
        Absence::Source(tree)
    } else {
        Absence::NotBuilt(Some(tree))
    }
}

/// The driver's sources among those that DKMS builds from.
pub(crate) fn trees(dkms: &[Dkms]) -> impl DoubleEndedIterator<Item = &Dkms> {
    // nvidia-fs is for disks, and no driver of the card.
    dkms.iter().filter(|tree| tree.name.starts_with("nvidia") && tree.name != "nvidia-fs")
}

/// Lines of a failed build for this Linux that tell why, as proof.
pub(crate) fn build_evidence(tree: &Dkms, release: &str) -> impl Iterator<Item = String> {
    let lines = if is_about(tree, release) { tree.failed_lines.as_slice() } else { &[] };
    lines.iter().take(4).map(|line| line.trim().to_owned())
}

/// Why the module that is installed for the Linux that runs is not loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotLoaded {
    /// Secure Boot refuses it: nobody that the machine trusts has signed it.
    Refused,
    /// It was installed since the machine booted.
    Fresh,
    /// For a reason that is not known here.
    Otherwise,
}

/// What the kernel says of a module that it does not take.
///
/// Source: kernel/module/signing.c and security/lockdown/lockdown.c of Linux.
pub(crate) const REFUSALS: [&str; 4] = [
    "Loading of unsigned module is rejected",
    "Loading of module with unavailable key is rejected",
    "Loading of module with unsupported crypto is rejected",
    "unsigned module loading is restricted",
];

/// Why the installed module is not loaded; none where it is, where it is not installed, and where that cannot be told.
pub(crate) fn not_loaded(facts: &Facts) -> Option<NotLoaded> {
    let module = facts.module.seen()?;
    let files = &module.running_linux()?.nvidia;
    if module.has_driver() || files.is_empty() || judge::in_container(facts) {
        return None;
    }
    // What came with the distribution's Linux is signed by who signed that.
    let is_distributions = files.iter().any(|file| {
        let signers = ["Canonical", "Debian"];
        file.path.contains("/kernel/nvidia-")
            || file.signer.as_deref().is_some_and(|by| signers.iter().any(|signer| by.contains(signer)))
    });
    let said = facts.log.seen().is_some_and(|log| REFUSALS.iter().any(|words| log.says(words)));
    let is_checked =
        module.secure_boot == SecureBoot::On || module.lockdown.as_deref().is_some_and(|mode| mode != "none");
    let is_unsigned = files.iter().any(|file| file.signed == Some(false));
    Some(if (said || (is_unsigned && is_checked)) && !is_distributions {
        NotLoaded::Refused
    } else if files.iter().any(|file| file.since_boot == Some(true))
        || (module.reboot_required && !was_tried(facts))
    {
        NotLoaded::Fresh
    } else {
        NotLoaded::Otherwise
    })
}

/// Whether the module was there in this boot, and went away again.
fn was_tried(facts: &Facts) -> bool {
    facts.log.seen().is_some_and(|log| log.says("NVRM:"))
}

/// What is behind the last dash of a release of Ubuntu's Linux, and in the names of its packages: `azure`, `generic`.
pub(crate) fn flavour(release: &str) -> Option<&str> {
    let (_, flavour) = release.rsplit_once('-')?;
    (!flavour.is_empty() && flavour.bytes().all(|byte| byte.is_ascii_lowercase())).then_some(flavour)
}

/// The name that Ubuntu's packages give to the installed branch, such as `535-server`; none where no package tells.
pub(crate) fn packaged_branch(facts: &Facts) -> Option<String> {
    let packages = facts.installation.seen()?.packages();
    let mut names = packages
        .filter(|package| package.is_installed() || package.is_half_installed())
        .filter_map(|package| {
            ["nvidia-driver-", "nvidia-headless-", "nvidia-dkms-", "nvidia-utils-", "libnvidia-compute-"]
                .iter()
                .find_map(|beginning| package.name.strip_prefix(beginning))
        });
    names
        .find(|name| name.starts_with(|c: char| c.is_ascii_digit()))
        .map(|name| name.trim_end_matches("-open").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(line: &str) -> Dkms {
        Dkms {
            name: "nvidia".to_owned(),
            version: "535.161.08".to_owned(),
            built_for: Vec::new(),
            failed_log: Some(format!("{line}\nmake: *** [Makefile:82: modules] Error 2")),
            failed_for: None,
            failed_lines: Vec::new(),
        }
    }

    #[test]
    fn a_failed_build_is_told_from_its_log() {
        // compiler-explorer/infra#1722; gcc 8's words; NVIDIA/open-gpu-kernel-modules#429.
        for line in [
            "gcc: error: unrecognized command-line option '-ftrivial-auto-var-init=zero'",
            "gcc: error: unrecognized command line option '-mharden-sls=all'",
            "/bin/sh: 1: cc: not found",
        ] {
            assert!(matches!(build_failure(&failed(line)), Absence::Compiler(_)), "{line}");
        }
        let line = "nvidia/os-mlock.c:49:5: error: implicit declaration of function 'follow_pfn'";
        assert!(matches!(build_failure(&failed(line)), Absence::Source(_)));
        for line in ["cc: error: no input files", "fatal error: Killed signal terminated program cc1", ""] {
            assert!(matches!(build_failure(&failed(line)), Absence::NotBuilt(Some(_))), "{line}");
        }
    }

    #[test]
    fn releases_tell_their_flavour() {
        for (release, told) in [
            ("6.8.0-1032-azure", Some("azure")),
            ("5.15.0-119-generic", Some("generic")),
            ("6.1.0-18-amd64", None),
            ("5.14.0-427.el9.x86_64", None),
            ("6.9", None),
        ] {
            assert_eq!(flavour(release), told, "{release}");
        }
    }
}

//! What the checks of the next boot have in common: for whom they are, and how commands of a distribution are worded.

use crate::{
    Finding, Judged, Subject,
    fact::{Dkms, Facts, Installation, InstalledLinux, ModuleFile, NextBoot, Place},
    installed, judge,
};

/// Judges the next boot, where it is of interest: where a driver is installed and this place boots by itself. Nothing is
/// said where nobody asked.
pub(crate) fn judge(facts: &Facts, judge: impl FnOnce(&NextBoot) -> Finding) -> Judged {
    let host = Subject::Host;
    judge::asked(&facts.next_boot, |boot| {
        if judge::in_container(facts) {
            Finding::not_applicable(host, "a container has the Linux of its host")
        } else if facts.place() == Place::Wsl {
            Finding::not_applicable(host, "WSL: the Linux is Windows'")
        } else if !has_driver(facts, boot) {
            Finding::not_applicable(host, "no driver is installed")
        } else {
            judge(boot)
        }
    })
}

/// The same for what hangs on the Linux that boots next. That it could not be told is said once.
pub(crate) fn judge_linux(facts: &Facts, judge: impl FnOnce(&NextBoot, &str) -> Finding) -> Judged {
    self::judge(facts, |boot| match boot.linux.seen() {
        Some(release) => judge(boot, release),
        None => Finding::not_applicable(Subject::Host, "which Linux boots next could not be told"),
    })
}

/// Traces of an installed driver: a module for any Linux, a source of one, libraries, packages.
fn has_driver(facts: &Facts, boot: &NextBoot) -> bool {
    let is_driver = |name: &str| {
        ["nvidia-driver-", "nvidia-dkms-", "nvidia-kernel-", "linux-modules-nvidia-", "cuda-drivers"]
            .iter()
            .any(|beginning| name.starts_with(beginning))
    };
    let mut packages = facts.installation.seen().into_iter().flat_map(Installation::packages);
    boot.installed.iter().any(|linux| !linux.nvidia.is_empty())
        || trees(boot).next().is_some()
        || !boot.libraries.is_empty()
        || packages.any(|package| package.is_installed() && is_driver(&package.name))
}

/// The driver's sources that DKMS builds.
pub(crate) fn trees(boot: &NextBoot) -> impl Iterator<Item = &Dkms> {
    installed::trees(&boot.dkms)
}

/// The driver's module for a Linux: the file that modprobe takes, of several the one in `updates`.
pub(crate) fn module(linux: &InstalledLinux) -> Option<&ModuleFile> {
    linux.nvidia.first()
}

/// The version of the driver's module for a Linux: as its file tells it, else as DKMS keeps it.
pub(crate) fn module_version<'b>(boot: &'b NextBoot, linux: &'b InstalledLinux) -> Option<&'b str> {
    let file = module(linux)?;
    let by_dkms = || {
        let is_built = file.path.contains("/updates/dkms/") || file.path.contains("/extra/");
        let tree = trees(boot).find(|tree| tree.built_for.contains(&linux.release)).filter(|_| is_built)?;
        Some(tree.version.as_str())
    };
    file.version.as_deref().or_else(by_dkms)
}

/// How the driver's modules come to this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Supply {
    /// DKMS builds them for each Linux.
    Dkms,
    /// The distribution builds them, in packages of this branch: `535-server`.
    Packaged(String),
    /// NVIDIA's installer built them once.
    Installer,
    /// Nobody could tell.
    Unknown,
}

/// How they come: by the module for the next Linux, or where there is none, for any.
pub(crate) fn supply(facts: &Facts, boot: &NextBoot) -> Supply {
    let next = boot.next().and_then(module);
    let path = next.or_else(|| boot.installed.iter().rev().find_map(module)).map(|file| file.path.as_str());
    let by_installer = facts.installation.seen().is_some_and(Installation::is_by_installer);
    match path {
        Some(path) if path.contains("/updates/dkms/") => Supply::Dkms,
        Some(path) => match packaged_as(path) {
            Some(branch) => Supply::Packaged(branch),
            None if trees(boot).next().is_some() => Supply::Dkms,
            None if path.contains("/kernel/drivers/") || by_installer => Supply::Installer,
            None => Supply::Unknown,
        },
        None if trees(boot).next().is_some() => Supply::Dkms,
        None if by_installer => Supply::Installer,
        None => Supply::Unknown,
    }
}

/// What Ubuntu's packages call the branch of a module that came with its Linux: `535-server` for
/// `/lib/modules/RELEASE/kernel/nvidia-535srv/nvidia.ko`.
pub(crate) fn packaged_as(path: &str) -> Option<String> {
    let (_, rest) = path.split_once("/kernel/nvidia-")?;
    let folder = rest.split('/').next()?;
    folder.starts_with(|c: char| c.is_ascii_digit()).then(|| folder.replace("srv", "-server"))
}

/// What follows the version in a release, and in the names of packages that bring each new one: `azure`, `generic`,
/// `cloud-amd64`.
pub(crate) fn flavour(release: &str) -> Option<&str> {
    let (_, mut flavour) = release.split_once('-')?;
    while flavour.starts_with(|c: char| c.is_ascii_digit()) {
        flavour = flavour.split_once('-')?.1;
    }
    flavour.starts_with(|c: char| c.is_ascii_lowercase()).then_some(flavour)
}

/// Packages by which a newer Linux of this kind comes, as far as they are installed and not held.
pub(crate) fn followers(facts: &Facts, flavour: &str) -> Vec<String> {
    let packages = facts.installation.seen().into_iter().flat_map(Installation::packages);
    packages
        .filter(|package| package.is_installed() && !package.is_held() && follows(&package.name, flavour))
        .map(|package| package.name.clone())
        .collect()
}

/// `linux-azure`, `linux-image-azure-lts-22.04`, `linux-generic-hwe-22.04`, `linux-image-amd64`.
fn follows(name: &str, flavour: &str) -> bool {
    let is_other = ["headers", "tools", "modules", "buildinfo"].iter().any(|word| name.contains(word));
    let rest =
        name.strip_prefix("linux-image-").or_else(|| name.strip_prefix("linux-")).filter(|_| !is_other);
    rest.is_some_and(|rest| {
        let of_flavour =
            rest.strip_prefix(flavour).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
        of_flavour || (flavour == "generic" && rest.starts_with("virtual"))
    })
}

/// Whether a package of this name is installed.
pub(crate) fn is_installed(facts: &Facts, name: &str) -> bool {
    let mut packages = facts.installation.seen().into_iter().flat_map(Installation::packages);
    packages.any(|package| package.name == name && package.is_installed())
}

/// Whether a word of the next command line keeps nouveau out.
pub(crate) fn keeps_nouveau_out(boot: &NextBoot) -> bool {
    let lists = ["modprobe.blacklist=", "module_blacklist=", "rd.driver.blacklist="];
    boot.command_line.iter().any(|word| {
        let listed = lists.iter().find_map(|list| word.strip_prefix(list));
        listed.is_some_and(|names| names.split(',').any(|name| name == "nouveau"))
            || word == "nouveau.blacklist=1"
            || word == "nouveau.blacklist=yes"
            || word == "rdblacklist=nouveau"
            // Without modes it takes no card.
            || word == "nouveau.modeset=0"
    })
}

/// The word of the next command line by which Linux loads no nvidia module at all. What modprobe alone is told there keeps
/// nobody from loading it by name.
pub(crate) fn refuses_nvidia(boot: &NextBoot) -> Option<&str> {
    let is_driver = |name: &str| ["nvidia", "nvidia_uvm"].contains(&name);
    let refuses = |word: &&String| {
        word.strip_prefix("module_blacklist=").is_some_and(|names| names.split(',').any(is_driver))
    };
    boot.command_line.iter().find(refuses).map(String::as_str)
}

/// Adds the command that builds or installs the driver's module for a release, by the way in which it came.
pub(crate) fn supply_for(facts: &Facts, boot: &NextBoot, release: &str, finding: Finding) -> Finding {
    match supply(facts, boot) {
        Supply::Dkms => {
            let headers = if judge::is_apt(facts) {
                format!("sudo apt update && sudo apt install -y linux-headers-{release} && ")
            } else {
                String::new()
            };
            finding.run(format!("{headers}sudo dkms autoinstall -k {release}"))
        }
        Supply::Packaged(branch) => finding
            .variant("packaged")
            .run(format!("sudo apt update && sudo apt install -y linux-modules-nvidia-{branch}-{release}")),
        Supply::Installer => finding.variant("installer"),
        Supply::Unknown => finding.variant("other").see(judge::INSTALLATION_GUIDE),
    }
}

/// Adds the command that writes the initramfs of a release anew.
pub(crate) fn rewrite_initramfs(facts: &Facts, release: &str, finding: Finding) -> Finding {
    if judge::is_apt(facts) {
        finding.run(format!("sudo update-initramfs -u -k {release}"))
    } else if judge::is_dnf(facts) {
        finding.run(format!("sudo dracut --force --kver {release}"))
    } else {
        finding
    }
}

/// Adds the command that writes the boot loader's menu anew.
pub(crate) fn rewrite_menu(facts: &Facts, finding: Finding) -> Finding {
    if judge::is_apt(facts) {
        finding.run("sudo update-grub")
    } else if judge::is_dnf(facts) {
        finding.run("sudo grub2-mkconfig -o /boot/grub2/grub.cfg")
    } else {
        finding
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_called_as_ubuntu_and_debian_call_them() {
        let path = "/lib/modules/6.8.0-1021-azure/kernel/nvidia-535srv/nvidia.ko";
        assert_eq!(packaged_as(path).as_deref(), Some("535-server"));
        assert_eq!(packaged_as("/lib/modules/6.8.0/kernel/nvidia-550/bits/x.o").as_deref(), Some("550"));
        assert_eq!(packaged_as("/lib/modules/6.8.0/updates/dkms/nvidia.ko"), None);
        for (name, flavour, does) in [
            ("linux-azure", "azure", true),
            ("linux-image-azure-lts-22.04", "azure", true),
            ("linux-generic-hwe-22.04", "generic", true),
            ("linux-image-virtual", "generic", true),
            ("linux-image-amd64", "amd64", true),
            ("linux-image-cloud-amd64", "cloud-amd64", true),
            ("linux-image-amd64", "cloud-amd64", false),
            ("linux-headers-azure", "azure", false),
            ("linux-azure-6.8-tools-6.8.0-1021", "azure", false),
            ("linux-image-6.8.0-1021-azure", "azure", false),
        ] {
            assert_eq!(follows(name, flavour), does, "{name}");
        }
        for (release, told) in [
            ("6.8.0-1021-azure", Some("azure")),
            ("6.1.0-31-amd64", Some("amd64")),
            ("6.1.0-31-cloud-amd64", Some("cloud-amd64")),
            ("6.12.48+deb13-cloud-amd64", Some("cloud-amd64")),
            ("5.14.0-427.13.1.el9_4.x86_64", None),
            ("6.9", None),
        ] {
            assert_eq!(flavour(release), told);
        }
    }
}

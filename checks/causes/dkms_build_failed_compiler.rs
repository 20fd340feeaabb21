//! The driver could not be built: the compiler is not the one that Linux was built with.
//!
//! # Meaning
//! A module is built with the options that its Linux was built with. An older compiler than Linux' own does not know
//! some of them, and the build ends there.
//!
//! # Detection
//! No nvidia module for the running Linux, and the log of its failed build (`/var/lib/dkms/nvidia/VERSION/build/make.log`)
//! names an option that the compiler does not know, or no compiler at all.
//!
//! # Fix
//! Install the compiler that built this Linux (`/proc/version` names it), make it the default, and build again.
//!
//! # Source
//! compiler-explorer/infra#1722, aws-samples/aws-deep-learning-ami-ubuntu-dcv-desktop#30, NVIDIA/gpu-operator#564

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    fact::Facts,
    installed::{Absence, absence, build_evidence},
    judge,
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["module.built_for_running_kernel", "module.loaded", "module.drives_gpu"],
    severity: Severity::Unusable,
    who: Who::ImageBaker,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    let (Some(Absence::Compiler(tree)), Some(platform)) = (absence(facts), facts.platform.seen()) else {
        return Vec::new();
    };
    let release = platform.linux_release.as_str();
    let wanted = platform.linux_version.as_deref().and_then(compiler_of).map(|major| format!("gcc-{major}"));
    let name = wanted.clone().unwrap_or_else(|| "the compiler that /proc/version names".to_owned());
    let finding = Finding::fail(
        Subject::Host,
        format!("the build of {} {} for {release} failed", tree.name, tree.version),
    )
    .with("release", release)
    .with("compiler", name);
    let finding = build_evidence(tree, release).fold(finding, Finding::because);
    let installation = facts.installation.seen();
    let finding = match installation.and_then(|installation| installation.gcc.as_deref()) {
        Some(gcc) => finding.because(format!("/usr/bin/gcc is {gcc}")),
        None => finding,
    };
    let halves = installation.into_iter().flat_map(crate::fact::Installation::packages);
    let finding = halves.filter(|package| package.is_half_installed()).fold(finding, |finding, package| {
        finding.because(format!("package {} is {}", package.name, package.state))
    });
    vec![match wanted.filter(|_| judge::is_apt(facts)) {
        Some(gcc) => {
            let major = gcc.trim_start_matches("gcc-");
            finding
                .run(format!(
                    "sudo apt install -y {gcc} && sudo update-alternatives --install /usr/bin/gcc gcc /usr/bin/{gcc} {major}"
                ))
                .run(format!("sudo dpkg --configure -a && sudo dkms autoinstall -k {release} && sudo modprobe nvidia"))
        }
        None => finding,
    }]
}

/// The major version of gcc in `/proc/version`: 12 in `(x86_64-linux-gnu-gcc-12 (Ubuntu 12.3.0-1ubuntu1~22.04) 12.3.0,`,
/// 9 in `(gcc version 9.4.0 (Ubuntu ...))`.
fn compiler_of(version: &str) -> Option<u32> {
    let (_, rest) = version.split_once("gcc")?;
    let digits = rest.trim_start_matches(|c: char| !c.is_ascii_digit());
    digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linux_names_its_compiler() {
        for (version, major) in [
            (
                "Linux version 6.5.0-1025-azure (buildd@x) (x86_64-linux-gnu-gcc-12 (Ubuntu 12.3.0-1ubuntu1~22.04) 12.3.0, GNU ld) #26",
                Some(12),
            ),
            ("Linux version 5.4.0-1 (buildd@x) (gcc version 9.4.0 (Ubuntu 9.4.0-1ubuntu1)) #1", Some(9)),
            (
                "Linux version 6.1.0-18-amd64 (debian@x) (gcc-12 (Debian 12.2.0-14) 12.2.0, GNU ld) #1",
                Some(12),
            ),
            ("Linux version 6.9 (clang version 18.1.3)", None),
        ] {
            assert_eq!(compiler_of(version), major, "{version}");
        }
    }
}

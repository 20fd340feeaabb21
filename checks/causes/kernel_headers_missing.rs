//! The headers of the running Linux are not installed, so the driver cannot be built for it.
//!
//! # Meaning
//! DKMS builds the driver anew for every Linux, from that Linux' headers. Without the package that follows each new
//! Linux the trouble returns with the next update.
//!
//! # Detection
//! No nvidia module for the running Linux, a DKMS source that is not built for it, and `/lib/modules/RELEASE/build`
//! missing or leading nowhere.
//!
//! # Fix
//! Install the headers of this release and the package that keeps them current, then build.
//!
//! # Source
//! GoogleCloudPlatform/compute-gpu-installation#25, dell/dkms test suite ("Your kernel headers for kernel ... cannot be
//! found at /lib/modules/.../build")

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    fact::Facts,
    installed::{Absence, absence, flavour},
    judge,
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["module.built_for_running_kernel", "module.loaded", "module.drives_gpu"],
    severity: Severity::Unusable,
    who: Who::Instructor,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    let (Some(Absence::NoHeaders(tree)), Some(platform)) = (absence(facts), facts.platform.seen()) else {
        return Vec::new();
    };
    let release = platform.linux_release.as_str();
    let finding = Finding::fail(
        Subject::Host,
        format!(
            "/lib/modules/{release}/build leads to no headers, and {} {} needs them",
            tree.name, tree.version
        ),
    )
    .with("release", release);
    if !judge::is_apt(facts) {
        return vec![finding.variant("other").see("https://github.com/dell/dkms")];
    }
    let following = flavour(release).filter(|_| judge::is_ubuntu(facts));
    let packages = following.map_or(String::new(), |flavour| format!(" linux-headers-{flavour}"));
    vec![finding.run(format!(
        "sudo apt update && sudo apt install -y linux-headers-{release}{packages} && sudo dkms autoinstall -k {release} && sudo modprobe nvidia"
    ))]
}

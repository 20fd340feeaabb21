//! The driver was updated and its old module is still loaded.
//!
//! # Meaning
//! User space and module of the driver must be of one version. An update (often unattended) replaced the libraries
//! while the old module keeps running.
//!
//! # Detection
//! `nvmlInit_v2` returns 18, "driver/library version mismatch"; the version of the loaded module against the one in the
//! library's file name.
//!
//! # Fix
//! Reboot. In a template keep unattended upgrades away from the driver.
//!
//! # Source
//! NVIDIA/ubuntu-packaging-nvidia-driver#3, lyulyul/shine-cluster#30, pando85/homelab#4110

use crate::{Cause, Finding, Knowledge, Outcome, Severity, Subject, Who, fact::Facts};

/// `NVML_ERROR_LIB_RM_VERSION_MISMATCH`.
const LIB_RM_VERSION_MISMATCH: i64 = 18;

pub(crate) static CAUSE: Cause = Cause {
    explains: &["nvml.initializes", "driver.initializes"],
    severity: Severity::Unusable,
    who: Who::Instructor,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    let Some(nvml) = facts.nvml.seen() else { return Vec::new() };
    if nvml.init.refusal_code() != Some(LIB_RM_VERSION_MISMATCH) {
        return Vec::new();
    }
    let module = facts.module.seen();
    let loaded = module.and_then(|module| module.version.as_deref());
    let library = module
        .into_iter()
        .flat_map(|module| &module.libraries)
        .find(|library| library.soname == "libnvidia-ml.so.1" && library.version.is_some())
        .and_then(|library| library.version.as_deref());
    let finding = match (loaded, library) {
        (Some(loaded), Some(library)) => {
            let seen = format!("the loaded module is {loaded}, the libraries are {library}");
            Finding::fail(Subject::Host, seen).with("loaded", loaded).with("library", library)
        }
        _ => Finding::fail(Subject::Host, "the loaded module and the libraries are of different versions")
            .variant("versions_untold"),
    };
    vec![finding.because(nvml.init.why_not()).run("sudo reboot")]
}

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
//! Reboot. In a template keep unattended upgrades away from the driver. Where the library was there before this boot, or
//! the module file of the running Linux is of the old version, too, a reboot changes nothing: two drivers are installed,
//! or the initramfs holds an old module. Then remove one of them, `sudo update-initramfs -u`, and reboot.
//!
//! # Source
//! NVIDIA/ubuntu-packaging-nvidia-driver#3, lyulyul/shine-cluster#30, pando85/homelab#4110

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    fact::{DriverFile, Facts, Module, ModuleFile},
    judge,
};

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
    let file = module.and_then(library);
    let library = file.and_then(|file| file.version.as_deref());
    let (Some(loaded), Some(library)) = (loaded, library) else {
        let finding =
            Finding::fail(Subject::Host, "the loaded module and the libraries are of different versions");
        return vec![finding.variant("versions_untold").because(nvml.init.why_not()).run("sudo reboot")];
    };
    let seen = format!("the loaded module is {loaded}, the libraries are {library}");
    let finding = Finding::fail(Subject::Host, seen)
        .with("loaded", loaded)
        .with("library", library)
        .because(nvml.init.why_not());
    vec![match module.zip(file).and_then(|(module, file)| survives_reboot(facts, module, file)) {
        Some(why) => judge::rewrite_initramfs(facts, finding.because(why).variant("survives_reboot")),
        None => finding.run("sudo reboot"),
    }]
}

fn library(module: &Module) -> Option<&DriverFile> {
    let mut libraries = module.libraries.iter();
    libraries.find(|library| library.soname == "libnvidia-ml.so.1" && library.version.is_some())
}

/// Why a reboot does not mend it; none where it may.
fn survives_reboot(facts: &Facts, module: &Module, library: &DriverFile) -> Option<String> {
    if judge::in_container(facts) {
        return None;
    }
    let version = library.version.as_deref();
    let files = module.running_linux().map_or(&[][..], |linux| linux.nvidia.as_slice());
    let of_loaded = |file: &&ModuleFile| file.version.is_some() && file.version == module.version;
    let other =
        files.iter().filter(|file| file.version.is_some()).all(|file| file.version.as_deref() != version);
    match files.iter().find(of_loaded) {
        Some(file) if other => Some(format!("{} is of the old version, too", file.path)),
        _ if library.older_than_boot == Some(true) => {
            Some(format!("{} was there before this boot, and the old module was loaded", library.path))
        }
        _ => None,
    }
}

//! The nvidia module is loaded.
//!
//! # Meaning
//! The driver's module is what everything else talks to. Installed and not loaded means: no reboot since it was
//! installed, another driver holds the card, a blacklist, or Secure Boot refused it. It does not stay where none of the
//! cards can be driven by it.
//!
//! # Detection
//! A line `nvidia` in `/proc/modules`. NVML's "driver not loaded" and CUDA's "no device" are only what follows.
//!
//! # Fix
//! Load it and read what the machine says: `sudo modprobe nvidia`, then `sudo dmesg | tail`.
//!
//! # Source
//! <https://docs.kernel.org/filesystems/proc.html>, MicrosoftDocs/azure-docs#120110

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who,
    fact::{Facts, Module, SecureBoot},
    judge,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::Module],
    needs: &[
        "pci.gpu_present",
        "pci.gpu_answers",
        "pci.memory_regions_assigned",
        "module.built_for_running_kernel",
        "module.supports_gpu",
    ],
    severity: Severity::Unusable,
    who: Who::Instructor,
    judge: judge_all,
};

fn judge_all(facts: &Facts, _: &Knowledge) -> Judged {
    judge::module(facts, judge_module)
}

fn judge_module(module: &Module) -> Finding {
    let host = Subject::Host;
    let version = module.version.as_deref().unwrap_or("of unknown version");
    match module.loaded.iter().find(|loaded| loaded.name == "nvidia") {
        Some(loaded) if loaded.state == "Live" => Finding::pass(host, format!("nvidia {version}")),
        Some(loaded) => Finding::fail(host, format!("nvidia is in state {}", loaded.state)),
        None if module.has_driver() => Finding::pass(host, format!("nvidia {version}, by its own word")),
        None => {
            let finding = Finding::fail(host, "nvidia is not in /proc/modules")
                .run("sudo modprobe nvidia")
                .run("sudo dmesg | grep -iE 'nvidia|nvrm' | tail");
            let finding = if module.secure_boot == SecureBoot::On {
                finding.because("Secure Boot is on")
            } else {
                finding
            };
            let settings = module.keeps_nvidia_out().into_iter();
            settings.fold(finding, |finding, setting| {
                finding.because(format!("{}: {}", setting.path, setting.line))
            })
        }
    }
}

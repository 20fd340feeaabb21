//! The device nodes for unified memory are made at the next boot.
//!
//! # Meaning
//! CUDA needs `/dev/nvidia-uvm`, and makes it through the setuid program `nvidia-modprobe` where it is missing. Where that
//! program is not there, a node that somebody made by hand is gone after the next boot, and only root has CUDA.
//!
//! # Detection
//! `nvidia-uvm` is loaded now, no setuid `nvidia-modprobe` is there, and neither a list under `modules-load.d` nor a rule of
//! udev loads it at boot.
//!
//! # Fix
//! Install `nvidia-modprobe`, and have the module loaded at boot.
//!
//! # Source
//! <https://github.com/NVIDIA/nvidia-modprobe>, NVIDIA/nvidia-container-toolkit#48, modules-load.d(5)

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who, boot,
    fact::{Facts, NextBoot},
    judge,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::Module, Source::NextBoot, Source::Installation],
    needs: &["module.loaded", "module.unified_memory"],
    severity: Severity::BreaksLater,
    who: Who::Instructor,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    boot::judge(facts, |boot| judge_boot(facts, boot))
}

fn judge_boot(facts: &Facts, boot: &NextBoot) -> Finding {
    let host = Subject::Host;
    let Some(module) = facts.module.seen().filter(|module| module.is_loaded("nvidia_uvm")) else {
        return Finding::not_applicable(host, "unified memory is not in use now");
    };
    if module.modprobe_setuid {
        return Finding::pass(host, "nvidia-modprobe makes them");
    }
    match boot.unified_memory_loaded_by.first() {
        Some(path) => Finding::pass(host, format!("{path} loads nvidia-uvm")),
        None => {
            let summary = "nvidia-uvm was loaded by hand, and nothing loads it at boot";
            judge::load_unified_memory(facts, Finding::new(host, Verdict::Warn, summary))
        }
    }
}

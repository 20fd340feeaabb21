//! The module for unified memory is ready.
//!
//! # Meaning
//! CUDA needs `nvidia_uvm` and its node `/dev/nvidia-uvm`; `nvidia-smi` does not, so it looks healthy while every
//! CUDA program fails with error 999.
//!
//! # Detection
//! `/dev/nvidia-uvm` is there with the number that `/proc/devices` gives it, and may be opened. A missing one is no
//! fault where a setuid `nvidia-modprobe` makes it on first use, nor where CUDA has started all the same.
//!
//! # Fix
//! `sudo apt install nvidia-modprobe && sudo nvidia-modprobe -u -c=0`, and `nvidia-uvm` in
//! `/etc/modules-load.d` so that it is there after the next boot.
//!
//! # Source
//! ggml-org/llama.cpp#7218, ollama/ollama#8638, tensorflow/tensorflow#394

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who,
    fact::{Access, Facts, Module, Node},
    judge,
};

const NODE: &str = "/dev/nvidia-uvm";

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::Module, Source::Driver],
    needs: &["module.loaded"],
    severity: Severity::Unusable,
    who: Who::Instructor,
    judge: judge_all,
};

fn judge_all(facts: &Facts, _: &Knowledge) -> Judged {
    judge::module(facts, |module| judge_module(facts, module))
}

fn judge_module(facts: &Facts, module: &Module) -> Finding {
    let host = Subject::Host;
    if facts.driver.seen().is_some_and(|driver| driver.init.seen().is_some()) {
        return Finding::pass(host, "CUDA has started");
    }
    match trouble(module) {
        None => Finding::pass(host, format!("{NODE} is ready")),
        Some(_) if module.modprobe_setuid && module.has_driver() && !is_denied(module) => {
            Finding::pass(host, "nvidia-modprobe makes it on first use")
        }
        Some(trouble) => judge::load_unified_memory(facts, Finding::fail(host, trouble)),
    }
}

fn is_denied(module: &Module) -> bool {
    module.nodes.iter().any(|node| node.path == NODE && node.access == Access::Denied)
}

fn trouble(module: &Module) -> Option<String> {
    let Some(node) = module.nodes.iter().find(|node| node.path == NODE) else {
        return Some(if module.is_loaded("nvidia_uvm") {
            format!("{NODE} is missing, though nvidia_uvm is loaded")
        } else {
            format!("nvidia_uvm is not loaded and {NODE} is missing")
        });
    };
    if node.access == Access::Denied {
        return Some(format!("{NODE} may not be opened (mode {:04o})", node.mode));
    }
    match (node.node, module.majors.get("nvidia-uvm")) {
        (Node::Character { major, .. }, Some(expected)) if major != *expected => {
            Some(format!("{NODE} has major number {major}, the module answers to {expected}"))
        }
        (Node::Character { .. }, None) if !module.is_loaded("nvidia_uvm") => {
            Some("nvidia_uvm is not loaded".to_owned())
        }
        _ => None,
    }
}

//! The processor on the card that runs the driver's firmware (GSP) does not start.
//!
//! # Meaning
//! Newer drivers leave most of their work to a processor on the card. Without its firmware file, or with the processor
//! in a bad state, the card is on the bus and does not start.
//!
//! # Detection
//! The kernel log says "Cannot initialize GSP firmware RM", "No firmware image found" or "unexpected WPR2 already up",
//! or Xid 119 or 120 is there, and NVML lists no such card. For the open module: no firmware of its version under
//! `/lib/firmware/nvidia`. What nouveau says of its own firmware does not count.
//!
//! # Fix
//! Reinstall the driver with its firmware where the file is missing; else switch the machine off and on again (stop and
//! start), which a reboot from inside does not do.
//!
//! # Source
//! NVIDIA/open-gpu-kernel-modules#789, #246, #1104, #673, kernel_gsp.c and osinit.c of the same

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    fact::{Facts, KernelLog, PciFunction},
    installed, judge,
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &[
        "module.loaded",
        "module.drives_gpu",
        "nvml.sees_gpu",
        "driver.initializes",
        "driver.sees_gpu",
    ],
    severity: Severity::Unusable,
    who: Who::Platform,
    recognize,
};

/// What the driver says where the processor does not start.
const NOT_STARTED: [&str; 3] =
    ["Cannot initialize GSP firmware RM", "unexpected WPR2 already up", "GSP failed to halt with GFW_BOOT"];
/// What it says where the firmware's file is missing, and what Linux says then.
const NO_FILE: [&str; 2] = ["No firmware image found", "Direct firmware load for nvidia/"];
/// `GSP_RPC_TIMEOUT` and `GSP_ERROR` of NVIDIA's catalogue.
const XIDS: [u32; 2] = [119, 120];

fn recognize(facts: &Facts, _: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    let silent = facts.gpus().filter(|gpu| facts.nvml_device(&gpu.address).is_none());
    silent.filter_map(|gpu| judge_gpu(facts, gpu)).collect()
}

fn judge_gpu(facts: &Facts, gpu: &PciFunction) -> Option<Finding> {
    let said = facts.log.seen().map(|log| said_of(log, gpu)).unwrap_or_default();
    let lacks_file =
        lacks_firmware(facts) || said.iter().any(|line| NO_FILE.iter().any(|words| line.contains(words)));
    if said.is_empty() && !lacks_file {
        return None;
    }
    let version =
        facts.module.seen().and_then(|module| module.version.as_deref()).unwrap_or("of unknown version");
    let subject = Subject::Gpu(gpu.address.clone());
    let finding = Finding::fail(subject, "its processor for the driver's firmware does not start");
    let finding = said.into_iter().take(4).fold(finding, Finding::because).with("version", version);
    Some(if lacks_file {
        let package = installed::packaged_branch(facts).filter(|_| judge::is_ubuntu(facts));
        let finding = finding
            .variant("firmware")
            .by(Who::Instructor)
            .because(format!("no /lib/firmware/nvidia/{version}/gsp_*.bin"));
        match package {
            Some(branch) => finding.run(format!(
                "sudo apt install -y --reinstall nvidia-firmware-{branch}-{version} && sudo reboot"
            )),
            None => finding,
        }
    } else {
        finding
    })
}

/// Lines about this card's processor; those that name no card count for each that does not start.
fn said_of(log: &KernelLog, gpu: &PciFunction) -> Vec<String> {
    // nouveau looks for files in the same folder.
    let of_driver = |line: &&str| !line.starts_with("nouveau");
    let words = NOT_STARTED
        .iter()
        .chain(&NO_FILE)
        .flat_map(|words| log.with(words).filter(of_driver).take(1))
        .map(str::to_owned);
    let xids = XIDS.iter().flat_map(|number| log.xids(*number)).filter(|xid| xid.pci == gpu.address);
    words.chain(xids.map(|xid| format!("Xid {}: {}", xid.number, xid.text))).collect()
}

/// The open module is loaded, which does nothing without firmware, and there is none of its version.
fn lacks_firmware(facts: &Facts) -> bool {
    let (Some(module), Some(installation)) = (facts.module.seen(), facts.installation.seen()) else {
        return false;
    };
    let Some(version) = module.version.as_deref().filter(|_| module.is_open() == Some(true)) else {
        return false;
    };
    let mut firmware = installation.firmware.iter().filter(|firmware| firmware.version == version);
    !judge::in_container(facts)
        && !firmware.any(|firmware| firmware.files.iter().any(|file| file.starts_with("gsp")))
}

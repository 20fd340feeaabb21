//! The GPU's driver answers at once.
//!
//! # Meaning
//! Without persistence mode the driver shuts a card down when the last program leaves it, and starts it anew for the
//! next one: every first call takes seconds.
//!
//! # Detection
//! `nvmlInit` and opening the first device took more than two seconds, while persistence mode was off on every card and
//! no process was on one.
//!
//! # Fix
//! `sudo systemctl enable --now nvidia-persistenced`; in Ubuntu, whose unit has persistence mode off, a drop-in first; where
//! that service is missing, its package.
//!
//! # Source
//! <https://docs.nvidia.com/deploy/driver-persistence/>, NVIDIA/nvidia-docker#723, Azure/aks-gpu#105

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{Facts, NvmlDevice, Observed},
    persistence, readings,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::Pci, Source::Nvml, Source::Installation],
    needs: &["nvml.initializes", "pci.gpu_present"],
    severity: Severity::Degraded,
    who: Who::Instructor,
    judge,
};

/// From here on somebody waits, in milliseconds.
const SLOW_MS: u64 = 2_000;

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    let host = Subject::Host;
    let Some(ms) = facts.nvml.seen().and_then(|nvml| nvml.start_ms) else {
        return vec![Finding::unknown(host, "how long NVML took was not measured")];
    };
    let summary = format!("{ms} ms until the first GPU could be asked");
    let devices: Vec<&NvmlDevice> = facts.nvml_devices().collect();
    let off = |device: &&NvmlDevice| device.persistence == Observed::Seen(false);
    let busy = |device: &&NvmlDevice| device.processes().next().is_some();
    vec![if ms < SLOW_MS {
        Finding::pass(host, summary)
    } else if !devices.is_empty() && devices.iter().all(off) && !devices.iter().any(busy) {
        let off = Finding::new(host, Verdict::Warn, format!("{summary}; persistence mode is off"));
        persistence::start_at_boot(facts, off)
    } else if let Some(finding) =
        devices.iter().find_map(|device| readings::value(&host, &device.persistence).err())
    {
        Finding::unknown(host, format!("{summary}; persistence mode: {}", finding.summary))
    } else {
        Finding::unknown(host, format!("{summary}, for a reason that is not persistence mode"))
    }]
}

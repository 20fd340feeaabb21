//! Nothing slows down the GPU's clocks.
//!
//! # Meaning
//! A card that is too hot, or whose power supply asks for it, lowers its clocks and computes several times slower. The
//! program sees no error.
//!
//! # Detection
//! `nvmlDeviceGetCurrentClocksEventReasons` at the moment of the look: hardware thermal slowdown (0x40), power brake
//! (0x80); software thermal slowdown (0x20) on a card that works; slowdown (0x8) at a temperature that explains it. An
//! idle card (0x1) and one at its power limit (0x4) are as they should be.
//!
//! # Fix
//! Cooling and power are the host's: take another host, or tell whoever runs it.
//!
//! # Source
//! <https://docs.nvidia.com/deploy/nvml-api/group__nvmlClocksEventReasons.html>, NVIDIA/NVSentinel#890

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{Facts, NvmlDevice},
    readings,
    reasons::{ABSURD, GPU_IDLE, HW_POWER_BRAKE, HW_SLOWDOWN, HW_THERMAL_SLOWDOWN, SW_THERMAL_SLOWDOWN},
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Pci, Source::Nvml],
    needs: &["nvml.sees_gpu"],
    severity: Severity::Degraded,
    who: Who::Platform,
    judge,
};

/// A chip that is still there is not this hot, in degrees Celsius.
const MELTED: u32 = 150;

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    readings::each_gpu(facts, judge_device)
}

fn judge_device(subject: Subject, device: &NvmlDevice) -> Finding {
    let reasons = match readings::value(&subject, &device.clock_event_reasons) {
        Ok(reasons) => *reasons,
        Err(finding) => return *finding,
    };
    if reasons >= ABSURD {
        return Finding::unknown(subject, format!("clock event reasons {reasons:#x} are none that NVML has"));
    }
    let sm = device.clocks.sm.seen();
    let sm_max = device.clocks.sm_max.seen();
    let clock = match (sm, sm_max) {
        (Some(now), Some(most)) => format!("{now} of {most} MHz"),
        _ => "clock not told".to_owned(),
    };
    match reason(reasons, device) {
        None => Finding::pass(subject, clock),
        Some(reason) => Finding::new(subject, Verdict::Warn, format!("{reason}; {clock}"))
            .because(format!("clock event reasons {reasons:#x}"))
            .because(temperature(device)),
    }
}

fn reason(reasons: u64, device: &NvmlDevice) -> Option<&'static str> {
    let has = |bit: u64| reasons & bit != 0;
    let works = !has(GPU_IDLE);
    if has(HW_THERMAL_SLOWDOWN) {
        Some("the hardware slows it down for heat")
    } else if has(HW_POWER_BRAKE) {
        Some("the power supply's brake slows it down")
    } else if has(SW_THERMAL_SLOWDOWN) && works {
        Some("the driver slows it down for heat")
    } else if has(HW_SLOWDOWN) && is_hot(device) {
        Some("the hardware slows it down, and it is hot")
    } else {
        None
    }
}

fn is_hot(device: &NvmlDevice) -> bool {
    let now = device.temperature.gpu.seen().filter(|degrees| **degrees < MELTED);
    let slowdown = device.temperature.slowdown.seen().filter(|degrees| **degrees > 0);
    now.zip(slowdown).is_some_and(|(now, slowdown)| now >= slowdown)
}

fn temperature(device: &NvmlDevice) -> String {
    match (device.temperature.gpu.seen(), device.temperature.slowdown.seen()) {
        (Some(now), Some(slowdown)) if *now < MELTED => format!("{now} °C, slows down from {slowdown} °C"),
        (Some(now), _) if *now < MELTED => format!("{now} °C"),
        _ => String::new(),
    }
}

//! How fast a GPU's work was, held against what the card can do, and what is to be seen that slows it.
//!
//! Invariants: a time that is too short and a speed beyond the limit are never a pass; what slows a card is told as it was
//! sampled under load, and as it was at the one look only where nobody sampled.

use crate::{
    Finding, Outcome, Subject, Verdict,
    fact::{Facts, GpuSample, NvmlDevice, PciAddress},
    reasons::{
        ABSURD, APPLICATION_CLOCKS, DISPLAY_CLOCKS, GPU_IDLE, HW_POWER_BRAKE, HW_SLOWDOWN,
        HW_THERMAL_SLOWDOWN, SW_POWER_CAP, SW_THERMAL_SLOWDOWN, SYNC_BOOST,
    },
};

/// Time of the device below which nothing is told, in microseconds: a launch alone takes some of them.
const SHORTEST: u64 = 25;
/// From how much of the limit on the numbers do not fit together, in percent.
const TOO_FAST: u64 = 115;

/// A speed and the limits that it is held against, in millions a second.
pub(crate) struct Speed {
    pub(crate) now: u64,
    /// The limit that it should come near to.
    pub(crate) limit: u64,
    /// The limit that it cannot pass, where that is another one.
    pub(crate) most: u64,
    /// `GB/s`, or `TFLOPS`.
    pub(crate) unit: Unit,
}

/// Of what the millions are.
#[derive(Clone, Copy)]
pub(crate) enum Unit {
    Bytes,
    Operations,
}

/// How much was done in a second, in millions; else why that is not told.
pub(crate) fn per_second(amount: u64, device_us: u64) -> Result<u64, String> {
    if device_us < SHORTEST {
        return Err(format!("{device_us} us are too short to tell"));
    }
    Ok(amount / device_us)
}

impl Speed {
    pub(crate) fn percent(&self) -> u64 {
        percent(self.now, self.limit)
    }

    /// Both numbers: `96 of 320 GB/s, 30 %`.
    pub(crate) fn in_words(&self) -> String {
        let Self { now, limit, unit, .. } = self;
        format!("{} of {}, {} %", unit.number(*now), unit.words(*limit), self.percent())
    }

    /// Against a bar, in percent of the limit.
    pub(crate) fn judge(&self, subject: Subject, bar: u64) -> Finding {
        let text = self.in_words();
        if percent(self.now, self.most) > TOO_FAST {
            Finding::unknown(subject, format!("{text}: the numbers do not fit together"))
        } else if self.percent() < bar {
            Finding::new(subject, Verdict::Warn, text)
        } else {
            Finding::pass(subject, text)
        }
    }
}

fn percent(part: u64, whole: u64) -> u64 {
    part.saturating_mul(100).checked_div(whole).unwrap_or(u64::MAX)
}

impl Unit {
    /// Millions a second with the unit: `320 GB/s`, `8.1 TFLOPS`.
    pub(crate) fn words(self, millions: u64) -> String {
        let unit = match self {
            Self::Bytes => "GB/s",
            Self::Operations => "TFLOPS",
        };
        format!("{} {unit}", self.number(millions))
    }

    /// The number alone.
    pub(crate) fn number(self, millions: u64) -> String {
        let whole = match self {
            Self::Bytes => 1_000,
            Self::Operations => 1_000_000,
        };
        let tenths = millions.saturating_add(whole / 20) / (whole / 10);
        if tenths >= 200 {
            (millions.saturating_add(whole / 2) / whole).to_string()
        } else {
            format!("{}.{}", tenths / 10, tenths % 10)
        }
    }
}

/// What slows it down for heat.
const HEAT: u64 = SW_THERMAL_SLOWDOWN | HW_THERMAL_SLOWDOWN;
/// The reasons, as they are told.
const REASONS: [(u64, &str); 8] = [
    (APPLICATION_CLOCKS, "application clocks"),
    (SW_POWER_CAP, "software power cap"),
    (HW_SLOWDOWN, "hardware slowdown"),
    (SYNC_BOOST, "sync boost"),
    (SW_THERMAL_SLOWDOWN, "software thermal slowdown"),
    (HW_THERMAL_SLOWDOWN, "hardware thermal slowdown"),
    (HW_POWER_BRAKE, "hardware power brake"),
    (DISPLAY_CLOCKS, "display clocks"),
];
/// Activity from which another program on a GPU takes of its speed, in percent.
const AT_WORK: u32 = 20;

/// What is to be seen of a card that can slow its work.
pub(crate) struct Signs<'a> {
    device: &'a NvmlDevice,
    samples: Vec<GpuSample>,
    /// The reasons for its clocks, bits of nvml.h.
    reasons: Option<u64>,
}

impl<'a> Signs<'a> {
    pub(crate) fn of(facts: &Facts, gpu: &PciAddress, device: &'a NvmlDevice) -> Self {
        let samples = facts.gpu_load(gpu).and_then(|of| of.samples.seen()).into_iter().flatten().copied();
        let told = |reasons: &u64| *reasons < ABSURD;
        let at_work = |sample: &GpuSample| sample.reasons.is_none_or(|reasons| reasons & GPU_IDLE == 0);
        let samples: Vec<GpuSample> = samples.filter(at_work).collect();
        let under_load = samples.iter().filter_map(|sample| sample.reasons).filter(told).reduce(|a, b| a | b);
        let at_look = device.clock_event_reasons.seen().copied().filter(|reasons| reasons & GPU_IDLE == 0);
        let reasons = under_load.or_else(|| at_look.filter(told));
        Self { device, samples, reasons }
    }

    /// It slows down for heat, or for the power supply.
    pub(crate) fn is_throttled(&self) -> bool {
        self.reasons.is_some_and(|reasons| reasons & (HEAT | HW_POWER_BRAKE) != 0)
    }

    /// What somebody set can be what slows it: nothing was told of it under load, or that its clocks are held by it.
    pub(crate) fn can_be_by_setting(&self) -> bool {
        self.reasons.is_none_or(|reasons| reasons & (APPLICATION_CLOCKS | SW_POWER_CAP) != 0)
    }

    /// It is at the power limit that it comes with, which is as it should be.
    pub(crate) fn is_at_power_limit(&self) -> bool {
        let capped = self.reasons.is_some_and(|reasons| reasons & SW_POWER_CAP != 0);
        let for_slot = self.device.power.default_limit.seen().is_some_and(|limit| *limit <= SLOT_MW);
        (capped || for_slot) && self.lowered_power().is_none() && !self.is_throttled()
    }

    /// Whether another program is at work on it, as far as was told before.
    pub(crate) fn another_program(&self) -> Option<String> {
        let busy = self.device.utilization.seen().is_none_or(|(activity, _)| *activity >= AT_WORK);
        let process = self.device.processes().next().filter(|_| busy)?;
        Some(format!("process {} ({}) is on it", process.pid, process.name.as_deref().unwrap_or("unknown")))
    }

    fn lowered_power(&self) -> Option<String> {
        let (now, default) =
            self.device.power.enforced_limit.seen().zip(self.device.power.default_limit.seen())?;
        (*now < default - default / 20)
            .then(|| format!("its power limit is set to {} of {} W", now / 1000, default / 1000))
    }

    /// Its clock where it stays below half of the greatest, and NVML gives no reason.
    fn unexplained_clock(&self) -> Option<String> {
        let most = *self.device.clocks.sm_max.seen()?;
        let now = self.samples.iter().filter_map(|sample| sample.sm_mhz).max()?;
        let explained = self.reasons.is_none_or(|reasons| reasons != 0);
        (now < most / 2 && !explained)
            .then(|| format!("its clock stays at {now} of {most} MHz, and NVML gives no reason"))
    }

    fn reasons_in_words(&self) -> Option<String> {
        let reasons = self.reasons.filter(|reasons| reasons & !GPU_IDLE != 0)?;
        let names = REASONS.iter().filter(|(bit, _)| reasons & bit != 0).map(|(_, name)| *name);
        let names: Vec<&str> = names.collect();
        Some(format!("clock event reasons {reasons:#x}: {}", names.join(", ")))
    }

    fn temperature(&self) -> Option<String> {
        let sampled = self.samples.iter().filter_map(|sample| sample.temperature).max();
        let now = sampled.or_else(|| self.device.temperature.gpu.seen().copied())?;
        let slowdown = self.device.temperature.slowdown.seen()?;
        // Some degrees below it NVIDIA's own control begins.
        (now.saturating_add(10) >= *slowdown && *slowdown > 0 && now < 150)
            .then(|| format!("{now} °C, slows down from {slowdown} °C"))
    }

    /// The lines that tell why it is slow; one that says so where nothing does.
    pub(crate) fn explain(&self, finding: Finding) -> Finding {
        let signs = [
            self.reasons_in_words(),
            self.temperature(),
            self.lowered_power(),
            self.unexplained_clock(),
            self.another_program(),
        ];
        let lines: Vec<String> = signs.into_iter().flatten().collect();
        if lines.is_empty() {
            return finding.because("NVML shows no reason for it");
        }
        lines.into_iter().fold(finding, Finding::because)
    }

    /// The lanes, and the generation under load, of a link that is less than card and slot can do.
    pub(crate) fn narrow_link(&self) -> Option<String> {
        let link = &self.device.link;
        let width = self.samples.iter().filter_map(|sample| sample.link_width).max();
        let width = width.or_else(|| link.width.seen().copied())?;
        let width_max = *link.width_max.seen()?;
        // An idle card rests at a low generation.
        let generation = self.samples.iter().filter_map(|sample| sample.link_generation).max();
        let generation = generation.zip(link.generation_max.seen().copied());
        let slow = generation.filter(|(now, most)| now < most);
        let slow = slow.map(|(now, most)| format!(", generation {now} of {most}")).unwrap_or_default();
        (width < width_max || !slow.is_empty())
            .then(|| format!("its link has {width} of {width_max} lanes{slow}"))
    }
}

/// Power that a slot alone gives, in milliwatts (PCI-SIG's card electromechanical specification): a card made for it
/// computes at its limit.
const SLOT_MW: u32 = 75_000;

/// The checks of speed that low clocks fail.
pub(crate) const SLOW: [&str; 2] = ["performance.memory_at_speed", "performance.computes_at_speed"];

/// What these checks say is slow about a GPU.
pub(crate) fn troubled<'a>(outcomes: &'a [Outcome], ids: &[&str], subject: &Subject) -> Vec<&'a Outcome> {
    let is_slow = |outcome: &&Outcome| {
        ids.contains(&outcome.id.as_str())
            && outcome.subject == *subject
            && matches!(outcome.verdict, Verdict::Fail | Verdict::Warn)
    };
    outcomes.iter().filter(is_slow).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speed(now: u64, limit: u64) -> Speed {
        Speed { now, limit, most: limit, unit: Unit::Bytes }
    }

    #[test]
    fn both_numbers_are_told() {
        assert_eq!(speed(96_000, 320_064).in_words(), "96 of 320 GB/s, 29 %");
        assert_eq!(speed(5_140, 15_760).in_words(), "5.1 of 15.8 GB/s, 32 %");
        assert_eq!(Unit::Operations.words(8_140_800), "8.1 TFLOPS");
    }

    #[test]
    fn what_cannot_be_is_no_pass() {
        let verdict = |now| speed(now, 1_000).judge(Subject::Host, 60).verdict;
        assert_eq!(verdict(600), Verdict::Pass);
        assert_eq!(verdict(590), Verdict::Warn);
        assert_eq!(verdict(1_150), Verdict::Pass);
        assert_eq!(verdict(1_160), Verdict::Unknown);
        assert_eq!(speed(1, 0).judge(Subject::Host, 60).verdict, Verdict::Unknown);
        assert_eq!(speed(u64::MAX, 1).judge(Subject::Host, 60).verdict, Verdict::Unknown);
        assert!(per_second(u64::MAX, 24).is_err() && per_second(1_000, 0).is_err());
        assert_eq!(per_second(16_000_000, 100), Ok(160_000));
    }
}

//! What one GPU did while it was watched.

use super::WORKS;
use crate::{
    Subject,
    fact::{Facts, GpuLoad, GpuSample, NvmlDevice},
    reasons::{ABSURD, GPU_IDLE, HW_POWER_BRAKE, HW_SLOWDOWN, HW_THERMAL_SLOWDOWN, SW_THERMAL_SLOWDOWN},
};

/// What slows a card down against its will, the plainest reason first. The limit on power (0x4) is none: a card at full
/// load runs into it by design.
const SLOWDOWNS: [(u64, &str); 4] = [
    (HW_THERMAL_SLOWDOWN, "the hardware slows it down for heat"),
    (HW_POWER_BRAKE, "the power supply's brake slows it down"),
    (SW_THERMAL_SLOWDOWN, "the driver slows it down for heat"),
    (HW_SLOWDOWN, "the hardware slows it down, for heat or power"),
];
/// A GPU that works for less of a sample, in percent, has let its clocks sink, with and without a reason.
const CLOCKED: u32 = 20;
/// At full load, in percent of the time, clocks are as high as they may be.
const LOADED: u32 = 90;
/// Clocks below this part of the greatest, in percent, that no reason accounts for, were locked: what a card loses to its
/// voltage is a tenth or two.
const LOCKED: u32 = 60;
/// Samples that make a habit.
const FEWEST: usize = 2;
/// A chip that is still there is not this hot, in degrees Celsius.
const MELTED: u32 = 150;

/// A GPU of which there are samples.
pub(crate) struct GpuWork<'a> {
    pub(crate) load: &'a GpuLoad,
    pub(crate) device: Option<&'a NvmlDevice>,
    samples: &'a [GpuSample],
}

/// How a GPU that works is clocked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Clocked {
    /// As fast as it may.
    Full(String),
    /// It is slowed down: why, and how fast it runs.
    Throttled(String),
    /// It runs slowly at full load, and no reason is told.
    Locked(String),
    /// It does not work long enough for its clocks to tell.
    Idle,
    /// The card or its driver does not tell.
    Untold,
}

fn mean(values: impl Iterator<Item = u64>) -> Option<u64> {
    let (count, sum) =
        values.fold((0_u64, 0_u64), |(count, sum), value| (count + 1, sum.saturating_add(value)));
    sum.checked_div(count)
}

fn mean_u32(values: impl Iterator<Item = u32>) -> Option<u32> {
    mean(values.map(u64::from)).and_then(|mean| u32::try_from(mean).ok())
}

fn percent(value: Option<u32>) -> Option<u32> {
    value.filter(|percent| *percent <= 100)
}

fn reasons(sample: &GpuSample) -> Option<u64> {
    sample.reasons.filter(|reasons| *reasons < ABSURD)
}

impl<'a> GpuWork<'a> {
    /// What it did; none where nobody saw.
    pub(crate) fn new(facts: &'a Facts, load: &'a GpuLoad) -> Option<Self> {
        let samples = load.samples.seen().filter(|samples| !samples.is_empty())?;
        Some(Self { load, device: facts.nvml_device(&load.pci), samples })
    }

    pub(crate) fn subject(&self) -> Subject {
        Subject::Gpu(self.load.pci.clone())
    }

    /// Time in which it worked, in percent. Where NVML does not tell, a card that says it is idle is.
    pub(crate) fn activity(&self) -> Option<u32> {
        let told = mean_u32(self.samples.iter().filter_map(|sample| percent(sample.activity)));
        let is_idle = || {
            let idle = |sample: &GpuSample| reasons(sample).is_some_and(|reasons| reasons & GPU_IDLE != 0);
            self.samples.iter().all(idle)
        };
        told.or_else(|| is_idle().then_some(0))
    }

    /// Time in which its memory was read or written, in percent.
    pub(crate) fn memory_activity(&self) -> Option<u32> {
        mean_u32(self.samples.iter().filter_map(|sample| percent(sample.memory_activity)))
    }

    /// Power, in milliwatts.
    pub(crate) fn power(&self) -> Option<u32> {
        mean_u32(self.samples.iter().filter_map(|sample| sample.power_mw))
    }

    /// The limit on it, in milliwatts.
    pub(crate) fn power_limit(&self) -> Option<u32> {
        self.device?.power.enforced_limit.seen().copied().filter(|limit| *limit > 0)
    }

    /// What it received over PCI Express, in KB/s.
    pub(crate) fn received(&self) -> Option<u32> {
        mean_u32(self.samples.iter().filter_map(|sample| sample.received_kbs))
    }

    /// What it sent, in the same way.
    pub(crate) fn sent(&self) -> Option<u32> {
        mean_u32(self.samples.iter().filter_map(|sample| sample.sent_kbs))
    }

    /// Whether it worked in every sample, a little at least.
    pub(crate) fn is_steady(&self) -> bool {
        let works = |activity: u32| activity >= WORKS;
        self.samples.iter().filter_map(|sample| percent(sample.activity)).all(works)
    }

    /// What it did, in words: activity, memory, clock, power.
    pub(crate) fn in_words(&self) -> String {
        let activity = self.activity().map(|percent| format!("at work {percent} % of the time"));
        let memory = self.memory_activity().map(|percent| format!("its memory {percent} %"));
        let power = self.power_in_words();
        let parts: Vec<String> = [activity, memory, power].into_iter().flatten().collect();
        parts.join(", ")
    }

    fn power_in_words(&self) -> Option<String> {
        let power = self.power()? / 1000;
        Some(match self.power_limit() {
            Some(limit) => format!("{power} of {} W", limit / 1000),
            None => format!("{power} W"),
        })
    }

    /// What went over PCI Express, in words; none where that is not told.
    pub(crate) fn traffic(&self) -> Option<String> {
        let (received, sent) = (self.received()?, self.sent()?);
        Some(format!("PCI Express: {} MB/s to the GPU, {} MB/s from it", received / 1000, sent / 1000))
    }

    /// How it is clocked while it works.
    pub(crate) fn clocked(&self) -> Clocked {
        let works = |sample: &&GpuSample| match percent(sample.activity) {
            Some(activity) => activity >= CLOCKED,
            None => reasons(sample).is_some_and(|reasons| reasons & GPU_IDLE == 0),
        };
        let working: Vec<&GpuSample> = self.samples.iter().filter(works).collect();
        if working.len() < FEWEST {
            let told =
                self.samples.iter().any(|sample| sample.activity.is_some() || sample.reasons.is_some());
            return if told { Clocked::Idle } else { Clocked::Untold };
        }
        let told: Vec<u64> = working.iter().filter_map(|sample| reasons(sample)).collect();
        let clock = mean_u32(working.iter().filter_map(|sample| sample.sm_mhz));
        let most =
            self.device.and_then(|device| device.clocks.sm_max.seen().copied()).filter(|most| *most > 0);
        let seen = self.clock_in_words(clock, most, &working);
        let often = |bit: u64| told.iter().filter(|reasons| *reasons & bit != 0).count();
        for (bit, why) in SLOWDOWNS {
            let count = often(bit);
            if count * 2 > told.len() && count >= FEWEST {
                return Clocked::Throttled(format!("{why}, in {count} of {} samples; {seen}", told.len()));
            }
        }
        if told.is_empty() {
            return Clocked::Untold;
        }
        let is_low = clock
            .zip(most)
            .is_some_and(|(clock, most)| u64::from(clock) * 100 < u64::from(most) * u64::from(LOCKED));
        let loaded = self.activity().is_some_and(|activity| activity >= LOADED);
        let no_reason = told.iter().all(|reasons| *reasons == 0);
        if is_low && loaded && no_reason { Clocked::Locked(seen) } else { Clocked::Full(seen) }
    }

    fn clock_in_words(&self, clock: Option<u32>, most: Option<u32>, working: &[&GpuSample]) -> String {
        let clock = match (clock, most) {
            (Some(now), Some(most)) => format!("{now} of {most} MHz"),
            (Some(now), None) => format!("{now} MHz"),
            (None, _) => "clock not told".to_owned(),
        };
        let degrees = working.iter().filter_map(|sample| sample.temperature);
        let degrees =
            degrees.filter(|degrees| *degrees < MELTED).max().map(|degrees| format!("{degrees} °C"));
        let parts: Vec<String> = std::iter::once(clock).chain(degrees).chain(self.power_in_words()).collect();
        parts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::{Observed, PciAddress};

    fn load(samples: Vec<GpuSample>) -> GpuLoad {
        let pci = PciAddress::new("0001:00:00.0");
        let processes = Observed::not_probed("");
        GpuLoad { pci, samples: Observed::Seen(samples), processes, xids: None }
    }

    fn clocked(samples: Vec<GpuSample>) -> Clocked {
        let facts = Facts::unprobed("", "", "");
        let load = load(samples);
        GpuWork::new(&facts, &load).unwrap().clocked()
    }

    fn sample(activity: Option<u32>, reasons: Option<u64>) -> GpuSample {
        GpuSample { activity, reasons, ..GpuSample::default() }
    }

    #[test]
    fn a_reason_counts_in_most_samples_of_a_card_that_works() {
        let hot = sample(Some(99), Some(HW_THERMAL_SLOWDOWN));
        let cool = sample(Some(99), Some(0x4));
        let idle = sample(Some(0), Some(HW_THERMAL_SLOWDOWN | GPU_IDLE));
        assert!(matches!(clocked(vec![hot, hot, cool]), Clocked::Throttled(_)));
        assert!(matches!(clocked(vec![hot, cool, cool]), Clocked::Full(_)));
        assert!(matches!(clocked(vec![hot, cool]), Clocked::Full(_)), "half is not most");
        assert_eq!(clocked(vec![idle, idle, idle, hot]), Clocked::Idle, "once is no habit");
        assert_eq!(clocked(vec![idle; 4]), Clocked::Idle);
    }

    #[test]
    fn a_card_that_tells_no_activity_works_where_it_is_not_idle() {
        let hot = sample(None, Some(SW_THERMAL_SLOWDOWN));
        assert!(matches!(clocked(vec![hot; 3]), Clocked::Throttled(_)));
        assert_eq!(clocked(vec![sample(None, None); 3]), Clocked::Untold);
        assert_eq!(clocked(vec![sample(Some(99), None); 3]), Clocked::Untold);
        assert_eq!(
            clocked(vec![sample(Some(99), Some(u64::MAX)); 3]),
            Clocked::Untold,
            "not a set of reasons"
        );
    }

    #[test]
    fn what_no_card_can_tell_is_not_counted() {
        let facts = Facts::unprobed("", "", "");
        let load = load(vec![sample(Some(u32::MAX), None), sample(Some(40), None), sample(None, None)]);
        assert_eq!(GpuWork::new(&facts, &load).unwrap().activity(), Some(40));
        let idle = self::load(vec![sample(None, Some(GPU_IDLE)); 2]);
        assert_eq!(GpuWork::new(&facts, &idle).unwrap().activity(), Some(0));
        let untold = self::load(vec![sample(None, Some(GPU_IDLE)), sample(None, Some(0))]);
        assert_eq!(GpuWork::new(&facts, &untold).unwrap().activity(), None);
    }
}

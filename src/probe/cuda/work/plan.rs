//! What each GPU shall do, decided from what was seen before: nothing that disturbs other people's programs.

use gpucheck_checks::fact::{CudaDevice, Facts, Level, NvmlDevice, Observed, Pattern, PciAddress, Platform};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Most memory that is taken of a GPU, but for whoever asks for all, in bytes.
const USUAL: u64 = 256 << 20;
/// What is taken where somebody else computes, or nobody tells, in bytes.
pub(super) const LITTLE: u64 = 16 << 20;
/// What is taken where the work shall be small, in bytes.
const SMALL: u64 = 1 << 20;
/// Free memory below which little is taken, in bytes.
pub(super) const SCARCE: u64 = 64 << 20;
/// Activity of a GPU from which another program is taken to be at work, in percent.
const BUSY: u32 = 20;
/// Rows and columns of products: usually, of deep work, of small work.
const SIZES: [u32; 3] = [256, 1024, 64];
/// What is added to a seed for the next one: the golden ratio in 32 bits.
const NEXT_SEED: u32 = 0x9e37_79b9;
/// Seeds of deep work.
const SEEDS: u32 = 4;
/// Time for the usual work of one GPU.
const USUAL_TIME: Duration = Duration::from_secs(30);
/// Time for whatever is not the memory of deep work, of one GPU.
const DEEP_TIME: Duration = Duration::from_mins(1);
/// How fast memory is read and written at least, in bytes a second: that of a GPU that has much.
const SLOWEST: u64 = 30_000_000_000;

/// What shall be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// How much is asked for.
    pub level: Level,
    /// The devices.
    pub devices: Vec<DevicePlan>,
    /// Rows and columns of the products, a multiple of [`gpucheck_checks::kernels::TILE`].
    pub product_size: u32,
    /// What is written to memory, and the seed of each.
    pub passes: Vec<(Pattern, u32)>,
    /// How long all is done again and again, in seconds; none where it is done once.
    pub soak_s: Option<u64>,
}

/// What shall be done with one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DevicePlan {
    /// CUDA's ordinal.
    pub ordinal: i32,
    /// Where it sits.
    pub pci: Option<PciAddress>,
    /// Bytes that may be taken; none is all that is free.
    pub most: Option<u64>,
    /// Why no time is taken of it.
    pub untimed: Option<String>,
    /// Why copies from and to the host are left out.
    pub without_host: Option<String>,
    /// Why less is done than is usual.
    pub stepped_back: Option<String>,
}

/// What was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// All free memory.
    pub deep: bool,
    /// All of it again and again, for so many seconds.
    pub soak_s: Option<u64>,
    /// As little as proves that everything is done: for simulated GPUs.
    pub small: bool,
}

impl Wish {
    /// How much that is.
    pub fn level(self) -> Level {
        match (self.soak_s, self.deep) {
            (Some(_), _) => Level::Soak,
            (None, true) => Level::Deep,
            (None, false) => Level::Usual,
        }
    }
}

/// The work of all GPUs that computed right at the first look. The seed decides what is random.
pub fn plan(facts: &Facts, wish: Wish, seed: u32) -> Plan {
    let level = wish.level();
    let computed = facts.compute.seen().into_iter().flat_map(|compute| &compute.devices);
    let right: Vec<i32> = computed
        .filter(|device| device.vector_add.seen().is_some_and(|sum| sum.elements > 0 && sum.wrong == 0))
        .filter(|device| device.vector_add.failure().is_none())
        .map(|device| device.ordinal)
        .collect();
    let devices = facts.cuda_devices().filter(|device| right.contains(&device.ordinal));
    let mut devices: Vec<_> = devices.map(|device| device_plan(facts, wish, device)).collect();
    if level == Level::Soak && devices.len() > 1 {
        for device in &mut devices {
            device.without_host = Some("several GPUs work at once".to_owned());
        }
    }
    let [usual, deep, small] = SIZES;
    let product_size = match level {
        Level::Usual if !wish.small => usual,
        Level::Deep | Level::Soak if !wish.small => deep,
        Level::Usual | Level::Deep | Level::Soak => small,
    };
    Plan { level, devices, product_size, passes: passes(level, seed), soak_s: wish.soak_s }
}

fn passes(level: Level, seed: u32) -> Vec<(Pattern, u32)> {
    let (seeds, shifts) = match level {
        Level::Usual => (1, 1),
        Level::Deep | Level::Soak => (SEEDS, 32),
    };
    let random = (0..seeds).map(|i| (Pattern::Random, seed.wrapping_add(i.wrapping_mul(NEXT_SEED))));
    // Which shift one alone has is left to the seed.
    let walking = (0..shifts).map(|i| seed.wrapping_add(i) % 32);
    let walking = walking.flat_map(|shift| [(Pattern::WalkingBit, shift), (Pattern::WalkingGap, shift)]);
    [(Pattern::Address, 0), (Pattern::Inverse, 0)].into_iter().chain(random).chain(walking).collect()
}

fn device_plan(facts: &Facts, wish: Wish, device: &CudaDevice) -> DevicePlan {
    let pci = device.pci.seen().cloned();
    let hiding = facts.platform.seen().and_then(|platform| match platform {
        Platform { container: Some(_), .. } => Some("this container"),
        // What runs in Windows is on the same GPU.
        Platform { wsl: true, .. } => Some("WSL"),
        Platform { .. } => None,
    });
    let nvml = pci.as_ref().and_then(|pci| facts.nvml_device(pci));
    let beside = nvml.map_or_else(
        || Some("NVML did not tell whether another program computes on it".to_owned()),
        |device| beside(device, hiding),
    );
    let (most, stepped_back) = usual(nvml.and_then(free), beside);
    let (most, untimed) = match wish {
        Wish { small: true, .. } => (Some(SMALL), Some("small work".to_owned())),
        _ if wish.level() == Level::Usual => (Some(most), stepped_back.clone()),
        _ => (None, stepped_back.clone()),
    };
    DevicePlan { ordinal: device.ordinal, pci, most, untimed, without_host: None, stepped_back }
}

/// What is usually taken of what is free, in bytes, and why it is less.
fn usual(free: Option<u64>, beside: Option<String>) -> (u64, Option<String>) {
    match (free, beside) {
        (Some(free), None) => (USUAL.min(free / 2), None),
        (None, None) => (LITTLE, Some("NVML did not tell how much of its memory is free".to_owned())),
        (free, Some(why)) => (free.map_or(LITTLE, |free| LITTLE.min(free / 2)), Some(why)),
    }
}

/// What is free, where NVML can tell it of this device: of a card that MIG divides it tells what is free of all.
fn free(device: &NvmlDevice) -> Option<u64> {
    let told = device.memory.seen().filter(|memory| memory.is_plausible()).map(|memory| memory.free);
    if device.has_mig() { Some(told.unwrap_or(u64::MAX)) } else { told }
}

/// Why another program may be at work on it; none where NVML says that none is. Some surroundings hide the programs that
/// are outside of them.
fn beside(device: &NvmlDevice, hiding: Option<&str>) -> Option<String> {
    let untold = || Some("NVML did not tell whether another program computes on it".to_owned());
    if !matches!(device.compute_processes, Observed::Seen(_)) {
        return untold();
    }
    let others = device.processes().count();
    match (device.utilization.seen(), hiding) {
        (Some((activity, _)), _) if *activity < BUSY => None,
        (Some((activity, _)), _) if others > 0 => {
            Some(format!("another program is at work on it, which is {activity} % busy"))
        }
        (Some((activity, _)), Some(hiding)) => {
            Some(format!("it is {activity} % busy, and {hiding} does not show with what"))
        }
        (None, _) if others > 0 => untold(),
        // With error correction an idle GPU seems busy while a driver that was just loaded clears its memory.
        (Some(_) | None, _) => None,
    }
}

impl Plan {
    /// Time until all of it must be done. The bytes are the memory of the devices.
    pub fn deadline(&self, bytes: u64) -> Duration {
        let devices = u32::try_from(self.devices.len()).unwrap_or(u32::MAX);
        let usual = USUAL_TIME + USUAL_TIME / 2 * devices.saturating_sub(1);
        let traffic = bytes.saturating_mul(2 * self.passes.len() as u64);
        let deep = DEEP_TIME * devices + Duration::from_secs(traffic / SLOWEST);
        match self.level {
            Level::Usual => usual,
            Level::Deep => deep,
            Level::Soak => deep + Duration::from_secs(self.soak_s.unwrap_or_default()),
        }
    }

    /// The same for these devices alone.
    #[must_use]
    pub fn only(&self, wanted: impl Fn(&DevicePlan) -> bool) -> Self {
        let devices = self.devices.iter().filter(|device| wanted(device)).cloned().collect();
        Self { devices, ..self.clone() }
    }

    /// A plan for each device.
    pub(super) fn one_by_one(&self) -> Vec<Self> {
        let alone = |device: &DevicePlan| Self { devices: vec![device.clone()], ..self.clone() };
        self.devices.iter().map(alone).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const MACHINE: &str = include_str!("../../../../tests/machines/t4-535/machine.json");
    const DEVICE: &str = "/nvml/seen/devices/seen/0/seen";

    /// The facts of a T4 that is fine, and what differs.
    fn facts(set: &[(String, Value)]) -> Facts {
        let machine: Value = serde_json::from_str(MACHINE).unwrap();
        let mut facts = machine["facts"].clone();
        for (pointer, value) in set {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            facts.pointer_mut(parent).unwrap()[name] = value.clone();
        }
        serde_json::from_value(facts).unwrap()
    }

    fn nvml(pairs: &[(&str, Value)]) -> Facts {
        facts(
            &pairs
                .iter()
                .map(|(name, value)| (format!("{DEVICE}/{name}"), value.clone()))
                .collect::<Vec<_>>(),
        )
    }

    fn memory(free: u64) -> (&'static str, Value) {
        let total = 16_u64 << 30;
        ("memory", json!({"seen": {"total": total, "free": free, "used": total - free}}))
    }

    fn busy(activity: u32, others: usize) -> [(&'static str, Value); 2] {
        let process = json!({"pid": 4242, "memory": null, "name": null});
        [
            ("utilization", json!({"seen": [activity, 0]})),
            ("compute_processes", json!({"seen": vec![process; others]})),
        ]
    }

    fn one(facts: &Facts, wish: Wish) -> DevicePlan {
        let plan = plan(facts, wish, 7);
        let [device] = plan.devices.as_slice() else { panic!("{plan:?}") };
        device.clone()
    }

    #[test]
    fn half_of_what_is_free_is_taken_and_no_more_than_is_needed() {
        let usual = Wish::default();
        for (free, most) in [(15 << 30, 256 << 20), (100 << 20, 50 << 20)] {
            let device = one(&nvml(&[memory(free)]), usual);
            assert_eq!((device.most, device.untimed, device.stepped_back), (Some(most), None, None));
        }
        let deep = Wish { deep: true, ..usual };
        assert_eq!(one(&nvml(&[]), deep).most, None);
    }

    #[test]
    fn beside_a_program_at_work_little_is_taken_and_nothing_timed() {
        let usual = Wish::default();
        let device = one(&nvml(&busy(97, 1)), usual);
        assert_eq!(device.most, Some(LITTLE));
        assert_eq!(
            device.stepped_back.as_deref(),
            Some("another program is at work on it, which is 97 % busy")
        );
        assert_eq!(device.untimed, device.stepped_back);
        for (activity, others) in [(3, 2), (97, 0)] {
            assert_eq!(one(&nvml(&busy(activity, others)), usual).stepped_back, None, "{activity} {others}");
        }
        let deep = one(&nvml(&busy(97, 1)), Wish { deep: true, ..usual });
        assert!(deep.untimed.is_some() && deep.most.is_none());
    }

    #[test]
    fn what_keeps_a_gpu_busy_unseen_is_stepped_back_from() {
        let busy = busy(97, 0).map(|(name, value)| (format!("{DEVICE}/{name}"), value));
        let in_wsl = facts(&[busy.as_slice(), &[("/platform/seen/wsl".to_owned(), json!(true))]].concat());
        let device = one(&in_wsl, Wish::default());
        assert_eq!(device.untimed.as_deref(), Some("it is 97 % busy, and WSL does not show with what"));
    }

    #[test]
    fn what_nvml_does_not_tell_is_no_leave_to_take_it() {
        let refused = json!({"failed": {"refused": {"step": "x", "code": 3, "name": "x", "message": ""}}});
        for name in ["memory", "compute_processes"] {
            let device = one(&nvml(&[(name, refused.clone())]), Wish::default());
            assert_eq!(device.most, Some(LITTLE), "{name}");
            assert!(device.untimed.unwrap().contains("NVML did not tell"), "{name}");
        }
        let nobody = facts(&[("/nvml".to_owned(), json!({"not_probed": {"why": "x"}}))]);
        assert_eq!(one(&nobody, Wish::default()).most, Some(LITTLE));
    }

    #[test]
    fn only_what_computed_right_is_put_to_work() {
        let sum = "/compute/seen/devices/0/vector_add";
        let wrong = json!({"seen": {"elements": 100, "wrong": 1, "first_wrong": 3}});
        assert_eq!(plan(&facts(&[(sum.to_owned(), wrong)]), Wish::default(), 7).devices, []);
    }

    #[test]
    fn deep_work_has_every_shift_and_several_seeds() {
        let passes = passes(Level::Deep, u32::MAX);
        for pattern in [Pattern::WalkingBit, Pattern::WalkingGap] {
            let mut shifts: Vec<_> =
                passes.iter().filter(|(of, _)| *of == pattern).map(|(_, shift)| *shift).collect();
            shifts.sort_unstable();
            assert_eq!(shifts, (0..32).collect::<Vec<_>>());
        }
        let seeds = passes.iter().filter(|(of, _)| *of == Pattern::Random).count();
        assert_eq!((seeds, passes.len()), (4, 70));
        assert_eq!(super::passes(Level::Usual, 7).len(), 5);
    }

    #[test]
    fn the_deadline_grows_with_memory_and_time() {
        let deep = plan(&nvml(&[]), Wish { deep: true, ..Wish::default() }, 7);
        assert!(deep.deadline(16 << 30) < Duration::from_mins(3));
        assert!(deep.deadline(141 << 30) < Duration::from_mins(15));
        let soak = plan(&nvml(&[]), Wish { soak_s: Some(3600), ..Wish::default() }, 7);
        assert!(soak.deadline(16 << 30) > Duration::from_hours(1));
        assert_eq!(plan(&nvml(&[]), Wish::default(), 7).deadline(16 << 30), Duration::from_secs(30));
    }
}

//! How long a GPU takes: not as long as it takes to be simulated.
//!
//! Invariants: a GPU's clock goes on with its work and with nothing else; the same work takes the same time.

use super::{state::State, visible::Visible};
use crate::{
    machine::{Machine, told},
    ptx::Work,
    scenario::{Gpu, Instance, Reading},
};

/// What a GPU does in a second.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Speed {
    /// Bytes of its memory, read or written.
    memory: f64,
    /// Bytes from the host.
    upload: f64,
    /// Bytes to the host.
    download: f64,
    /// Operations.
    operations: f64,
}

/// Something that a GPU does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Task {
    /// So many bytes come from the host.
    Upload(usize),
    /// So many bytes go to the host.
    Download(usize),
    /// So many bytes are copied from one place of its memory to another.
    Copy(usize),
    /// So many bytes are filled.
    Fill(usize),
    /// A kernel that moves so many bytes between its memory and its cache, and does so many operations.
    Kernel { bytes: u64, operations: u64 },
}

const GIGA: f64 = 1e9;
/// What is reached of what the hardware could: of memory, link and arithmetic units.
const REACHED: [f64; 3] = [0.85, 0.8, 0.9];
/// Where the link is not told, in GB/s.
const USUAL_LINK: f64 = 12.0;
/// What a lane of each generation carries, in GB/s, encoding deducted.
const LANE: [f64; 6] = [0.25, 0.5, 0.985, 1.969, 3.938, 7.563];
/// Where bus width or memory clock are not told, in GB/s.
const USUAL_MEMORY: f64 = 200.0;
/// Where the clock is not told, in MHz.
const USUAL_CLOCK: f64 = 1000.0;
/// Where cores are not told, in each multiprocessor.
const USUAL_CORES: u32 = 64;
/// `CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE`, and what it is where it is not told: a T4's.
const CACHE: i32 = 38;
const USUAL_CACHE: u64 = 4 << 20;
/// What a kernel takes that does nothing, in seconds.
const LAUNCH: f64 = 2e-6;

fn number(reading: Option<&Reading<u32>>) -> Option<f64> {
    told(reading).ok().filter(|number| *number > 0).map(f64::from)
}

/// GB/s of the link: its generation rises with work, its width does not.
fn link(gpu: &Gpu) -> f64 {
    let nvml = &gpu.nvml;
    let generation = told(nvml.link_generation_max.as_ref()).ok();
    let lane = generation.and_then(|number| LANE.get((number as usize).checked_sub(1)?));
    let widths = [&nvml.link_width, &nvml.link_width_max].map(|width| number(width.as_ref()));
    let width = widths.into_iter().flatten().reduce(f64::min);
    lane.zip(width).map_or(USUAL_LINK, |(lane, width)| REACHED[1] * lane * width)
}

/// GB/s of the memory: two transfers a clock.
fn memory(gpu: &Gpu) -> f64 {
    let (width, clock) =
        (number(gpu.nvml.memory_bus_width.as_ref()), number(gpu.nvml.max_clocks.memory.as_ref()));
    width.zip(clock).map_or(USUAL_MEMORY, |(bits, mhz)| REACHED[0] * bits / 8.0 * mhz * 2.0 / 1000.0)
}

/// Thousand millions of operations: each core multiplies and adds with every clock.
fn arithmetic(gpu: &Gpu) -> f64 {
    let cores = number(gpu.nvml.cores.as_ref());
    let cores = cores.unwrap_or_else(|| f64::from(gpu.multiprocessors.saturating_mul(USUAL_CORES)));
    let mhz = number(gpu.nvml.max_clocks.sm.as_ref()).unwrap_or(USUAL_CLOCK);
    REACHED[2] * cores * mhz * 2.0 / 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "a share")]
fn share(instance: Option<&Instance>, gpu: &Gpu) -> (f64, f64) {
    let of = |part: u64, whole: u64| (part as f64 / whole.max(1) as f64).min(1.0);
    instance.map_or((1.0, 1.0), |instance| {
        let multiprocessors = of(instance.multiprocessors.into(), gpu.multiprocessors.into());
        (of(instance.memory.total, gpu.memory.total), multiprocessors)
    })
}

impl Speed {
    /// What the scenario says, and what follows from its readings. An instance has its share.
    fn of(gpu: &Gpu, instance: Option<&Instance>) -> Self {
        let given = &gpu.speed;
        let (of_memory, of_arithmetic) = share(instance, gpu);
        Self {
            memory: GIGA * of_memory * given.memory_gbs.unwrap_or_else(|| memory(gpu)),
            upload: GIGA * given.upload_gbs.unwrap_or_else(|| link(gpu)),
            download: GIGA * given.download_gbs.unwrap_or_else(|| link(gpu)),
            operations: GIGA * of_arithmetic * given.gflops.unwrap_or_else(|| arithmetic(gpu)),
        }
    }

    /// Seconds that a task takes.
    #[expect(clippy::cast_precision_loss, reason = "a time in which a byte does not matter")]
    fn seconds(self, task: Task) -> f64 {
        match task {
            Task::Upload(bytes) => bytes as f64 / self.upload,
            Task::Download(bytes) => bytes as f64 / self.download,
            Task::Copy(bytes) => 2.0 * bytes as f64 / self.memory,
            Task::Fill(bytes) => bytes as f64 / self.memory,
            Task::Kernel { bytes, operations } => {
                LAUNCH + (bytes as f64 / self.memory).max(operations as f64 / self.operations)
            }
        }
    }
}

impl State {
    /// A device has run a kernel.
    pub(super) fn ran(&mut self, machine: &'static Machine, device: Visible, work: &Work) {
        let told = machine.gpu(device.gpu).and_then(|gpu| gpu.attributes.get(&CACHE));
        let cache = told.and_then(|bytes| u64::try_from(*bytes).ok()).unwrap_or(USUAL_CACHE);
        let bytes = work.pieces.iter().map(|piece| piece.traffic(cache)).sum();
        self.done(machine, device, Task::Kernel { bytes, operations: work.operations });
    }

    /// A device has done this.
    pub(super) fn done(&mut self, machine: &'static Machine, device: Visible, task: Task) {
        let Ok((gpu, instance)) = super::state::behind(machine, device) else { return };
        self.advance(device.gpu, Speed::of(gpu, instance).seconds(task));
    }

    /// The clock of a GPU goes on.
    pub(super) fn advance(&mut self, gpu: usize, seconds: f64) {
        *self.clocks.entry(gpu).or_default() += seconds;
    }

    /// What a GPU's clock says, in seconds.
    pub(super) fn clock(&self, gpu: usize) -> f64 {
        self.clocks.get(&gpu).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn gpu(more: &Value) -> Gpu {
        let mut gpu = json!({"pci": "0001:00:00.0", "pci_device_id": 0x1eb8_10de, "name": "Tesla T4", "uuid": "GPU-0",
            "compute_capability": [7, 5], "memory": {"total": 1 << 30}, "multiprocessors": 40});
        for (key, value) in more.as_object().unwrap() {
            gpu[key] = value.clone();
        }
        serde_json::from_value(gpu).unwrap()
    }

    fn near(seen: f64, expected: f64) {
        assert!((seen / expected - 1.0).abs() < 0.001, "{seen} is not {expected}");
    }

    /// NVIDIA's data sheet of the T4: 320 GB/s, 8.1 TFLOPS, x16 of generation 3.
    fn t4() -> Value {
        json!({"memory_bus_width": 256, "max_clocks": {"memory": 5001, "sm": 1590}, "cores": 2560,
               "link_generation": 1, "link_generation_max": 3, "link_width": 16, "link_width_max": 16})
    }

    #[test]
    fn a_card_reaches_most_of_what_its_data_sheet_says() {
        let speed = Speed::of(&gpu(&json!({"nvml": t4()})), None);
        near(speed.memory, 0.85 * 320.06e9);
        near(speed.operations, 0.9 * 8.14e12);
        near(speed.upload, 0.8 * 15.76e9);
        near(speed.download, speed.upload);
    }

    #[test]
    fn fewer_lanes_carry_less_and_what_is_given_counts() {
        let mut readings = t4();
        readings["link_width"] = json!(4);
        let slow = gpu(&json!({"nvml": readings, "speed": {"memory_gbs": 40, "gflops": 100.5}}));
        let speed = Speed::of(&slow, None);
        assert_eq!((speed.memory, speed.operations), (40e9, 100.5e9));
        near(speed.upload, 0.8 * 3.94e9);
    }

    #[test]
    fn an_instance_has_its_share_and_what_nothing_is_told_of_has_something() {
        let instance: Instance = serde_json::from_value(
            json!({"name": "1g", "uuid": "MIG-0", "memory": {"total": 1 << 27}, "multiprocessors": 10}),
        )
        .unwrap();
        let silent = gpu(&json!({}));
        let (whole, part) = (Speed::of(&silent, None), Speed::of(&silent, Some(&instance)));
        near(part.memory, whole.memory / 8.0);
        near(part.operations, whole.operations / 4.0);
        assert!(whole.memory > 0.0 && whole.operations > 0.0 && whole.upload > 0.0);
    }

    #[test]
    fn a_kernel_takes_the_longer_of_its_memory_and_its_arithmetic() {
        let speed = Speed { memory: 1e9, upload: 2e9, download: 4e9, operations: 1e9 };
        let kernel = |bytes, operations| speed.seconds(Task::Kernel { bytes, operations });
        near(kernel(3_000_000_000, 1_000_000_000), 3.0);
        near(kernel(0, 5_000_000_000), 5.0);
        near(kernel(0, 0), 2e-6);
        near(speed.seconds(Task::Copy(1 << 30)), 2.0 * 1.073_741_824);
        near(speed.seconds(Task::Fill(1 << 30)), 1.073_741_824);
        near(speed.seconds(Task::Upload(1 << 30)), 0.536_870_912);
        near(speed.seconds(Task::Download(1 << 30)), 0.268_435_456);
    }
}

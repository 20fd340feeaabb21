//! What the GPUs did when they were put to work: whether it was right, and how fast it was.
//!
//! Times of the device are between two of CUDA's events around the work, in microseconds.

use super::{Observed, PciAddress};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much work was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// A few hundred megabytes and less than a second, beside other people's programs.
    #[default]
    Usual,
    /// All free memory, and every pattern.
    Deep,
    /// The same again and again, for as long as was asked.
    Soak,
}

/// What the GPUs did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Work {
    /// How much was asked for.
    pub level: Level,
    /// Each device that was put to work, in CUDA's order.
    pub devices: Vec<WorkDevice>,
    /// How long the work went on on all of them, in seconds, where a time was asked for.
    #[serde(default)]
    pub soaked_s: Option<u64>,
}

/// What one device did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WorkDevice {
    /// CUDA's ordinal.
    pub ordinal: i32,
    /// Where it sits.
    pub pci: Option<PciAddress>,
    /// Free memory before anything was taken, in bytes: `cuMemGetInfo_v2` in the context.
    pub free: Observed<u64>,
    /// What CUDA says that it is made of.
    pub made_of: Observed<MadeOf>,
    /// Why less was done than is usual; none where nothing was left out.
    pub stepped_back: Option<String>,
    /// A product of matrices of 32-bit integers.
    pub integer_product: Observed<Product>,
    /// A product of matrices of floats, whose every partial sum is exact.
    pub float_product: Observed<Product>,
    /// Memory written and read again.
    pub memory: Observed<MemoryTest>,
    /// A copy within the device's memory.
    pub copy: Observed<Transfer>,
    /// A copy from page-locked memory of the host.
    pub upload: Observed<Transfer>,
    /// A copy to page-locked memory of the host.
    pub download: Observed<Transfer>,
    /// Fused multiply-adds of floats.
    pub arithmetic: Observed<Arithmetic>,
    /// How often all this was done.
    pub rounds: u32,
    /// How long each step took on the wall, in the order in which they came.
    pub steps: Vec<WorkStep>,
}

/// A device's attributes; of a MIG instance, those of the instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MadeOf {
    /// Multiprocessors.
    pub multiprocessors: u32,
    /// Their greatest clock, in kHz.
    pub clock_khz: u32,
    /// The memory's greatest clock, in kHz.
    pub memory_clock_khz: u32,
    /// Width of the memory bus, in bits.
    pub memory_bus_width: u32,
}

/// A product of two square matrices, compared element by element with the exact one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Product {
    /// Rows and columns of each.
    pub size: u32,
    /// Elements that are wrong.
    pub wrong: u64,
    /// Row and column of the first of them.
    pub first_wrong: Option<(u32, u32)>,
    /// Time of the device, in microseconds.
    pub device_us: u64,
}

/// What stands in memory while it is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pattern {
    /// Each word its own index.
    Address,
    /// The complement of that.
    Inverse,
    /// Words that a seed decides.
    Random,
    /// One bit of 32, which walks from word to word.
    WalkingBit,
    /// All bits but one.
    WalkingGap,
}

/// Memory written and read again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemoryTest {
    /// How much was tested, in bytes.
    pub bytes: u64,
    /// Each writing and reading of all of it.
    pub passes: Vec<Pass>,
    /// 32-bit words that were wrong, in all passes.
    pub wrong: u64,
    /// The first few of them.
    pub faults: Vec<MemoryFault>,
}

/// One writing and reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pass {
    /// What was written.
    pub pattern: Pattern,
    /// What decides it further.
    pub seed: u32,
    /// Time of the device for writing, in microseconds.
    pub write_us: u64,
    /// The same for reading and comparing.
    pub check_us: u64,
}

/// A word that was not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemoryFault {
    /// Its address in the process's view of the device's memory.
    pub address: u64,
    /// What stood there before.
    pub pattern: Pattern,
    /// What was written.
    pub written: u32,
    /// What was read.
    pub read: u32,
}

/// A copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Transfer {
    /// Bytes that were copied, in all copies that were timed.
    pub bytes: u64,
    /// Time of the device for them, in microseconds.
    pub device_us: u64,
    /// Bytes that came out wrong.
    pub wrong: u64,
}

/// Fused multiply-adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Arithmetic {
    /// Operations: two for each fused multiply-add.
    pub operations: u64,
    /// Time of the device for them, in microseconds.
    pub device_us: u64,
    /// Threads whose result is wrong.
    pub wrong: u64,
}

/// A step of the work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorkStep {
    /// Its name.
    pub name: String,
    /// Time on the wall, in microseconds.
    pub wall_us: u64,
}

//! Why the clocks of a GPU are what they are: bits of `nvmlDeviceGetCurrentClocksEventReasons`.
//!
//! Source: nvml.h, `nvmlClocksEventReason*`.

pub(crate) const GPU_IDLE: u64 = 0x1;
pub(crate) const APPLICATION_CLOCKS: u64 = 0x2;
pub(crate) const SW_POWER_CAP: u64 = 0x4;
pub(crate) const HW_SLOWDOWN: u64 = 0x8;
pub(crate) const SYNC_BOOST: u64 = 0x10;
pub(crate) const SW_THERMAL_SLOWDOWN: u64 = 0x20;
pub(crate) const HW_THERMAL_SLOWDOWN: u64 = 0x40;
pub(crate) const HW_POWER_BRAKE: u64 = 0x80;
pub(crate) const DISPLAY_CLOCKS: u64 = 0x100;
/// Above every reason that nvml.h has or will soon have: not a set of reasons.
pub(crate) const ABSURD: u64 = 1 << 32;

//! How fast GPUs can be, and from how much less on that is a finding.

use super::{Knowledge, Sourced, rows, twice, unsourced};
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    bar: Vec<Sourced<BarRow>>,
    multiprocessor: Vec<Sourced<Multiprocessor>>,
    lane: Vec<Sourced<Lane>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BarRow {
    of: Bar,
    percent: u64,
}

/// What is held against a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bar {
    /// Copies within a GPU's memory.
    Memory,
    /// The same where error correction lies in that memory and takes of its speed.
    MemoryThatCorrects,
    /// Copies from and to the host.
    Copies,
    /// The same where the host of a virtual machine decides which link is seen.
    CopiesInVirtualMachine,
    /// Fused multiply-adds.
    Arithmetic,
    /// The same on a card that is at its own power limit.
    ArithmeticAtPowerLimit,
}

impl Bar {
    const ALL: [Self; 6] = [
        Self::Memory,
        Self::MemoryThatCorrects,
        Self::Copies,
        Self::CopiesInVirtualMachine,
        Self::Arithmetic,
        Self::ArithmeticAtPowerLimit,
    ];
}

/// What a multiprocessor has.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Multiprocessor {
    capabilities: Vec<(i32, i32)>,
    cores: u32,
    most: Option<u64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lane {
    generation: u32,
    mbs: u64,
}

impl Knowledge {
    /// The least that a healthy GPU reaches, in percent of its limit.
    pub fn bar(&self, of: Bar) -> u64 {
        rows(&self.speeds.bar).find(|row| row.of == of).map_or(0, |row| row.percent)
    }

    /// Cores for 32-bit floats of a multiprocessor of this compute capability.
    pub fn cores_per_multiprocessor(&self, capability: (i32, i32)) -> Option<u32> {
        self.multiprocessor(capability).map(|row| row.cores)
    }

    /// How much of what its cores could do a GPU of this compute capability does at the most, in percent.
    pub fn most_of_cores(&self, capability: (i32, i32)) -> u64 {
        self.multiprocessor(capability).and_then(|row| row.most).unwrap_or(100)
    }

    /// What a lane of PCI Express carries, in MB/s.
    pub fn lane_mbs(&self, generation: u32) -> Option<u64> {
        rows(&self.speeds.lane).find(|row| row.generation == generation).map(|row| row.mbs)
    }

    fn multiprocessor(&self, capability: (i32, i32)) -> Option<&Multiprocessor> {
        rows(&self.speeds.multiprocessor).find(|row| row.capabilities.contains(&capability))
    }
}

impl Table {
    pub(super) fn contradiction(&self) -> Option<String> {
        let capabilities = || rows(&self.multiprocessor).flat_map(|row| row.capabilities.iter().copied());
        unsourced(&self.bar)
            .or_else(|| unsourced(&self.multiprocessor))
            .or_else(|| unsourced(&self.lane))
            .or_else(|| {
                let bar =
                    Bar::ALL.iter().find(|bar| rows(&self.bar).filter(|row| row.of == **bar).count() != 1)?;
                Some(format!("{bar:?}: one bar is needed"))
            })
            .or_else(|| {
                let row = rows(&self.bar).find(|row| row.percent == 0 || row.percent > 100)?;
                Some(format!("{:?}: {} percent is no bar", row.of, row.percent))
            })
            .or_else(|| {
                let (major, minor) = twice(capabilities())?;
                Some(format!("compute capability {major}.{minor} stands twice"))
            })
            .or_else(|| {
                let generation = twice(rows(&self.lane).map(|row| row.generation))?;
                Some(format!("generation {generation} stands twice"))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Products of NVIDIA's data sheets: cores of a T4, a K80's GPU, an A100, an H100 SXM and an L4 by their
    /// multiprocessors.
    #[test]
    fn cores_are_those_of_the_data_sheets() {
        let knowledge = Knowledge::built_in().unwrap();
        for (capability, multiprocessors, cores) in [
            ((7, 5), 40, 2560),
            ((3, 7), 13, 2496),
            ((8, 0), 108, 6912),
            ((9, 0), 132, 16_896),
            ((8, 9), 58, 7424),
        ] {
            let each = knowledge.cores_per_multiprocessor(capability).unwrap();
            assert_eq!(each * multiprocessors, cores, "{capability:?}");
        }
        assert_eq!(knowledge.cores_per_multiprocessor((99, 0)), None);
    }
}

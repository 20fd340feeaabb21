//! The Xids of a GPU: what the kernel log of this boot holds, and what NVML told while it was sampled.

use crate::{
    Knowledge, Xid, XidClass,
    fact::{Facts, PciAddress},
};
use std::collections::BTreeMap;

/// Xids of NVIDIA's catalogue that tell of errors of memory: 48 double bit, 63 and 64 retirement and remapping, 92 many
/// single bit, 94 and 95 contained and not, 140 unrecovered, 171 and 172 more about 48.
const OF_MEMORY: [u32; 9] = [48, 63, 64, 92, 94, 95, 140, 171, 172];
/// `ROBUST_CHANNEL_GPU_HAS_FALLEN_OFF_THE_BUS`: nothing but a reset brings that card back.
pub(crate) const FALLEN_OFF: u32 = 79;
/// `NVML_ERROR_GPU_IS_LOST`.
pub(crate) const GPU_IS_LOST: i64 = 15;

/// An Xid of a GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) number: u32,
    /// How often it came.
    pub(crate) count: u32,
    /// What the driver said when it came last; empty where only NVML told.
    pub(crate) text: String,
}

/// All of a GPU's, each number once; none where the log could not be asked and NVML told none in the little while.
pub(crate) fn of(facts: &Facts, gpu: &PciAddress) -> Option<Vec<Told>> {
    let logged = facts.log.seen().map(|log| log.xids.iter().filter(|xid| xid.pci == *gpu));
    let sampled = facts.gpu_load(gpu).and_then(|of| of.xids.as_ref());
    if logged.is_none() && sampled.is_none_or(Vec::is_empty) {
        return None;
    }
    let mut told: BTreeMap<u32, Told> = BTreeMap::new();
    for xid in logged.into_iter().flatten() {
        let one = Told { number: xid.number, count: xid.count, text: xid.text.clone() };
        told.insert(xid.number, one);
    }
    // What NVML tells the log has as well, where it can be read.
    for number in sampled.into_iter().flatten() {
        told.entry(*number).or_insert(Told { number: *number, count: 1, text: String::new() });
    }
    Some(told.into_values().collect())
}

/// How a card was lost while it was watched, after NVML had listed it; none where it was not.
pub(crate) fn lost_since(facts: &Facts, gpu: &PciAddress) -> Option<String> {
    let of = facts.gpu_load(gpu)?;
    let refused = of.samples.failure().filter(|by| by.refusal_code() == Some(GPU_IS_LOST));
    let fell_off = || of.xids.as_ref()?.contains(&FALLEN_OFF).then(|| format!("Xid {FALLEN_OFF}"));
    refused.map(ToString::to_string).or_else(fell_off)
}

/// Whether the card is there after all of them.
pub(crate) fn is_back(facts: &Facts, gpu: &PciAddress) -> bool {
    facts.nvml_device(gpu).is_some() && lost_since(facts, gpu).is_none()
}

/// Whether an Xid tells of trouble of the card, or of a virtual card with its host, that is still there. One that the
/// catalogue says is to be ignored does not.
pub(crate) fn is_of_card(known: &Xid, is_back: bool) -> bool {
    match known.class {
        XidClass::Hardware => known.action.as_deref() != Some("IGNORE") && !is_mended(known, is_back),
        XidClass::Vgpu => !is_mended(known, is_back),
        XidClass::Program | XidClass::Information | XidClass::Other => false,
    }
}

/// Whether the card is back after an Xid that takes it away: it was reset, or its host took it.
pub(crate) fn is_mended(known: &Xid, is_back: bool) -> bool {
    is_back && (known.number == FALLEN_OFF || known.class == XidClass::Vgpu)
}

/// Whether all that a GPU's Xids say of the card is about its memory; false where there are none.
pub(crate) fn are_of_memory(facts: &Facts, gpu: &PciAddress, knowledge: &Knowledge) -> bool {
    let is_back = is_back(facts, gpu);
    let told = of(facts, gpu).unwrap_or_default();
    let known = told.iter().filter_map(|told| knowledge.xid(told.number));
    let of_card: Vec<u32> =
        known.filter(|known| is_of_card(known, is_back)).map(|known| known.number).collect();
    !of_card.is_empty() && of_card.iter().all(|number| OF_MEMORY.contains(number))
}

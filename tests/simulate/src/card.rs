//! A model of a GPU: what a healthy one of it says on the bus, to NVML and to CUDA. One file each under
//! tests/machines/cards.

use crate::{
    error::{Error, Place},
    file,
};
use gpucheck_sim::scenario;
use serde::Deserialize;
use std::{fs, path::Path};
use toml::Spanned;

/// Where the models lie in a folder of machines.
const FOLDER: &str = "cards";

/// A model.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// The card in a sentence.
    #[expect(dead_code, reason = "read by people")]
    about: String,
    /// Where its readings come from.
    #[expect(dead_code, reason = "read by people")]
    source: String,
    /// Its name, as NVML and CUDA tell it.
    pub name: String,
    /// Compute capability.
    pub compute_capability: (i32, i32),
    /// Multiprocessors.
    pub multiprocessors: u32,
    /// A GPU System Processor runs the driver's firmware, whose version is then the driver's.
    #[serde(default)]
    pub gsp: bool,
    /// On the bus.
    pub bus: Bus,
    /// Memory, in bytes.
    pub memory: scenario::Memory,
    /// NVML's readings.
    pub nvml: scenario::Nvml,
    /// Multi-instance GPU.
    pub mig: Option<scenario::Mig>,
}

/// What a card says on the bus.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bus {
    /// Device.
    pub device: u16,
    /// Device of the subsystem, whose vendor is NVIDIA's where no other is given.
    pub subsystem: u16,
    /// Vendor of the subsystem.
    #[serde(default = "nvidia")]
    pub subsystem_vendor: u16,
    /// Class: 0x030200 without connectors, 0x030000 with them.
    #[serde(default = "controller")]
    pub class: u32,
    /// Device of its sound function.
    pub audio: Option<u16>,
}

/// NVIDIA's vendor id.
pub(crate) fn nvidia() -> u16 {
    0x10de
}

fn controller() -> u32 {
    0x03_0200
}

/// The names of all models in a folder of machines, sorted.
pub fn names(machines: &Path) -> Vec<String> {
    let files = fs::read_dir(machines.join(FOLDER)).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        files.filter_map(|file| Some(file.file_name().to_str()?.strip_suffix(".toml")?.to_owned())).collect();
    names.sort();
    names
}

/// The model of this name.
pub fn load(machines: &Path, place: &Place<'_>, name: &Spanned<String>) -> Result<Card, Error> {
    let known = names(machines);
    if !known.contains(name.get_ref()) {
        let known = known.iter().map(String::as_str);
        return Err(Error::unknown(place, name.span().start, "card", name.get_ref(), known));
    }
    Ok(file::read(&machines.join(FOLDER).join(format!("{}.toml", name.get_ref())))?.0)
}

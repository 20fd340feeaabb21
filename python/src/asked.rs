//! A framework that is asked for its GPUs and to compute on each: PyTorch, JAX, CuPy, cuDF.
//!
//! Invariants: one framework a process; what was seen is told again before every operation, so that a crash takes
//! nothing with it; a GPU is left at its first operation that is not right.

use crate::say;
use pyo3::prelude::*;
use serde_json::{Value, json};

/// Most GPUs of a framework that are told.
pub(crate) const MOST: usize = 64;

/// A GPU as a framework has it.
pub(crate) struct Device<'py> {
    /// Such as `cuda:0`.
    pub(crate) name: String,
    pub(crate) model: Option<String>,
    pub(crate) pci: Option<String>,
    pub(crate) compute_capability: Option<(i32, i32)>,
    /// By what the framework takes it.
    pub(crate) handle: Bound<'py, PyAny>,
}

/// What was seen of a framework.
#[derive(Default)]
pub(crate) struct Asked {
    pub(crate) version: Option<String>,
    /// What its code was built for, where it says so.
    pub(crate) architectures: Option<Vec<String>>,
    /// An `Observed` list, once it is one.
    devices: Option<Value>,
    operations: Vec<Value>,
}

/// Lists the GPUs, or says why not.
type List = for<'py> fn(&Bound<'py, PyModule>, &mut Asked) -> Result<Vec<Device<'py>>, Value>;
/// Computes on a GPU; true where the result is right.
type Compute = for<'py> fn(&Bound<'py, PyModule>, &Device<'py>) -> PyResult<bool>;

/// A framework.
pub(crate) struct Framework {
    pub(crate) module: &'static str,
    pub(crate) list: List,
    /// By their names below the module.
    pub(crate) operations: &'static [(&'static str, Compute)],
}

impl Asked {
    fn told(&self) -> Value {
        let ended = json!({ "not_probed": { "why": "the look ended before the listing" } });
        json!({
            "version": self.version,
            "architectures": self.architectures,
            "devices": self.devices.as_ref().unwrap_or(&ended),
            "operations": self.operations,
        })
    }
}

/// Asks, and answers.
pub(crate) fn ask(py: Python<'_>, framework: &Framework, computes: bool) {
    let mut asked = Asked::default();
    say::so_far("asked", &asked.told());
    if let Err(failed) = look(py, framework, computes, &mut asked) {
        asked.devices = Some(failed);
    }
    say::answer("asked", &asked.told());
}

fn look(py: Python<'_>, framework: &Framework, computes: bool, asked: &mut Asked) -> Result<(), Value> {
    let step = format!("import {}", framework.module);
    let module = say::announced(py, &step, || py.import(framework.module))?;
    asked.version = module.getattr("__version__").map(|version| say::text(&version)).ok();
    say::so_far("asked", &asked.told());
    let devices = (framework.list)(&module, asked)?;
    asked.devices = Some(json!({ "seen": devices.iter().map(device).collect::<Vec<_>>() }));
    for device in devices.iter().filter(|_| computes) {
        for (name, compute) in framework.operations {
            say::so_far("asked", &asked.told());
            let step = format!("{}.{name} on {}", framework.module, device.name);
            let outcome = say::announced(py, &step, || compute(&module, device));
            let right = outcome == Ok(true);
            let correct = outcome.map_or_else(|failed| failed, |correct| json!({ "seen": correct }));
            asked.operations.push(json!({ "device": device.name, "name": name, "correct": correct }));
            if !right {
                break;
            }
        }
    }
    Ok(())
}

fn device(device: &Device<'_>) -> Value {
    json!({
        "name": device.name,
        "model": device.model,
        "pci": device.pci,
        "compute_capability": device.compute_capability,
    })
}

/// An address as the kernel writes it.
pub(crate) fn address(domain: i32, bus: i32, device: i32) -> String {
    format!("{domain:04x}:{bus:02x}:{device:02x}.0")
}

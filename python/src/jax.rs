//! JAX, from 0.2 on.
//!
//! Source: <https://docs.jax.dev/en/latest/_autosummary/jax.devices.html>.

use crate::{
    asked::{Asked, Device, Framework, MOST},
    product::{self, Matrix},
    say::{announced, text},
};
use pyo3::{exceptions::PyRuntimeError, prelude::*};
use serde_json::Value;

/// JAX.
pub(crate) static JAX: Framework =
    Framework { module: "jax", list, operations: &[("numpy.matmul", multiply)] };

fn list<'py>(jax: &Bound<'py, PyModule>, _: &mut Asked) -> Result<Vec<Device<'py>>, Value> {
    let py = jax.py();
    // What a notebook asks. Where no GPU starts it lists the CPU and says nothing; the second call says why.
    announced(py, "jax.devices()", || jax.call_method0("devices"))?;
    announced(py, "jax.devices('gpu')", || {
        let listed = jax.call_method1("devices", ("gpu",))?;
        listed.try_iter()?.take(MOST).map(|device| attributes(device?)).collect()
    })
}

fn attributes(device: Bound<'_, PyAny>) -> PyResult<Device<'_>> {
    let told = |name: &str| device.getattr(name).map(|value| text(&value)).ok();
    Ok(Device {
        name: format!("gpu:{}", device.getattr("id")?.extract::<i64>()?),
        model: told("device_kind"),
        pci: None,
        compute_capability: told("compute_capability").and_then(|told| capability(&told)),
        handle: device,
    })
}

/// `7.5`, as newer versions tell it.
fn capability(told: &str) -> Option<(i32, i32)> {
    let (major, minor) = told.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn multiply<'py>(jax: &Bound<'py, PyModule>, device: &Device<'py>) -> PyResult<bool> {
    let py = jax.py();
    let numpy = py.import("numpy")?;
    let put = |values: Matrix| {
        jax.call_method1("device_put", (numpy.call_method1("array", (values, "float32"))?, &device.handle))
    };
    let (a, b) = product::factors();
    let product = py.import("jax.numpy")?.call_method1("matmul", (put(a)?, put(b)?))?;
    if !is_on(&product, &device.handle)? {
        let name = &device.name;
        return Err(PyRuntimeError::new_err(format!("the result asked of {name} came from another device")));
    }
    let fetched = numpy.call_method1("asarray", (product,))?.call_method0("tolist")?;
    Ok(product::is_product(&fetched.extract::<Matrix>()?))
}

/// Whether an array lies on the device; how that is asked has changed twice.
fn is_on<'py>(array: &Bound<'py, PyAny>, device: &Bound<'py, PyAny>) -> PyResult<bool> {
    if array.hasattr("devices")? {
        return array.call_method0("devices")?.contains(device);
    }
    let buffer =
        if array.hasattr("device_buffer")? { array.getattr("device_buffer")? } else { array.clone() };
    buffer.call_method0("device")?.eq(device)
}

//! JAX, from 0.2 on.
//!
//! Source: <https://docs.jax.dev/en/latest/_autosummary/jax.devices.html>,
//! <https://docs.jax.dev/en/latest/config_options.html> (`jax_platforms`, `jax_platform_name`).

use crate::{
    asked::{Asked, Device, Framework, MOST},
    product::{self, Matrix},
    say::{announced, refused, text},
};
use pyo3::{exceptions::PyRuntimeError, prelude::*};
use serde_json::Value;

/// The variables that say where JAX computes: the second is of before 0.4, and still read.
const VARIABLES: [&str; 2] = ["JAX_PLATFORMS", "JAX_PLATFORM_NAME"];
/// Most of a value that is told, in characters.
const LONGEST_VALUE: usize = 64;

/// JAX.
pub(crate) static JAX: Framework =
    Framework { module: "jax", list, operations: &[("numpy.matmul", multiply)] };

fn list<'py>(jax: &Bound<'py, PyModule>, _: &mut Asked) -> Result<Vec<Device<'py>>, Value> {
    let py = jax.py();
    // What a notebook asks. Where no GPU starts it lists the CPU and says nothing; the second call says why.
    let on_cpu = announced(py, "jax.devices()", || {
        let Some(first) = jax.call_method0("devices")?.try_iter()?.next() else { return Ok(false) };
        Ok(first?.getattr("platform").is_ok_and(|platform| text(&platform) == "cpu"))
    })?;
    let gpus: Vec<Device<'py>> = announced(py, "jax.devices('gpu')", || {
        let listed = jax.call_method1("devices", ("gpu",))?;
        listed.try_iter()?.take(MOST).map(|device| attributes(device?)).collect()
    })?;
    if on_cpu && !gpus.is_empty() {
        return Err(refused("jax.devices()", "DefaultIsCpu", &chosen(jax)));
    }
    Ok(gpus)
}

/// What may have put the CPU first: the variables of JAX that are set, else its own setting.
fn chosen(jax: &Bound<'_, PyModule>) -> String {
    let set = VARIABLES
        .iter()
        .filter_map(|name| Some((*name, std::env::var_os(name).filter(|value| !value.is_empty())?)));
    let mut set: Vec<String> =
        set.map(|(name, value)| format!("{name}={}", head(&value.to_string_lossy()))).collect();
    if set.is_empty() {
        let platforms = jax.getattr("config").and_then(|config| config.getattr("jax_platforms"));
        let platforms = platforms.ok().filter(|value| !value.is_none()).map(|value| text(&value));
        set.extend(platforms.map(|platforms| format!("jax_platforms={}", head(&platforms))));
    }
    set.join(", ")
}

fn head(value: &str) -> String {
    value.chars().take(LONGEST_VALUE).collect()
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

//! `DeviceAttributes`, field by field.
//!
//! Source: `tensorflow/core/framework/device_attributes.proto`.

use crate::say::text;
use pyo3::{exceptions::PyAttributeError, prelude::*};
use serde_json::{Value, json};

/// Every device of a list.
pub(crate) fn walk(listed: &Bound<'_, PyAny>) -> PyResult<Vec<Value>> {
    listed.try_iter()?.map(|device| attributes(&device?)).collect()
}

fn attributes(device: &Bound<'_, PyAny>) -> PyResult<Value> {
    let py = device.py();
    let locality = device.getattr("locality")?;
    // TensorFlow before 2.7 has no such field.
    let xla_global_id = match device.getattr("xla_global_id") {
        Ok(id) => Some(id.extract::<i64>()?),
        Err(error) if error.is_instance_of::<PyAttributeError>(py) => None,
        Err(error) => return Err(error),
    };
    Ok(json!({
        "name": text(&device.getattr("name")?),
        "device_type": text(&device.getattr("device_type")?),
        "memory_limit": device.getattr("memory_limit")?.extract::<i64>()?,
        // fixed64: as text, since it exceeds i64 and what JSON readers keep exact.
        "incarnation": text(&device.getattr("incarnation")?),
        "bus_id": locality.getattr("bus_id")?.extract::<i32>()?,
        "numa_node": locality.getattr("numa_node")?.extract::<i32>()?,
        "links": links(&locality.getattr("links")?.getattr("link")?)?,
        "physical_device_desc": text(&device.getattr("physical_device_desc")?),
        "xla_global_id": xla_global_id,
    }))
}

fn links(links: &Bound<'_, PyAny>) -> PyResult<Vec<Value>> {
    links
        .try_iter()?
        .map(|link| {
            let link = link?;
            Ok(json!({
                "device_id": link.getattr("device_id")?.extract::<i32>()?,
                "type": text(&link.getattr("type")?),
                "strength": link.getattr("strength")?.extract::<i32>()?,
            }))
        })
        .collect()
}

//! PyTorch, from 1.4 on.
//!
//! Source: <https://docs.pytorch.org/docs/stable/cuda.html>.

use crate::{
    asked::{Asked, Device, Framework, MOST, address},
    product::{self, Block, Channels, Matrix},
    say::{announced, text},
};
use pyo3::{exceptions::PyRuntimeError, prelude::*, types::PyDict};
use serde_json::Value;

/// PyTorch.
pub(crate) static TORCH: Framework = Framework {
    module: "torch",
    list,
    operations: &[("matmul", multiply), ("nn.functional.conv2d", convolve)],
};

fn list<'py>(torch: &Bound<'py, PyModule>, asked: &mut Asked) -> Result<Vec<Device<'py>>, Value> {
    let py = torch.py();
    let cuda = || torch.getattr("cuda");
    let available =
        announced(py, "torch.cuda.is_available()", || cuda()?.call_method0("is_available")?.is_truthy())?;
    asked.architectures = architectures(torch);
    if !available {
        // It says no more than False; what starts CUDA says why.
        announced(py, "torch.cuda.init()", || cuda()?.call_method0("init"))?;
        return Ok(Vec::new());
    }
    let count = announced(py, "torch.cuda.device_count()", || {
        cuda()?.call_method0("device_count")?.extract::<usize>()
    })?;
    let device = |index| {
        announced(py, &format!("torch.cuda.get_device_properties({index})"), || {
            properties(&cuda()?.call_method1("get_device_properties", (index,))?, index)
        })
    };
    (0..count.min(MOST)).map(device).collect()
}

/// What it has code for. PyTorch before 1.5 does not say.
fn architectures(torch: &Bound<'_, PyModule>) -> Option<Vec<String>> {
    let list = torch.getattr("cuda").and_then(|cuda| cuda.getattr("get_arch_list")).ok()?;
    let listed = announced(torch.py(), "torch.cuda.get_arch_list()", || list.call0()).ok()?;
    Some(listed.try_iter().ok()?.flatten().take(MOST).map(|name| text(&name)).collect())
}

fn properties<'py>(properties: &Bound<'py, PyAny>, index: usize) -> PyResult<Device<'py>> {
    let name = format!("cuda:{index}");
    let number = |name: &str| properties.getattr(name).and_then(|value| value.extract::<i32>()).ok();
    // From PyTorch 2.7 on.
    let pci = || Some(address(number("pci_domain_id")?, number("pci_bus_id")?, number("pci_device_id")?));
    Ok(Device {
        model: Some(text(&properties.getattr("name")?)),
        pci: pci(),
        compute_capability: number("major").zip(number("minor")),
        handle: name.as_str().into_pyobject(properties.py())?.into_any(),
        name,
    })
}

fn multiply<'py>(torch: &Bound<'py, PyModule>, device: &Device<'py>) -> PyResult<bool> {
    let (a, b) = product::factors();
    let product = torch.call_method1("matmul", (tensor(torch, device, a)?, tensor(torch, device, b)?))?;
    Ok(product::is_product(&fetched(&product, device)?.extract::<Matrix>()?))
}

fn convolve<'py>(torch: &Bound<'py, PyModule>, device: &Device<'py>) -> PyResult<bool> {
    let image = tensor(torch, device, product::image(Channels::First))?;
    let filter = tensor(torch, device, product::filter(Channels::First))?;
    let functional = torch.getattr("nn")?.getattr("functional")?;
    let convolution = functional.call_method1("conv2d", (image, filter))?;
    Ok(product::is_convolution(&fetched(&convolution, device)?.extract::<Block>()?, Channels::First))
}

fn tensor<'py, T: IntoPyObject<'py>>(
    torch: &Bound<'py, PyModule>,
    device: &Device<'py>,
    values: T,
) -> PyResult<Bound<'py, PyAny>> {
    let options = PyDict::new(torch.py());
    options.set_item("dtype", torch.getattr("float32")?)?;
    options.set_item("device", &device.handle)?;
    torch.call_method("tensor", (values,), Some(&options))
}

/// A result as lists, from the device that it was asked of.
fn fetched<'py>(result: &Bound<'py, PyAny>, device: &Device<'py>) -> PyResult<Bound<'py, PyAny>> {
    let place = text(&result.getattr("device")?);
    if place != device.name {
        return Err(PyRuntimeError::new_err(format!(
            "the result asked of {} came from {place}",
            device.name
        )));
    }
    result.call_method0("cpu")?.call_method0("tolist")
}

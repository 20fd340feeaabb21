//! CuPy, from 8 on, and cuDF: NumPy and pandas on the GPU. Neither does without one.
//!
//! Source: <https://docs.cupy.dev/en/stable/reference/cuda.html>, <https://docs.rapids.ai/api/cudf/stable/>.

use crate::{
    asked::{Asked, Device, Framework, MOST, address},
    product::{self, Matrix},
    say::{announced, text},
};
use pyo3::{
    exceptions::PyRuntimeError,
    prelude::*,
    types::{PyBytes, PyDict},
};
use serde_json::Value;

/// CuPy.
pub(crate) static CUPY: Framework = Framework {
    module: "cupy",
    list,
    operations: &[("matmul", multiply), ("ElementwiseKernel", twice_and_add)],
};
/// cuDF.
pub(crate) static CUDF: Framework =
    Framework { module: "cudf", list: first, operations: &[("Series.sum", sum)] };
/// How many numbers cuDF adds: from zero on, so that their sum is known.
const NUMBERS: i64 = 1000;

fn list<'py>(cupy: &Bound<'py, PyModule>, _: &mut Asked) -> Result<Vec<Device<'py>>, Value> {
    let py = cupy.py();
    let runtime = || cupy.getattr("cuda")?.getattr("runtime");
    let count = announced(py, "cupy.cuda.runtime.getDeviceCount()", || {
        runtime()?.call_method0("getDeviceCount")?.extract::<usize>()
    })?;
    let device = |index: usize| {
        announced(py, &format!("cupy.cuda.runtime.getDeviceProperties({index})"), || {
            // Not every CuPy has this call.
            let properties = match runtime()?.getattr("getDeviceProperties") {
                Ok(call) => call.call1((index,))?,
                Err(_) => PyDict::new(py).into_any(),
            };
            Ok(of_properties(&properties, index.into_pyobject(py)?.into_any(), index))
        })
    };
    (0..count.min(MOST)).map(device).collect()
}

fn of_properties<'py>(
    properties: &Bound<'py, PyAny>,
    handle: Bound<'py, PyAny>,
    index: usize,
) -> Device<'py> {
    let number = |name: &str| properties.get_item(name).and_then(|value| value.extract::<i32>()).ok();
    let pci = || Some(address(number("pciDomainID")?, number("pciBusID")?, number("pciDeviceID")?));
    Device {
        name: format!("cuda:{index}"),
        model: properties.get_item("name").ok().map(|name| decoded(&name)),
        pci: pci(),
        compute_capability: number("major").zip(number("minor")),
        handle,
    }
}

/// A name that C gave.
fn decoded(name: &Bound<'_, PyAny>) -> String {
    match name.cast::<PyBytes>() {
        Ok(bytes) => String::from_utf8_lossy(bytes.as_bytes()).into_owned(),
        Err(_) => text(name),
    }
}

fn multiply<'py>(cupy: &Bound<'py, PyModule>, device: &Device<'py>) -> PyResult<bool> {
    let product = computed(cupy, device, |a, b| cupy.call_method1("matmul", (a, b)))?;
    Ok(product::is_product(&product))
}

/// What CuPy compiles on the spot, which a product is not.
fn twice_and_add<'py>(cupy: &Bound<'py, PyModule>, device: &Device<'py>) -> PyResult<bool> {
    let sum = computed(cupy, device, |a, b| {
        let code = ("float32 x, float32 y", "float32 z", "z = x * 2 + y", "gpucheck_twice_and_add");
        cupy.call_method1("ElementwiseKernel", code)?.call1((a, b))
    })?;
    Ok(product::is_twice_and_added(&sum))
}

/// What an operation on the two matrices gives on a GPU.
fn computed<'py>(
    cupy: &Bound<'py, PyModule>,
    device: &Device<'py>,
    operation: impl FnOnce(Bound<'py, PyAny>, Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Matrix> {
    let py = cupy.py();
    let scope = cupy.getattr("cuda")?.call_method1("Device", (&device.handle,))?;
    scope.call_method0("__enter__")?;
    let array = |values: Matrix| cupy.call_method1("array", (values, cupy.getattr("float32")?));
    let compute = || {
        let (a, b) = product::factors();
        let result = operation(array(a)?, array(b)?)?;
        let place = result.getattr("device")?.getattr("id")?;
        if !place.eq(&device.handle)? {
            let text = format!("the result asked of {} came from cuda:{}", device.name, text(&place));
            return Err(PyRuntimeError::new_err(text));
        }
        result.call_method0("get")?.call_method0("tolist")?.extract()
    };
    let computed = compute();
    scope.call_method1("__exit__", (py.None(), py.None(), py.None()))?;
    computed
}

/// cuDF works on the first GPU that the process has, and says nothing of it.
#[expect(clippy::unnecessary_wraps, reason = "it stands in for listings that can fail")]
fn first<'py>(cudf: &Bound<'py, PyModule>, _: &mut Asked) -> Result<Vec<Device<'py>>, Value> {
    let handle = cudf.clone().into_any();
    Ok(vec![Device { name: "cuda:0".to_owned(), model: None, pci: None, compute_capability: None, handle }])
}

fn sum<'py>(cudf: &Bound<'py, PyModule>, _: &Device<'py>) -> PyResult<bool> {
    let numbers: Vec<i64> = (0..NUMBERS).collect();
    let sum = cudf.call_method1("Series", (numbers,))?.call_method0("sum")?;
    sum.eq(NUMBERS * (NUMBERS - 1) / 2)
}

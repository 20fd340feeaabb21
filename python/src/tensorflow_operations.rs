//! The two operations on TensorFlow's devices.
//!
//! Invariant: a result that another device than the asked one gave is an error.

use crate::{
    product::{self, Block, Channels, Matrix},
    say::text,
};
use pyo3::{exceptions::PyRuntimeError, prelude::*};

/// Multiplies on the device; true where every element is exact.
pub(crate) fn multiply(tensorflow: &Bound<'_, PyModule>, device: &str) -> PyResult<bool> {
    let (a, b) = product::factors();
    let product = computed(tensorflow, device, "product", || {
        tensorflow.call_method1("matmul", (constant(tensorflow, a)?, constant(tensorflow, b)?))
    })?;
    Ok(product::is_product(&product.extract::<Matrix>()?))
}

/// Convolves on the device; true where every element rounds to the exact one.
pub(crate) fn convolve(tensorflow: &Bound<'_, PyModule>, device: &str) -> PyResult<bool> {
    let (image, filter) = (product::image(Channels::Last), product::filter(Channels::Last));
    let convolution = computed(tensorflow, device, "convolution", || {
        let operands = (constant(tensorflow, image)?, constant(tensorflow, filter)?, [1, 1, 1, 1], "VALID");
        tensorflow.getattr("nn")?.call_method1("conv2d", operands)
    })?;
    Ok(product::is_convolution(&convolution.extract::<Block>()?, Channels::Last))
}

fn constant<'py, T: IntoPyObject<'py>>(
    tensorflow: &Bound<'py, PyModule>,
    values: T,
) -> PyResult<Bound<'py, PyAny>> {
    tensorflow.call_method1("constant", (values, tensorflow.getattr("float32")?))
}

/// What an operation gives on a device, as lists.
fn computed<'py>(
    tensorflow: &Bound<'py, PyModule>,
    device: &str,
    what: &str,
    operation: impl FnOnce() -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let scope = tensorflow.call_method1("device", (device,))?;
    scope.call_method0("__enter__")?;
    let result = operation().and_then(|result| fetched(tensorflow, &result, device, what));
    let py = tensorflow.py();
    scope.call_method1("__exit__", (py.None(), py.None(), py.None()))?;
    result
}

fn fetched<'py>(
    tensorflow: &Bound<'py, PyModule>,
    result: &Bound<'py, PyAny>,
    device: &str,
    what: &str,
) -> PyResult<Bound<'py, PyAny>> {
    if !tensorflow.call_method0("executing_eagerly")?.is_truthy()? {
        // TensorFlow 1 only builds a graph; a session refuses a device that cannot take the operation.
        let session = tensorflow.getattr("compat")?.getattr("v1")?.call_method0("Session")?;
        return session.call_method1("run", (result,))?.call_method0("tolist");
    }
    // TensorFlow may place an operation elsewhere without a word.
    let place = text(&result.getattr("device")?);
    if !place.ends_with(device) {
        return Err(PyRuntimeError::new_err(format!("the {what} asked of {device} came from {place}")));
    }
    result.call_method0("numpy")?.call_method0("tolist")
}

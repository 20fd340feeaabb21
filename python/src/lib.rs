//! The extension that asks a Python's own frameworks about the GPU, from inside that Python's process.
//!
//! Invariants: functions only, so that one abi3 build loads in `CPython` 3.6 to 3.13; the answer goes over the
//! parent's pipe alone, never over a standard stream; a Python exception is an answer; each foreign call is
//! announced before it is made, so that the parent knows where a crash or a hang happened.
//! `plain.py` asks the same questions for interpreters that do not load this.

mod arrays;
mod asked;
mod devices;
mod jax;
mod product;
mod say;
mod tensorflow;
mod tensorflow_operations;
mod torch;

use pyo3::prelude::*;

/// Looks at TensorFlow, `bare` or in `full`, or at the framework of this name, and answers over the parent's pipe.
/// With `:list` at its end nothing is computed.
///
/// # Errors
/// Only where the interpreter cannot describe itself.
#[pyfunction]
fn look(py: Python<'_>, way: &str) -> PyResult<()> {
    let (way, computes) = way.strip_suffix(":list").map_or((way, true), |way| (way, false));
    match way {
        "torch" => asked::ask(py, &torch::TORCH, computes),
        "jax" => asked::ask(py, &jax::JAX, computes),
        "cupy" => asked::ask(py, &arrays::CUPY, computes),
        "cudf" => asked::ask(py, &arrays::CUDF, computes),
        _ => tensorflow::look(py, way == "full", computes)?,
    }
    Ok(())
}

/// Multiplies two matrices on a device such as `/device:GPU:0`; true where every element is exact.
///
/// # Errors
/// TensorFlow's own, and `RuntimeError` where the product came from another device.
#[pyfunction]
fn multiply(py: Python<'_>, device: &str) -> PyResult<bool> {
    tensorflow_operations::multiply(&py.import("tensorflow")?, device)
}

/// Convolves an image on a device; true where every element is right.
///
/// # Errors
/// As for [`multiply`].
#[pyfunction]
fn convolve(py: Python<'_>, device: &str) -> PyResult<bool> {
    tensorflow_operations::convolve(&py.import("tensorflow")?, device)
}

/// `import _gpucheck_probe`: the name that the loaders give it, whatever its file is called.
#[pymodule]
fn _gpucheck_probe(probe: &Bound<'_, PyModule>) -> PyResult<()> {
    probe.add_function(wrap_pyfunction!(look, probe)?)?;
    probe.add_function(wrap_pyfunction!(multiply, probe)?)?;
    probe.add_function(wrap_pyfunction!(convolve, probe)?)
}

//! One operation whose exact result is known.
//!
//! Invariants: the operands are small whole numbers, so that every product and every sum is exact in float32
//! and in TF32 (ten bits of mantissa), whatever the order of the additions; equality is therefore demanded.

use crate::say::text;
use pyo3::{exceptions::PyRuntimeError, prelude::*};

/// Rows and columns.
const SIZE: i16 = 64;

type Matrix = Vec<Vec<f32>>;

/// Multiplies on the device; true where every element is exact.
pub(crate) fn on(tensorflow: &Bound<'_, PyModule>, device: &str) -> PyResult<bool> {
    let (a, b) = (
        matrix(|row, column| (row * 3 + column) % 17 - 8),
        matrix(|row, column| (row + column * 5) % 13 - 6),
    );
    let scope = tensorflow.call_method1("device", (device,))?;
    scope.call_method0("__enter__")?;
    let product = product(tensorflow, &a, &b, device);
    let py = tensorflow.py();
    scope.call_method1("__exit__", (py.None(), py.None(), py.None()))?;
    Ok(product? == reference(&a, &b))
}

fn product(tensorflow: &Bound<'_, PyModule>, a: &Matrix, b: &Matrix, device: &str) -> PyResult<Matrix> {
    let float = tensorflow.getattr("float32")?;
    let constant = |values: &Matrix| tensorflow.call_method1("constant", (values.clone(), &float));
    let product = tensorflow.call_method1("matmul", (constant(a)?, constant(b)?))?;
    if !tensorflow.call_method0("executing_eagerly")?.is_truthy()? {
        return in_session(tensorflow, &product);
    }
    // TensorFlow may place an operation elsewhere without a word.
    let place = text(&product.getattr("device")?);
    if !place.ends_with(device) {
        return Err(PyRuntimeError::new_err(format!("the product asked of {device} came from {place}")));
    }
    product.call_method0("numpy")?.call_method0("tolist")?.extract()
}

/// TensorFlow 1 only builds a graph; a session refuses a device that cannot take the operation.
fn in_session(tensorflow: &Bound<'_, PyModule>, product: &Bound<'_, PyAny>) -> PyResult<Matrix> {
    let session = tensorflow.getattr("compat")?.getattr("v1")?.call_method0("Session")?;
    session.call_method1("run", (product,))?.call_method0("tolist")?.extract()
}

fn matrix(element: impl Fn(i16, i16) -> i16) -> Matrix {
    (0..SIZE).map(|row| (0..SIZE).map(|column| f32::from(element(row, column))).collect()).collect()
}

fn reference(a: &Matrix, b: &Matrix) -> Matrix {
    let column = |index: usize| b.iter().filter_map(move |row| row.get(index));
    a.iter()
        .map(|row| {
            (0..row.len()).map(|index| row.iter().zip(column(index)).map(|(x, y)| x * y).sum()).collect()
        })
        .collect()
}

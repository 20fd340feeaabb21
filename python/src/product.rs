//! Two operations whose exact results are known: a matrix product, and a convolution, which is cuDNN's.
//!
//! Invariants: the operands are small whole numbers, so that every product and every sum is exact in float32
//! and in TF32 (ten bits of mantissa), whatever the order of the additions. Of the product equality is therefore
//! demanded. cuDNN may convolve by way of transforms that divide, so its result is rounded first.

use crate::say::text;
use pyo3::{exceptions::PyRuntimeError, prelude::*};

/// Rows and columns of the matrices.
const SIZE: i16 = 64;
/// Height and width of the image.
const IMAGE: i16 = 12;
/// Height and width of the filter: neither 1 nor the image's, which TensorFlow would turn into matrix products.
const FILTER: i16 = 3;
/// Channels of the image.
const CHANNELS: i16 = 4;
/// Channels of the result.
const FILTERS: i16 = 8;

type Matrix = Vec<Vec<f32>>;
type Block = Vec<Vec<Matrix>>;

/// Multiplies on the device; true where every element is exact.
pub(crate) fn multiply(tensorflow: &Bound<'_, PyModule>, device: &str) -> PyResult<bool> {
    let (a, b) = (
        matrix(|row, column| (row * 3 + column) % 17 - 8),
        matrix(|row, column| (row + column * 5) % 13 - 6),
    );
    let constant = |values: &Matrix| constant(tensorflow, values.clone());
    let product = computed(tensorflow, device, "product", || {
        tensorflow.call_method1("matmul", (constant(&a)?, constant(&b)?))
    })?;
    Ok(product.extract::<Matrix>()? == multiplied(&a, &b))
}

/// Convolves on the device; true where every element rounds to the exact one.
pub(crate) fn convolve(tensorflow: &Bound<'_, PyModule>, device: &str) -> PyResult<bool> {
    let image = block([1, IMAGE, IMAGE, CHANNELS], |[_, y, x, channel]| pixel(y, x, channel));
    let filter =
        block([FILTER, FILTER, CHANNELS, FILTERS], |[y, x, channel, out]| weight(y, x, channel, out));
    let constant = |values: &Block| constant(tensorflow, values.clone());
    let convolution = computed(tensorflow, device, "convolution", || {
        let strides = [1, 1, 1, 1];
        tensorflow
            .getattr("nn")?
            .call_method1("conv2d", (constant(&image)?, constant(&filter)?, strides, "VALID"))
    })?;
    let elements =
        |block: &Block| -> Vec<f32> { block.iter().flatten().flatten().flatten().copied().collect() };
    let rounded: Vec<f32> = elements(&convolution.extract()?).into_iter().map(f32::round).collect();
    Ok(rounded == elements(&convolved()))
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

fn matrix(element: impl Fn(i16, i16) -> i16) -> Matrix {
    (0..SIZE).map(|row| (0..SIZE).map(|column| f32::from(element(row, column))).collect()).collect()
}

fn multiplied(a: &Matrix, b: &Matrix) -> Matrix {
    let column = |index: usize| b.iter().filter_map(move |row| row.get(index));
    a.iter()
        .map(|row| {
            (0..row.len()).map(|index| row.iter().zip(column(index)).map(|(x, y)| x * y).sum()).collect()
        })
        .collect()
}

fn pixel(y: i16, x: i16, channel: i16) -> i16 {
    (y * 5 + x * 3 + channel * 7) % 11 - 5
}

fn weight(y: i16, x: i16, channel: i16, out: i16) -> i16 {
    (y * 2 + x * 3 + channel * 5 + out) % 7 - 3
}

fn block(sizes: [i16; 4], element: impl Fn([i16; 4]) -> i16) -> Block {
    let [a, b, c, d] = sizes;
    let row = |i, j, k| (0..d).map(|l| f32::from(element([i, j, k, l]))).collect();
    let rows = |i, j| (0..c).map(|k| row(i, j, k)).collect();
    (0..a).map(|i| (0..b).map(|j| rows(i, j)).collect()).collect()
}

/// The exact convolution: of each place the sum over the filter's places and the image's channels.
fn convolved() -> Block {
    let side = IMAGE - FILTER + 1;
    block([1, side, side, FILTERS], |[_, y, x, out]| {
        let places = (0..FILTER).flat_map(|i| (0..FILTER).map(move |j| (i, j)));
        let all = places.flat_map(|(i, j)| (0..CHANNELS).map(move |channel| (i, j, channel)));
        all.map(|(i, j, channel)| pixel(y + i, x + j, channel) * weight(i, j, channel, out)).sum()
    })
}

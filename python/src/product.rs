//! Two operations whose exact results are known: a matrix product, and a convolution, which is cuDNN's.
//!
//! Invariants: the operands are small whole numbers, so that every product and every sum is exact in float32
//! and in TF32 (ten bits of mantissa), whatever the order of the additions. Of the product equality is therefore
//! demanded. cuDNN may convolve by way of transforms that divide, so its result is rounded first.

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

pub(crate) type Matrix = Vec<Vec<f32>>;
pub(crate) type Block = Vec<Vec<Matrix>>;

/// Where the channels stand.
#[derive(Clone, Copy)]
pub(crate) enum Channels {
    /// Of images before height and width, of filters as `[out, in, height, width]`: PyTorch.
    First,
    /// Of images after them, of filters as `[height, width, in, out]`: TensorFlow.
    Last,
}

/// Two matrices to multiply.
pub(crate) fn factors() -> (Matrix, Matrix) {
    (matrix(|row, column| (row * 3 + column) % 17 - 8), matrix(|row, column| (row + column * 5) % 13 - 6))
}

/// Whether this is their product, every element exact.
pub(crate) fn is_product(product: &Matrix) -> bool {
    let (a, b) = factors();
    *product == multiplied(&a, &b)
}

/// Whether this is twice the first matrix and the second, every element exact.
pub(crate) fn is_twice_and_added(sum: &Matrix) -> bool {
    let (a, b) = factors();
    let rows = a.iter().zip(&b);
    *sum == rows.map(|(a, b)| a.iter().zip(b).map(|(x, y)| x * 2.0 + y).collect()).collect::<Matrix>()
}

/// An image to convolve.
pub(crate) fn image(channels: Channels) -> Block {
    match channels {
        Channels::Last => block([1, IMAGE, IMAGE, CHANNELS], |[_, y, x, channel]| pixel(y, x, channel)),
        Channels::First => block([1, CHANNELS, IMAGE, IMAGE], |[_, channel, y, x]| pixel(y, x, channel)),
    }
}

/// What to convolve it with.
pub(crate) fn filter(channels: Channels) -> Block {
    match channels {
        Channels::Last => {
            block([FILTER, FILTER, CHANNELS, FILTERS], |[y, x, channel, out]| weight(y, x, channel, out))
        }
        Channels::First => {
            block([FILTERS, CHANNELS, FILTER, FILTER], |[out, channel, y, x]| weight(y, x, channel, out))
        }
    }
}

/// Whether this is their convolution, every element right once it is rounded.
pub(crate) fn is_convolution(convolution: &Block, channels: Channels) -> bool {
    let elements =
        |block: &Block| -> Vec<f32> { block.iter().flatten().flatten().flatten().copied().collect() };
    let rounded: Vec<f32> = elements(convolution).into_iter().map(f32::round).collect();
    let side = IMAGE - FILTER + 1;
    let expected = match channels {
        Channels::Last => block([1, side, side, FILTERS], |[_, y, x, out]| convolved(y, x, out)),
        Channels::First => block([1, FILTERS, side, side], |[_, out, y, x]| convolved(y, x, out)),
    };
    rounded == elements(&expected)
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

/// One element of the exact convolution: the sum over the filter's places and the image's channels.
fn convolved(y: i16, x: i16, out: i16) -> i16 {
    let places = (0..FILTER).flat_map(|i| (0..FILTER).map(move |j| (i, j)));
    let all = places.flat_map(|(i, j)| (0..CHANNELS).map(move |channel| (i, j, channel)));
    all.map(|(i, j, channel)| pixel(y + i, x + j, channel) * weight(i, j, channel, out)).sum()
}

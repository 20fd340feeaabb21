//! Matrices and tensors of small whole numbers, and what has to come out: every partial sum is exact in any order, in
//! 32-bit floats and in the formats that cuBLAS may round its operands to.

use crate::probe::cuda::exact::{differing, scrambled};
use gpucheck_checks::fact::LibraryOperation;

/// A product of matrices: an A of `rows` x `inner` and a B of `inner` x `columns`, each column after column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) rows: u32,
    pub(super) columns: u32,
    pub(super) inner: u32,
}

impl Shape {
    /// No two sides alike, so that a transposed result shows.
    pub(super) const SMALL: Self = Self { rows: 96, columns: 80, inner: 112 };

    pub(super) fn square(size: u32) -> Self {
        Self { rows: size, columns: size, inner: size }
    }

    /// Elements of A, of B and of the product.
    pub(super) fn elements(self) -> [u32; 3] {
        [self.rows * self.inner, self.inner * self.columns, self.rows * self.columns]
    }

    /// The exact element of the product at this index.
    pub(super) fn product_at(self, index: u32) -> f32 {
        let (row, column) = (index % self.rows, index / self.rows);
        let term = |at: u32| element(A, at * self.rows + row) * element(B, column * self.inner + at);
        let sum: i32 = (0..self.inner).map(term).sum();
        small(sum)
    }
}

/// Which operand.
pub(super) const A: u32 = 1;
pub(super) const B: u32 = 2;

/// An element of an operand: a whole number from -3 to 3 that its index decides.
pub(super) fn element(operand: u32, index: u32) -> i32 {
    i32::try_from(scrambled(index, operand) % 7).unwrap_or(0) - 3
}

/// An operand.
pub(super) fn operand(operand: u32, elements: u32) -> Vec<f32> {
    (0..elements).map(|index| small(element(operand, index))).collect()
}

/// A whole number as a float, which is exact below 2^24.
#[expect(clippy::cast_precision_loss, reason = "every number here is below 2^24")]
pub(super) fn small(number: i32) -> f32 {
    number as f32
}

/// What came back against what is exact, all of it.
pub(super) fn compare(name: &str, found: &[f32], exact: impl Fn(u32) -> f32) -> LibraryOperation {
    let (wrong, first_wrong) = differing(found, exact);
    let elements = u32::try_from(found.len()).unwrap_or(u32::MAX);
    LibraryOperation { name: name.to_owned(), elements, wrong, first_wrong }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_whole_numbers_that_differ() {
        let shape = Shape::SMALL;
        let [_, _, elements] = shape.elements();
        let exact: Vec<f32> = (0..elements).map(|index| shape.product_at(index)).collect();
        assert!(exact.iter().all(|value| value.fract() == 0.0 && value.abs() < 2048.0));
        assert!(exact.iter().any(|value| *value > 50.0) && exact.iter().any(|value| *value < -50.0));
        let transposed = Shape { rows: shape.columns, columns: shape.rows, ..shape };
        let differing = (0..elements)
            .filter(|index| exact[*index as usize].to_bits() != transposed.product_at(*index).to_bits());
        assert!(differing.count() > 1000);
    }

    #[test]
    fn a_zero_with_a_sign_or_one_bit_is_wrong() {
        let exact = |index: u32| if index == 1 { 0.0 } else { 3.0 };
        assert_eq!(compare("x", &[3.0, 0.0], exact).wrong, 0);
        let flipped = f32::from_bits(3.0_f32.to_bits() ^ 1);
        let found = compare("x", &[flipped, 0.0, 3.0], exact);
        assert_eq!((found.elements, found.wrong, found.first_wrong), (3, 1, Some(0)));
    }
}

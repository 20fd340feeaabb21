//! Products of matrices, every element against the exact one.

use super::{
    bench::{Bench, POISON},
    reference::Operands,
};
use gpucheck_checks::{
    fact::{ProbeFailure, Product},
    kernels::TILE,
};

/// Threads of a block, in both directions.
const SIDE: u32 = 16;

/// Multiplies with the kernel of this name.
pub(super) fn multiply(
    bench: &mut Bench<'_, '_>,
    name: &str,
    operands: &Operands,
) -> Result<Product, ProbeFailure> {
    bench.with_taken(|bench| {
        let function = bench.function(name)?;
        let bytes = size_of_val(operands.exact.as_slice()) as u64;
        let (a, b, to) = (bench.take(bytes)?, bench.take(bytes)?, bench.take(bytes)?);
        bench.api.upload(a, &operands.a)?;
        bench.api.upload(b, &operands.b)?;
        let mut product = vec![POISON; operands.exact.len()];
        bench.api.fill_words(to, POISON, product.len())?;
        let tiles = operands.size / TILE;
        let device_us = bench.timed(|bench| {
            let arguments = &mut [a, b, to, operands.size.into()];
            bench.api.launch_with(function, ((tiles, tiles), (SIDE, SIDE)), arguments)
        })?;
        bench.api.download(&mut product, to)?;
        Ok(compare(operands, &product, device_us))
    })
}

fn compare(operands: &Operands, product: &[u32], device_us: u64) -> Product {
    let both = (0_u32..).zip(product.iter().zip(&operands.exact));
    let mut wrong = both.filter(|(_, (element, exact))| element != exact).map(|(i, _)| i);
    let first = wrong.next();
    Product {
        size: operands.size,
        wrong: u64::from(first.is_some()) + wrong.count() as u64,
        first_wrong: first.map(|i| (i / operands.size, i % operands.size)),
        device_us,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::cuda::work::reference;

    #[test]
    fn one_bit_is_enough_and_found_where_it_is() {
        let operands = reference::integers(64);
        let mut product = operands.exact.clone();
        assert_eq!(compare(&operands, &product, 1).wrong, 0);
        product[64 * 3 + 5] ^= 1 << 31;
        product[64 * 9] ^= 1;
        let compared = compare(&operands, &product, 1);
        assert_eq!((compared.wrong, compared.first_wrong), (2, Some((3, 5))));
    }
}

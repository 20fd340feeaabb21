//! cuBLAS at work: a small product compared element by element, and a large one against the clock.

use super::{
    api::Library,
    arithmetic::{A, B, Shape, compare, operand},
};
use crate::probe::cuda::api::{Api, DevicePointer, Handle};
use gpucheck_checks::fact::{LibraryOperation, ProbeFailure, Sgemm};

/// `CUBLAS_OP_N`.
const AS_IT_IS: i32 = 0;
/// What the result is filled with before: a product that was never made must not look right.
const POISON: u8 = 0xa5;
/// Products before the clock runs: the first loads code, and clocks come up.
const BEFORE: u32 = 2;
/// Products that are timed.
const TIMED: u32 = 10;
/// Elements of the large product that are compared.
const COMPARED: u32 = 64;
/// Of the free memory no more than this part is taken.
const PART: u64 = 4;
/// The smallest size whose rate would say anything.
const SMALLEST: u32 = 256;

/// A cuBLAS that has started.
#[derive(Clone, Copy)]
pub(super) struct Cublas {
    pub(super) library: Library,
    pub(super) handle: Handle,
}

impl Cublas {
    /// Multiplies two small matrices.
    pub(super) fn multiply(self, api: &mut Api<'_>) -> Result<LibraryOperation, ProbeFailure> {
        let shape = Shape::SMALL;
        let product = on_device(api, shape, |api, addresses| {
            self.product(api, shape, addresses)?;
            let [.., elements] = shape.elements();
            let mut found = vec![0.0; elements as usize];
            let [.., result] = addresses;
            api.synchronize()?;
            api.download(&mut found, result)?;
            Ok(found)
        })?;
        Ok(compare("cublasSgemm_v2", &product, |index| shape.product_at(index)))
    }

    /// Multiplies large matrices again and again; none where too little memory is free.
    pub(super) fn race(self, api: &mut Api<'_>, largest: u32) -> Result<Option<Sgemm>, ProbeFailure> {
        let free = api.free_memory()?;
        let fits = |size: &u32| 3 * 4 * u64::from(*size).pow(2) <= free / PART;
        let sizes = std::iter::successors(Some(largest), |size| Some(size / 2));
        let Some(size) = sizes.take_while(|size| *size >= SMALLEST).find(fits) else { return Ok(None) };
        let shape = Shape::square(size);
        on_device(api, shape, |api, addresses| {
            for _ in 0..BEFORE {
                self.product(api, shape, addresses)?;
            }
            let device_us =
                timed(api, |api| (0..TIMED).try_for_each(|_| self.product(api, shape, addresses)))?;
            let wrong = wrong_of_some(api, shape, addresses)?;
            let operations = 2 * u64::from(size).pow(3) * u64::from(TIMED);
            Ok(Some(Sgemm { size, operations, device_us, compared: COMPARED, wrong }))
        })
    }

    fn product(
        self,
        api: &mut Api<'_>,
        shape: Shape,
        [a, b, result]: [DevicePointer; 3],
    ) -> Result<(), ProbeFailure> {
        let Self { library, handle } = self;
        let (n, [rows, columns, inner]) = (
            AS_IT_IS,
            [shape.rows, shape.columns, shape.inner].map(|side| i32::try_from(side).unwrap_or(i32::MAX)),
        );
        let (one, zero) = (1.0, 0.0);
        library.sgemm(
            api.trail(),
            handle,
            n,
            n,
            rows,
            columns,
            inner,
            &one,
            a,
            rows,
            b,
            inner,
            &zero,
            result,
            rows,
        )
    }
}

/// Elements of the result that are wrong, of a few that lie all over it.
fn wrong_of_some(
    api: &mut Api<'_>,
    shape: Shape,
    addresses: [DevicePointer; 3],
) -> Result<u32, ProbeFailure> {
    let ([.., elements], [.., result]) = (shape.elements(), addresses);
    let mut wrong = 0;
    for number in 0..COMPARED {
        let index = (elements / COMPARED * number + number * 37) % elements;
        let mut found = [0.0];
        api.download(&mut found, result + u64::from(index) * 4)?;
        let [found] = found;
        wrong += u32::from(found.to_bits() != shape.product_at(index).to_bits());
    }
    Ok(wrong)
}

/// Puts the operands of a product on the device, and takes them away again however the work ends.
fn on_device<T>(
    api: &mut Api<'_>,
    shape: Shape,
    work: impl FnOnce(&mut Api<'_>, [DevicePointer; 3]) -> Result<T, ProbeFailure>,
) -> Result<T, ProbeFailure> {
    let elements = shape.elements();
    api.with_memory(elements.map(|elements| 4 * elements as usize), |api, addresses| {
        let ([of_a, of_b, of_product], [a, b, result]) = (elements, addresses);
        api.upload(a, &operand(A, of_a))?;
        api.upload(b, &operand(B, of_b))?;
        api.fill(result, POISON, 4 * of_product as usize)?;
        work(api, addresses)
    })
}

/// Time of the device for some work on the default stream, in microseconds.
fn timed(
    api: &mut Api<'_>,
    work: impl FnOnce(&mut Api<'_>) -> Result<(), ProbeFailure>,
) -> Result<u64, ProbeFailure> {
    let (start, end) = (api.event()?, api.event()?);
    api.record(start)?;
    work(api)?;
    api.record(end)?;
    let device_us = api.between(start, end)?;
    api.destroy_event(start)?;
    api.destroy_event(end)?;
    Ok(device_us)
}

//! cuBLAS at work: a small product compared element by element, and a large one against the clock.

use super::{
    api::{Api, DevicePointer, Handle},
    arithmetic::{A, B, Shape, compare, operand},
};
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
const PART: usize = 4;
/// The smallest size whose rate would say anything.
const SMALLEST: u32 = 256;

/// Multiplies two small matrices.
pub(super) fn multiply(api: &mut Api<'_>, handle: Handle) -> Result<LibraryOperation, ProbeFailure> {
    let shape = Shape::SMALL;
    let product = on_device(api, shape, |api, addresses| {
        product(api, handle, shape, addresses)?;
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
pub(super) fn race(api: &mut Api<'_>, handle: Handle, largest: u32) -> Result<Option<Sgemm>, ProbeFailure> {
    let (mut free, mut total) = (0, 0);
    api.memory(&mut free, &mut total)?;
    let fits = |size: &u32| 3 * 4 * (*size as usize).pow(2) <= free / PART;
    let sizes = std::iter::successors(Some(largest), |size| Some(size / 2));
    let Some(size) = sizes.take_while(|size| *size >= SMALLEST).find(fits) else { return Ok(None) };
    let shape = Shape::square(size);
    on_device(api, shape, |api, addresses| {
        for _ in 0..BEFORE {
            product(api, handle, shape, addresses)?;
        }
        let device_us =
            timed(api, |api| (0..TIMED).try_for_each(|_| product(api, handle, shape, addresses)))?;
        let wrong = wrong_of_some(api, shape, addresses)?;
        let operations = 2 * u64::from(size).pow(3) * u64::from(TIMED);
        Ok(Some(Sgemm { size, operations, device_us, compared: COMPARED, wrong }))
    })
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
    let mut taken = Vec::new();
    let done = place(api, shape, &mut taken).and_then(|addresses| work(api, addresses));
    let freed = taken.into_iter().try_for_each(|address| api.free(address));
    done.and_then(|done| freed.map(|()| done))
}

fn place(
    api: &mut Api<'_>,
    shape: Shape,
    taken: &mut Vec<DevicePointer>,
) -> Result<[DevicePointer; 3], ProbeFailure> {
    let [of_a, of_b, of_product] = shape.elements();
    let mut take = |api: &mut Api<'_>, elements: u32| {
        api.take(4 * elements as usize).inspect(|address| taken.push(*address))
    };
    let addresses = [take(api, of_a)?, take(api, of_b)?, take(api, of_product)?];
    let [a, b, result] = addresses;
    api.upload(a, &operand(A, of_a))?;
    api.upload(b, &operand(B, of_b))?;
    api.fill(result, POISON, 4 * of_product as usize)?;
    Ok(addresses)
}

fn product(
    api: &mut Api<'_>,
    handle: Handle,
    shape: Shape,
    [a, b, result]: [DevicePointer; 3],
) -> Result<(), ProbeFailure> {
    let side = |side: u32| i32::try_from(side).unwrap_or(i32::MAX);
    let (rows, columns, inner) = (side(shape.rows), side(shape.columns), side(shape.inner));
    let (one, zero) = (1.0, 0.0);
    api.sgemm(handle, AS_IT_IS, AS_IT_IS, rows, columns, inner, &one, a, rows, b, inner, &zero, result, rows)
}

/// Time of the device for some work on the default stream, in microseconds.
fn timed(
    api: &mut Api<'_>,
    work: impl FnOnce(&mut Api<'_>) -> Result<(), ProbeFailure>,
) -> Result<u64, ProbeFailure> {
    let (mut from, mut to, mut milliseconds) = (0, 0, 0.0);
    api.create_event(&mut from, 0)?;
    api.create_event(&mut to, 0)?;
    api.record(from, 0)?;
    work(api)?;
    api.record(to, 0)?;
    api.wait_for(to)?;
    api.elapsed(&mut milliseconds, from, to)?;
    api.destroy_event(from)?;
    api.destroy_event(to)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is some milliseconds")]
    Ok((milliseconds.max(0.0) * 1000.0) as u64)
}

//! cuDNN at work: one tensor added to another. `cudnnAddTensor` is there from cuDNN 7 to 9.

use super::{
    api::{Api, DevicePointer, Handle},
    arithmetic::{A, B, compare, element, operand, small},
};
use gpucheck_checks::fact::{LibraryOperation, ProbeFailure};

/// Images, channels, rows and columns of the tensors.
const SIDES: [i32; 4] = [2, 3, 20, 28];
const ELEMENTS: u32 = 2 * 3 * 20 * 28;
/// `CUDNN_TENSOR_NCHW`.
const NCHW: i32 = 0;
/// `CUDNN_DATA_FLOAT`.
const FLOAT: i32 = 0;

/// Makes `2 A + 3 C` of two tensors.
pub(super) fn add(api: &mut Api<'_>, handle: Handle) -> Result<LibraryOperation, ProbeFailure> {
    let mut taken = Vec::new();
    let sum = add_on_device(api, handle, &mut taken);
    let freed = taken.into_iter().try_for_each(|address| api.free(address));
    let sum = sum.and_then(|sum| freed.map(|()| sum))?;
    let exact = |index| small(2 * element(A, index) + 3 * element(B, index));
    Ok(compare("cudnnAddTensor", &sum, exact))
}

fn add_on_device(
    api: &mut Api<'_>,
    handle: Handle,
    taken: &mut Vec<DevicePointer>,
) -> Result<Vec<f32>, ProbeFailure> {
    let mut take =
        |api: &mut Api<'_>| api.take(4 * ELEMENTS as usize).inspect(|address| taken.push(*address));
    let (a, c) = (take(api)?, take(api)?);
    api.upload(a, &operand(A, ELEMENTS))?;
    api.upload(c, &operand(B, ELEMENTS))?;
    let mut descriptor = 0;
    api.create_descriptor(&mut descriptor)?;
    let [images, channels, rows, columns] = SIDES;
    api.describe(descriptor, NCHW, FLOAT, images, channels, rows, columns)?;
    let (two, three) = (2.0, 3.0);
    api.add_tensor(handle, &two, descriptor, a, &three, descriptor, c)?;
    api.synchronize()?;
    let mut sum = vec![0.0; ELEMENTS as usize];
    api.download(&mut sum, c)?;
    api.destroy_descriptor(descriptor)?;
    Ok(sum)
}

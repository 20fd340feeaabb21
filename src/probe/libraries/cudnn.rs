//! cuDNN at work: one tensor added to another. `cudnnAddTensor` is there from cuDNN 7 to 9.

use super::{
    api::Library,
    arithmetic::{A, B, compare, element, operand, small},
};
use crate::probe::cuda::api::{Api, Handle};
use gpucheck_checks::fact::{LibraryOperation, ProbeFailure};

/// Images, channels, rows and columns of the tensors.
const SIDES: [i32; 4] = [2, 3, 20, 28];
const ELEMENTS: u32 = 2 * 3 * 20 * 28;
/// `CUDNN_TENSOR_NCHW`.
const NCHW: i32 = 0;
/// `CUDNN_DATA_FLOAT`.
const FLOAT: i32 = 0;

/// Makes `2 A + 3 C` of two tensors.
pub(super) fn add(
    library: Library,
    handle: Handle,
    api: &mut Api<'_>,
) -> Result<LibraryOperation, ProbeFailure> {
    let sum = api.with_memory([4 * ELEMENTS as usize; 2], |api, [a, c]| {
        api.upload(a, &operand(A, ELEMENTS))?;
        api.upload(c, &operand(B, ELEMENTS))?;
        let mut tensor = 0;
        library.create_descriptor(api.trail(), &mut tensor)?;
        let [images, channels, rows, columns] = SIDES;
        library.describe(api.trail(), tensor, NCHW, FLOAT, images, channels, rows, columns)?;
        library.add_tensor(api.trail(), handle, &2.0, tensor, a, &3.0, tensor, c)?;
        api.synchronize()?;
        let mut sum = vec![0.0; ELEMENTS as usize];
        api.download(&mut sum, c)?;
        library.destroy_descriptor(api.trail(), tensor)?;
        Ok(sum)
    })?;
    let exact = |index| small(2 * element(A, index) + 3 * element(B, index));
    Ok(compare("cudnnAddTensor", &sum, exact))
}

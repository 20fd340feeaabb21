//! What is taken of a device for a while: memory, and the time between two events.

use super::api::{Api, DevicePointer, Handle};
use gpucheck_checks::fact::ProbeFailure;

impl Api<'_> {
    /// Works with memory of these sizes, in bytes, and gives it back however that ends.
    pub(in crate::probe) fn with_memory<const N: usize, T>(
        &mut self,
        sizes: [usize; N],
        work: impl FnOnce(&mut Self, [DevicePointer; N]) -> Result<T, ProbeFailure>,
    ) -> Result<T, ProbeFailure> {
        let mut taken = Vec::with_capacity(N);
        let done = self.take_all(sizes, &mut taken).and_then(|addresses| work(self, addresses));
        let given = self.free_all(taken);
        done.and_then(|done| given.map(|()| done))
    }

    fn take_all<const N: usize>(
        &mut self,
        sizes: [usize; N],
        taken: &mut Vec<DevicePointer>,
    ) -> Result<[DevicePointer; N], ProbeFailure> {
        let mut addresses = [0; N];
        for (address, bytes) in addresses.iter_mut().zip(sizes) {
            *address = self.allocate(bytes)?;
            taken.push(*address);
        }
        Ok(addresses)
    }

    /// Gives memory back, all of it also where one piece is refused.
    pub(in crate::probe) fn free_all(
        &mut self,
        taken: impl IntoIterator<Item = DevicePointer>,
    ) -> Result<(), ProbeFailure> {
        let mut given = Ok(());
        for address in taken {
            given = given.and(self.free(address));
        }
        given
    }

    /// Time of the device between two events that were recorded, in microseconds, one at least. Waits for the second.
    pub(in crate::probe) fn between(&mut self, start: Handle, end: Handle) -> Result<u64, ProbeFailure> {
        self.wait_for(end)?;
        let milliseconds = self.elapsed(start, end)?;
        // A context that takes days of it has been given up long before.
        if !(0.0..1e9).contains(&milliseconds) {
            let message = format!("{milliseconds} ms");
            return Err(ProbeFailure::Garbled { step: "cuEventElapsedTime".to_owned(), message });
        }
        Ok(microseconds(milliseconds))
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "neither negative nor large")]
fn microseconds(milliseconds: f32) -> u64 {
    ((f64::from(milliseconds) * 1000.0).round() as u64).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_time_is_none() {
        assert_eq!([0.0, 0.0004, 0.0016, 1.5].map(microseconds), [1, 1, 2, 1500]);
    }
}

//! How many GPUs `CUDA_VISIBLE_DEVICES` leaves to a Python.
//!
//! Invariant: what CUDA would not take for a device of this machine is not counted, nor is what comes after it.

use crate::fact::{Facts, Python};

/// What `CUDA_VISIBLE_DEVICES` is in this Python, and how many of the machine's devices it selects; none where it is not set.
pub(crate) fn of<'a>(facts: &Facts, python: &'a Python) -> Option<(&'a str, usize)> {
    let value = python.cuda_parts.seen()?.variables.get("CUDA_VISIBLE_DEVICES")?;
    let devices = facts.nvml.seen().and_then(|nvml| nvml.devices.seen());
    let devices = devices.into_iter().flatten().filter_map(|device| device.seen()?.uuid.seen());
    let uuids: Vec<&str> = devices.map(String::as_str).collect();
    Some((value, selected(value, facts.gpu_addresses().len(), &uuids)))
}

/// How many devices a value of `CUDA_VISIBLE_DEVICES` selects: CUDA stops at the first entry that names none, and takes a
/// list that names one twice for one that names none.
fn selected(value: &str, gpus: usize, uuids: &[&str]) -> usize {
    let mut named: Vec<&str> = Vec::new();
    for entry in value.split(',').map(str::trim) {
        let is_index = entry.parse::<usize>().is_ok_and(|index| index < gpus);
        let is_gpu = entry.len() > "GPU-".len() && entry.starts_with("GPU-");
        let is_uuid = is_gpu && uuids.iter().any(|uuid| uuid.starts_with(entry));
        // Facts may lack the UUIDs of instances.
        if !(is_index || is_uuid || entry.starts_with("MIG-")) {
            break;
        }
        // UUIDs in a record that was made fit to be shown are all the same.
        if is_index && named.contains(&entry) {
            return 0;
        }
        named.push(entry);
    }
    named.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CUDA C++ Programming Guide, "CUDA Environment Variables": only devices before the first invalid one are visible.
    #[test]
    fn devices_are_selected_up_to_the_first_that_is_none() {
        let uuids = ["GPU-8932f937-d72c-4106-c12f-20bd9faed9f6", "GPU-fef8089b-4820-abfc-e83e-94318197576e"];
        for (value, count) in [
            ("1", 1),
            ("0,1", 2),
            ("1, 0", 2),
            ("0,2,1", 1),
            ("0,-1,1", 1),
            ("1,1", 0),
            ("GPU-fef8089b", 1),
            ("GPU-fef8089b,GPU-8932f937", 2),
            ("GPU-00000000,GPU-8932f937", 0),
            ("GPU-", 0),
            ("MIG-8932f937-d72c-4106-c12f-20bd9faed9f6", 1),
            ("2", 0),
            ("", 0),
        ] {
            assert_eq!(selected(value, 2, &uuids), count, "{value}");
        }
    }
}

//! Readings that are more than one number: retired pages, remapped rows, MIG instances, licensable features.

use super::asked::{Asked, read, refusal};
use gpucheck_checks::fact::{GridFeature, MigInstance, Observed, ProbeFailure, RemappedRows, RetiredPages};
use nvml_wrapper_sys::bindings::{nvmlDevice_t, nvmlGridLicensableFeatures_t};
use std::ffi::c_uint;

/// `nvmlPageRetirementCause_t`: many corrected errors, an uncorrected one.
const CAUSE: [u32; 2] = [0, 1];
/// `NVML_ERROR_NOT_FOUND`.
const NOT_FOUND: u32 = 6;
/// `NVML_ERROR_INSUFFICIENT_SIZE`: the count is told, the entries had no room.
pub(super) const INSUFFICIENT_SIZE: u32 = 7;

/// Retired pages; Ampere and later remap rows and refuse this.
pub(super) fn retired_pages(asked: &mut Asked<'_>) -> Result<RetiredPages, ProbeFailure> {
    let [single, double] = CAUSE;
    Ok(RetiredPages {
        single_bit: retired_for(asked, single)?,
        double_bit: retired_for(asked, double)?,
        pending: read!(asked, value, nvmlDeviceGetRetiredPagesPendingStatus)? != 0,
    })
}

fn retired_for(asked: &mut Asked<'_>, cause: u32) -> Result<u32, ProbeFailure> {
    let name = "nvmlDeviceGetRetiredPages";
    let mut count: c_uint = 0;
    let code = asked.code(name, &asked.lib.nvmlDeviceGetRetiredPages, |get, device| {
        // SAFETY: nvml.h declares this signature; with a count of 0 the call writes the count alone.
        unsafe { get(device, cause, &raw mut count, std::ptr::null_mut()) }
    })?;
    match code {
        0 | INSUFFICIENT_SIZE => Ok(count),
        code => Err(refusal(name, code)),
    }
}

/// Remapped rows, from Ampere.
pub(super) fn remapped_rows(asked: &mut Asked<'_>) -> Result<RemappedRows, ProbeFailure> {
    let (mut corrected, mut uncorrected, mut pending, mut failed) = (0, 0, 0, 0);
    asked.call("nvmlDeviceGetRemappedRows", &asked.lib.nvmlDeviceGetRemappedRows, |get, device| {
        // SAFETY: nvml.h declares this signature, and the four numbers outlive the call.
        unsafe { get(device, &raw mut corrected, &raw mut uncorrected, &raw mut pending, &raw mut failed) }
    })?;
    Ok(RemappedRows { corrected, uncorrected, pending: pending != 0, failed: failed != 0 })
}

/// MIG instances, where the mode is on.
pub(super) fn mig_instances(
    asked: &mut Asked<'_>,
    mode: &Observed<(bool, bool)>,
) -> Observed<Vec<MigInstance>> {
    match mode {
        Observed::Seen((true, _)) => instances(asked).into(),
        Observed::Seen((false, _)) => Observed::not_probed("MIG mode is off"),
        Observed::Failed(_) | Observed::Interrupted { .. } | Observed::NotProbed { .. } => {
            Observed::not_probed("MIG mode is not known")
        }
    }
}

fn instances(asked: &mut Asked<'_>) -> Result<Vec<MigInstance>, ProbeFailure> {
    let places = read!(asked, value, nvmlDeviceGetMaxMigDeviceCount)?;
    let mut instances = Vec::new();
    for index in 0..places {
        if let Some(handle) = instance(asked, index)? {
            let mut instance = Asked { lib: asked.lib, handle, trail: &mut *asked.trail };
            let asked = &mut instance;
            instances.push(MigInstance { index, name: read!(asked, text, nvmlDeviceGetName).into() });
        }
    }
    Ok(instances)
}

/// The instance in this place; none where the place is free.
fn instance(asked: &mut Asked<'_>, index: u32) -> Result<Option<nvmlDevice_t>, ProbeFailure> {
    let name = "nvmlDeviceGetMigDeviceHandleByIndex";
    let mut handle: nvmlDevice_t = std::ptr::null_mut();
    let code = asked.code(name, &asked.lib.nvmlDeviceGetMigDeviceHandleByIndex, |get, device| {
        // SAFETY: nvml.h declares this signature, and `handle` outlives the call.
        unsafe { get(device, index, &raw mut handle) }
    })?;
    match code {
        0 => Ok(Some(handle)),
        NOT_FOUND => Ok(None),
        code => Err(refusal(name, code)),
    }
}

/// Words that any version of the features' structure fits in; the fourth has 215.
const GRID_WORDS: usize = 1024;

/// Licensable features. Each version of the call has longer entries than the one before, in nvml.h's words: a
/// code, a state and 128 bytes of licence; then 128 bytes of product; then "enabled"; then 16 bytes of expiry.
pub(super) fn grid_features(asked: &mut Asked<'_>) -> Result<Vec<GridFeature>, ProbeFailure> {
    let lib = asked.lib;
    let versions = [
        ("nvmlDeviceGetGridLicensableFeatures_v4", &lib.nvmlDeviceGetGridLicensableFeatures_v4, 71),
        ("nvmlDeviceGetGridLicensableFeatures_v3", &lib.nvmlDeviceGetGridLicensableFeatures_v3, 67),
        ("nvmlDeviceGetGridLicensableFeatures_v2", &lib.nvmlDeviceGetGridLicensableFeatures_v2, 66),
        ("nvmlDeviceGetGridLicensableFeatures", &lib.nvmlDeviceGetGridLicensableFeatures, 34),
    ];
    let there = versions.iter().find(|(_, symbol, _)| symbol.is_ok());
    let [newest, ..] = &versions;
    let (name, symbol, stride) = there.unwrap_or(newest);
    let mut room = [0_u32; GRID_WORDS];
    asked.call(name, symbol, |get, device| {
        // SAFETY: the signature is nvml.h's but for the version of the structure, and the room is larger than
        // any version and aligned like it.
        unsafe { get(device, room.as_mut_ptr().cast::<nvmlGridLicensableFeatures_t>()) }
    })?;
    Ok(parse_grid(&room, *stride))
}

/// The features in a structure whose entries are `stride` words long, after the two words "supported" and count.
fn parse_grid(room: &[u32], stride: usize) -> Vec<GridFeature> {
    let (supported, count, entries) = match room {
        [supported, count, entries @ ..] => (*supported, *count, entries),
        _ => return Vec::new(),
    };
    if supported == 0 {
        return Vec::new();
    }
    let count = usize::try_from(count).unwrap_or_default();
    let features = entries.chunks_exact(stride).take(count.min(3)).filter_map(|entry| match entry {
        [code, state, ..] => Some(GridFeature { code: *code, licensed: *state != 0 }),
        _ => None,
    });
    features.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use nvml_wrapper_sys::bindings::nvmlGridLicensableFeature_t;

    #[test]
    fn the_fourth_versions_entry_is_as_long_as_the_bindings_say() {
        assert_eq!(size_of::<nvmlGridLicensableFeature_t>(), 71 * size_of::<u32>());
        assert!(size_of::<nvmlGridLicensableFeatures_t>() <= GRID_WORDS * size_of::<u32>());
    }

    #[test]
    fn entries_are_found_at_the_stride_of_their_version() {
        for stride in [34, 66, 67, 71] {
            let mut room = [0_u32; GRID_WORDS];
            room[..2].copy_from_slice(&[1, 2]);
            room[2..4].copy_from_slice(&[1, 0]);
            room[2 + stride..4 + stride].copy_from_slice(&[2, 1]);
            assert_eq!(
                parse_grid(&room, stride),
                [GridFeature { code: 1, licensed: false }, GridFeature { code: 2, licensed: true }]
            );
        }
    }

    #[test]
    fn an_absurd_count_reads_no_further_than_the_structure() {
        assert_eq!(parse_grid(&[u32::MAX; GRID_WORDS], 71).len(), 3);
        assert!(parse_grid(&[0; GRID_WORDS], 71).is_empty());
    }
}

//! The keys that a machine's owner enrolled, as shim passes them on: names of certificates in `MokListRT`.
//!
//! Source: shim's README and MokVars.txt; UEFI Specification 2.10, 32.4.1 "Signature Database".

use crate::{probe::module, root::Root};
use gpucheck_checks::fact::Observed;

/// The variable, or what newer Linux shows beside it where the list is long.
const LISTS: [&str; 2] = [
    "/sys/firmware/efi/mok-variables/MokListRT",
    "/sys/firmware/efi/efivars/MokListRT-605dab50-e046-4300-abb6-3dd810dd8b23",
];
/// Bytes read of the list, and names kept.
const MOST: u64 = 256 << 10;
const NAMES: usize = 50;

/// The names in the list. Without UEFI there is none.
pub(super) fn enrolled(root: &Root) -> Observed<Vec<String>> {
    let Some(path) = LISTS.iter().find(|path| root.exists(path)) else {
        return Observed::not_probed("no list of keys of shim's is shown");
    };
    match root.bytes(path, MOST) {
        Ok(bytes) => {
            let mut names: Vec<String> = module::common_names(&bytes).take(NAMES).collect();
            names.sort();
            names.dedup();
            Observed::Seen(names)
        }
        Err(error) => Observed::refused(&format!("read {path}"), 0, "unreadable", error.to_string()),
    }
}

//! What every clone of this machine inherits, by files alone.

mod caches;
mod host;
mod jupyter;
mod places;
mod secrets;
mod variables;

use crate::root::Root;
use gpucheck_checks::fact::{Clones, Observed};
use places::Places;

/// Looks at what is cloned.
pub fn probe(root: &Root) -> Observed<Clones> {
    let places = Places::of(root);
    let jupyter = jupyter::access(root, &places);
    Observed::Seen(Clones {
        variables: variables::variables(root, &places),
        host: host::traces(root, &places, &jupyter),
        secrets: secrets::secrets(root, &places),
        caches: caches::caches(root, &places),
        closed_homes: places.closed(root),
        jupyter,
    })
}

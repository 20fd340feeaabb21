//! What every clone of this machine inherits, by files alone.

mod caches;
mod homes;
mod host;
mod jupyter;
mod places;
mod secrets;
mod student;
mod variables;
mod ways_in;

use crate::root::Root;
use gpucheck_checks::fact::{Clones, Observed};
use places::Places;
use std::path::PathBuf;

/// What is asked beside the files.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// A list of accounts, as `/etc/passwd` is one, in its place.
    pub list: Option<PathBuf>,
    /// The account that students will log in as.
    pub student: Option<String>,
}

/// Looks at what is cloned.
pub fn probe(root: &Root, ask: &Ask) -> Observed<Clones> {
    let passwd = match &ask.list {
        Some(list) => Root::new("/").text(&list.to_string_lossy()),
        None => root.text("/etc/passwd"),
    };
    let places = Places::of(root, passwd.as_deref().unwrap_or_default());
    let jupyter = jupyter::access(root, &places);
    Observed::Seen(Clones {
        variables: variables::variables(root, &places),
        host: host::traces(root, &places, &jupyter),
        secrets: secrets::secrets(root, &places),
        caches: caches::caches(root, &places),
        closed_homes: places.closed(root),
        homes: homes::homes(root, &places, ask, &passwd),
        jupyter,
    })
}

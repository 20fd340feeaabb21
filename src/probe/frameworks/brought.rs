//! Whether JAX came along with TensorFlow, and nobody asked for it.
//!
//! TensorFlow 2.12 requires `jax (>=0.3.15)`: whoever installs it has a JAX for the CPU beside it.
//!
//! It came along where TensorFlow requires it, nothing else that is there does (who installs Flax wants JAX), and it
//! bears no file `REQUESTED`, which pip leaves for what a person asks for. Older pips, conda and others leave it for
//! nothing: there a JAX that was asked for beside TensorFlow 2.12 is taken for one that came along, for else every
//! environment with that release would be told to be in trouble.
//!
//! Source: <https://packaging.python.org/en/latest/specifications/recording-installed-packages/>, python/peps#1549.

use super::{
    distributions::{TENSORFLOWS, of_name},
    metadata::requires_one_of,
};
use crate::root::Root;
use std::collections::BTreeMap;

/// What JAX without CUDA consists of; whoever has more of it asked for more.
const JAX: [&str; 2] = ["jax", "jaxlib"];

/// The distribution that brought JAX, with its version.
pub(super) fn by(root: &Root, folders: &[&str]) -> Option<String> {
    let found = metadata_folders(root, folders);
    let jax = || found.iter().filter(|(name, _)| JAX.contains(&name.as_str()));
    let requested = |found: &Found| root.exists(&format!("{}/REQUESTED", found.folder));
    if jax().next().is_none() || jax().any(|(_, found)| requested(found)) {
        return None;
    }
    let others = found.iter().filter(|(name, _)| !JAX.contains(&name.as_str()));
    let wanting = others.filter(|(_, found)| requires_jax(root, &found.folder));
    let (tensorflows, rest): (Vec<_>, Vec<_>) =
        wanting.partition(|(name, _)| TENSORFLOWS.contains(&name.as_str()));
    let (name, found) = tensorflows.first().filter(|_| rest.is_empty())?;
    Some(format!("{name} {}", found.version))
}

struct Found {
    folder: String,
    version: String,
}

/// The metadata of what is installed, by normal name; of two with one name the first on the path.
fn metadata_folders(root: &Root, folders: &[&str]) -> BTreeMap<String, Found> {
    let mut found = BTreeMap::new();
    for parent in folders {
        for entry in root.names(parent) {
            let folder = format!("{parent}/{entry}");
            if let Some((name, version)) = of_name(&entry) {
                found.entry(name).or_insert(Found { folder, version });
            }
        }
    }
    found
}

fn requires_jax(root: &Root, folder: &str) -> bool {
    let metadata = root.text_of(&format!("{folder}/METADATA"));
    metadata.is_some_and(|metadata| requires_one_of(&metadata, &JAX))
}

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
    distributions::{Found, Installed, TENSORFLOWS},
    metadata::requires_one_of,
};
use crate::root::Root;

/// What JAX without CUDA consists of; whoever has more of it asked for more.
const JAX: [&str; 2] = ["jax", "jaxlib"];

/// The distribution that brought JAX, with its version.
pub(super) fn by(root: &Root, installed: &Installed) -> Option<String> {
    let jax = || installed.all().filter(|(name, _)| JAX.contains(&name.as_str()));
    let requested = |found: &Found| root.exists(&format!("{}/REQUESTED", found.folder()));
    if jax().next().is_none() || jax().any(|(_, found)| requested(found)) {
        return None;
    }
    let wants =
        |found: &Found| installed.metadata(found).is_some_and(|metadata| requires_one_of(&metadata, &JAX));
    let is_tensorflow = |name: &String| TENSORFLOWS.contains(&name.as_str());
    let (name, found) = installed.all().find(|(name, found)| is_tensorflow(name) && wants(found))?;
    let mut rest = installed.all().filter(|(name, _)| !is_tensorflow(name) && !JAX.contains(&name.as_str()));
    // Hundreds of files are read here, and only beside a TensorFlow that wants JAX.
    (!rest.any(|(_, found)| wants(found))).then(|| format!("{name} {}", found.version))
}

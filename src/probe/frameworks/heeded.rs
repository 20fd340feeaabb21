//! The variables that frameworks heed, and those that somebody else may be handed.

use super::{discover::Environment, leftovers::inherited};
use crate::child::Variables;
use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    ffi::OsString,
};

/// What names of variables that decide about a framework begin with.
const DECIDING: [&str; 25] = [
    "ABSL_",
    "CUBLAS_",
    "CUDA",
    "CUDNN_",
    "CUPY_",
    "GLIBC_TUNABLES",
    "JAX_",
    "KERAS_",
    "KMP_",
    "LD_",
    "MALLOC_",
    "MKL_",
    "NCCL_",
    "NPY_",
    "NUMBA_",
    "NVIDIA_",
    "OMP_",
    "OPENBLAS_",
    "PROTOCOL_BUFFERS_",
    "PYTHON",
    "PYTORCH_",
    "RAPIDS_",
    "TF_",
    "TORCH",
    "XLA_",
];
/// Variables that tell nothing secret and that a program may want.
const HARMLESS: [&str; 10] =
    ["CONDA_PREFIX", "HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "TMPDIR", "TZ", "USER", "VIRTUAL_ENV"];
/// What names of Terraform's variables begin with, which hold passwords.
const TERRAFORM: &str = "TF_VAR_";

/// The variables that a framework heeds, with what the Python would inherit.
pub(super) fn deciding(environment: &Environment) -> BTreeMap<OsString, OsString> {
    inherited_where(environment, |name| name == "HOME" || is_heeded(name))
}

fn is_heeded(name: &str) -> bool {
    DECIDING.iter().any(|start| name.starts_with(start))
}

/// The variables that somebody else may be handed.
pub(super) fn harmless(environment: &Environment) -> Variables {
    let is_harmless =
        |name: &str| HARMLESS.contains(&name) || (is_heeded(name) && !name.starts_with(TERRAFORM));
    inherited_where(environment, is_harmless).into_iter().collect()
}

fn inherited_where(environment: &Environment, counts: impl Fn(&str) -> bool) -> BTreeMap<OsString, OsString> {
    let own = environment.base.is_none().then(env::vars_os).into_iter().flatten().map(|(name, _)| name);
    let base = environment.base.iter().flatten().map(|(name, _)| name.clone());
    let changed = environment.changes.iter().map(|(name, _)| OsString::from(name.as_ref()));
    let names = own.chain(base).chain(changed).filter(|name| counts(&name.to_string_lossy()));
    let names: BTreeSet<OsString> = names.collect();
    names
        .into_iter()
        .filter_map(|name| Some((name.clone(), inherited(environment, &name.to_string_lossy())?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_handed_on() {
        let variable = |name: &str| (OsString::from(name), OsString::from("x"));
        let names = [
            "PATH",
            "TF_FORCE_GPU_ALLOW_GROWTH",
            "TF_VAR_password",
            "JUPYTERHUB_API_TOKEN",
            "LD_LIBRARY_PATH",
        ];
        let environment = Environment { base: Some(names.map(variable).into()), ..Environment::default() };
        let handed: Vec<OsString> = harmless(&environment).into_iter().map(|(name, _)| name).collect();
        assert_eq!(handed, ["LD_LIBRARY_PATH", "PATH", "TF_FORCE_GPU_ALLOW_GROWTH"]);
        assert!(deciding(&environment).contains_key(&OsString::from("TF_VAR_password")));
    }
}

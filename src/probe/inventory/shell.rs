//! The variables of the asking shell that decide what a framework finds.
//!
//! Invariant: names that are known to hold secrets are left out, and so is a value that holds a password.

use std::{collections::BTreeMap, ffi::OsString};

/// Variables that are told.
const TOLD: [&str; 6] = [
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "CONDA_DEFAULT_ENV",
    "CONDA_OVERRIDE_CUDA",
];
/// What the names of others begin with that are told.
const BEGINNINGS: [&str; 8] = ["CUDA_", "NVIDIA_", "TF_", "XLA_", "JAX_", "PYTORCH_", "TORCH_", "PYTHON"];
/// Terraform's variables, which hold what it likes.
const FOREIGN: [&str; 2] = ["TF_VAR_", "TF_CLI_"];
/// What a name has that holds a secret, as `NVIDIA_API_KEY` does.
const SECRET: [&str; 7] = ["KEY", "TOKEN", "SECRET", "PASS", "CREDENTIAL", "AUTH", "COOKIE"];
/// Longest value that is kept, in characters.
const LONGEST: usize = 2000;
/// Most variables that are kept.
const MOST: usize = 128;

/// Those that are told.
pub(super) fn variables(all: impl Iterator<Item = (OsString, OsString)>) -> BTreeMap<String, String> {
    let text = |text: OsString| text.to_string_lossy().into_owned();
    let all = all.map(|(name, value)| (text(name), text(value)));
    let told = all.filter(|(name, value)| is_told(name) && !(value.contains("://") && value.contains('@')));
    told.take(MOST).map(|(name, value)| (name, value.chars().take(LONGEST).collect())).collect()
}

fn is_told(name: &str) -> bool {
    let begins = |beginnings: &[&str]| beginnings.iter().any(|beginning| name.starts_with(beginning));
    let is_secret = SECRET.iter().any(|word| name.to_ascii_uppercase().contains(word));
    !is_secret && !begins(&FOREIGN) && (TOLD.contains(&name) || begins(&BEGINNINGS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_decides_is_told_and_secrets_are_not() {
        let told = [
            ("CUDA_VISIBLE_DEVICES", ""),
            ("LD_LIBRARY_PATH", "/usr/local/cuda/lib64"),
            ("PYTHONPATH", "/opt/class"),
            ("XLA_FLAGS", "--xla_gpu_cuda_data_dir=/usr/lib/cuda"),
        ];
        let kept = [
            ("HOME", "/home/kim"),
            ("NVIDIA_API_KEY", "nvapi-1"),
            ("TF_TOKEN_app_terraform_io", "x"),
            ("TF_VAR_db_password", "x"),
            ("JAX_PROXY", "http://kim:hunter2@proxy:8080"),
            ("WANDB_API_KEY", "x"),
        ];
        let all = told.into_iter().chain(kept).map(|(name, value)| (name.into(), value.into()));
        let expected: BTreeMap<String, String> =
            told.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        assert_eq!(variables(all), expected);
    }
}

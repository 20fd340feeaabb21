//! What conda installed in a prefix, by its files in `conda-meta`.
//!
//! Invariant: a file there may be megabytes long and lists paths first or last as conda likes; only the few fields that
//! are wanted are kept, and a file that is no such JSON is passed over.

use crate::root::Root;
use gpucheck_checks::fact::CondaPackage;
use serde::Deserialize;

/// Names of the packages that are told, or what they begin with.
const TOLD: [&str; 14] = [
    "__cuda",
    "cuda-",
    "cudatoolkit",
    "cudnn",
    "jax",
    "libcu",
    "libnvjitlink",
    "libtensorflow",
    "libtorch",
    "nccl",
    "pytorch",
    "tensorflow",
    "tf-",
    "torch",
];
/// Most packages that are told; a full set of CUDA's has about fifty.
const MOST: usize = 128;
/// Most files that are gone through; a full Anaconda has about five hundred.
const MOST_FILES: usize = 8192;
/// Longest file that is read, in bytes; one that is longer is told by its name alone, NAME-VERSION-BUILD.json.
const LONGEST: u64 = 1 << 20;

#[derive(Deserialize)]
struct Record {
    name: String,
    version: String,
    #[serde(default)]
    build: String,
    #[serde(default)]
    channel: String,
}

/// The packages of frameworks and of CUDA, by name; none where the prefix is not conda's.
pub(super) fn packages(root: &Root, prefix: &str) -> Option<Vec<CondaPackage>> {
    let folder = format!("{prefix}/conda-meta");
    if !root.is_folder(&folder) {
        return None;
    }
    let is_told = |name: &str| TOLD.iter().any(|told| name.starts_with(told));
    let files = root.some_names(&folder, MOST_FILES);
    let stems = files.iter().filter_map(|file| file.strip_suffix(".json")).filter(|stem| is_told(stem));
    Some(stems.take(MOST).filter_map(|stem| package(root, &folder, stem)).collect())
}

/// Every package by name, its version and its build with a blank between them, as the names of the records tell.
pub(crate) fn all(root: &Root, prefix: &str) -> Vec<(String, String)> {
    let files = root.some_names(&format!("{prefix}/conda-meta"), MOST_FILES);
    let packages = files.iter().filter_map(|file| by_name(file.strip_suffix(".json")?));
    packages.map(|package| (package.name, format!("{} {}", package.version, package.build))).collect()
}

fn package(root: &Root, folder: &str, stem: &str) -> Option<CondaPackage> {
    let bytes = root.bytes(&format!("{folder}/{stem}.json"), LONGEST).unwrap_or_default();
    match serde_json::from_slice(&bytes) {
        Ok(Record { name, version, build, channel }) => Some(CondaPackage { name, version, build, channel }),
        // One of PyTorch's has millions of bytes of paths, after the channel and, by conda, before the name.
        Err(_) => by_name(stem).map(|package| CondaPackage { channel: channel_in(&bytes), ..package }),
    }
}

/// The channel in the beginning of a record; empty where it is not told there.
fn channel_in(beginning: &[u8]) -> String {
    let text = String::from_utf8_lossy(beginning);
    let value = text.split_once("\"channel\":").map(|(_, rest)| rest.trim_start());
    let value = value.and_then(|rest| rest.strip_prefix('"')?.split('"').next());
    value.filter(|channel| channel.len() < 1024).unwrap_or_default().to_owned()
}

fn by_name(stem: &str) -> Option<CondaPackage> {
    let (rest, build) = stem.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    let [name, version, build] = [name, version, build].map(str::to_owned);
    Some(CondaPackage { name, version, build, channel: String::new() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn packages_are_told_by_their_records_and_else_by_their_names() {
        let prefix = tempfile::tempdir().unwrap();
        let root = Root::new(prefix.path());
        assert_eq!(packages(&root, ""), None);
        let folder = prefix.path().join("conda-meta");
        fs::create_dir(&folder).unwrap();
        let record = r#"{"build": "cpu_py311h5fcc578_0", "channel": "https://conda.anaconda.org/conda-forge/linux-64",
                         "files": ["bin/x"], "name": "tensorflow", "version": "2.13.1", "size": 1}"#;
        fs::write(folder.join("tensorflow-2.13.1-cpu_py311h5fcc578_0.json"), record).unwrap();
        fs::write(folder.join("cudnn-8.9.7.29-hbc23b4c_3.json"), "{\"name\": 1").unwrap();
        fs::write(folder.join("numpy-1.26.4-py311h64a7726_0.json"), "{}").unwrap();
        fs::write(folder.join("history"), "").unwrap();
        // In the order of conda's own, as conda/rattler's test-data/conda-meta has one of 612 kB.
        let paths = "\"lib/python3.11/site-packages/torch/include/ATen/ops/abs.h\", ".repeat(40_000);
        let long = format!(
            r#"{{"build": "cpu_py311h6f2a0c4_1", "channel": "https://conda.anaconda.org/conda-forge/", "files": [{paths}"x"],
                "name": "pytorch", "version": "1.12.1"}}"#
        );
        assert!(long.len() as u64 > LONGEST);
        fs::write(folder.join("pytorch-1.12.1-cpu_py311h6f2a0c4_1.json"), long).unwrap();
        let found = packages(&root, "").unwrap();
        let told: Vec<_> =
            found.iter().map(|package| (package.name.as_str(), package.build.as_str())).collect();
        assert_eq!(
            told,
            [
                ("cudnn", "hbc23b4c_3"),
                ("pytorch", "cpu_py311h6f2a0c4_1"),
                ("tensorflow", "cpu_py311h5fcc578_0")
            ]
        );
        let versions: Vec<_> = found.iter().map(|package| package.version.as_str()).collect();
        assert_eq!(versions, ["8.9.7.29", "1.12.1", "2.13.1"]);
        let everything = [
            ("cudnn", "8.9.7.29 hbc23b4c_3"),
            ("numpy", "1.26.4 py311h64a7726_0"),
            ("pytorch", "1.12.1 cpu_py311h6f2a0c4_1"),
            ("tensorflow", "2.13.1 cpu_py311h5fcc578_0"),
        ];
        assert_eq!(all(&root, ""), everything.map(|(name, version)| (name.to_owned(), version.to_owned())));
        let channels: Vec<_> = found.iter().map(|package| package.channel.as_str()).collect();
        let forge = "https://conda.anaconda.org/conda-forge/";
        assert_eq!(channels, ["", forge, &format!("{forge}linux-64")]);
    }
}

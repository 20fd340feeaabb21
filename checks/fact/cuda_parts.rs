//! What the environment of a Python has of CUDA, read from its files.

use super::{Distribution, Observed};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The parts of CUDA that the frameworks of one environment could take.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CudaParts {
    /// Installed `nvidia-*` distributions, by name.
    pub distributions: Vec<Distribution>,
    /// conda's packages of frameworks and of CUDA; empty outside a conda environment.
    pub conda: Vec<CondaPackage>,
    /// Folders with CUDA libraries, roughly as the dynamic loader goes through them, those of `LD_LIBRARY_PATH` and those
    /// that cannot be read in any case.
    pub folders: Vec<LibraryFolder>,
    /// Paths of `libdevice.10.bc` in the places where XLA may look.
    pub libdevice: Vec<String>,
    /// Paths of `ptxas` there and on `PATH`.
    pub ptxas: Vec<String>,
    /// The inherited variables that decide about CUDA in a framework.
    pub variables: BTreeMap<String, String>,
}

/// A package of conda, as its file in `conda-meta` tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CondaPackage {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Build, such as `cpu_py311h6f2a0c4_0`.
    pub build: String,
    /// Channel, such as `https://conda.anaconda.org/conda-forge/linux-64`; empty where it is not told.
    pub channel: String,
}

/// A folder in which a loader could find CUDA libraries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LibraryFolder {
    /// What makes it one.
    pub place: LibraryPlace,
    /// Its path.
    pub path: String,
    /// Names of the CUDA libraries in it, sorted.
    pub files: Observed<Vec<String>>,
}

/// What makes a folder one of libraries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LibraryPlace {
    /// `LD_LIBRARY_PATH` names it.
    LibraryPath,
    /// `nvidia/*/lib` of a `nvidia-*` distribution.
    Wheel,
    /// `lib` of the conda environment.
    Conda,
    /// The loader's configuration or its own habit.
    Loader,
    /// A CUDA toolkit that the loader is not told of.
    Toolkit,
}

impl CudaParts {
    /// The version of an installed distribution.
    pub fn distribution(&self, name: &str) -> Option<&str> {
        self.distributions.iter().find(|found| found.name == name).map(|found| found.version.as_str())
    }

    /// A package of conda.
    pub fn conda_package(&self, name: &str) -> Option<&CondaPackage> {
        self.conda.iter().find(|package| package.name == name)
    }

    /// The folders that hold a file of this name, in the order of the loader.
    pub fn folders_with<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a LibraryFolder> {
        self.folders.iter().filter(move |folder| folder.names().any(|file| file == name))
    }

    /// Other versions of a library, as paths: for `libcudnn.so.8` each `libcudnn.so.9` and the like.
    pub fn other_versions(&self, name: &str) -> Vec<String> {
        let Some((stem, wanted)) = name.split_once(".so.") else { return Vec::new() };
        let is_other = |file: &&str| {
            let version = file.strip_prefix(stem).and_then(|rest| rest.strip_prefix(".so."));
            // By three and more parts a file says again what its link says with fewer.
            version.is_some_and(|version| major(version) != major(wanted) && version.split('.').count() < 3)
        };
        let of = |folder: &LibraryFolder| -> Vec<String> {
            folder.names().filter(is_other).map(|file| format!("{}/{file}", folder.path)).collect()
        };
        self.folders.iter().flat_map(of).collect()
    }
}

fn major(version: &str) -> &str {
    version.split('.').next().unwrap_or(version)
}

impl LibraryFolder {
    /// The names of its CUDA libraries.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.seen().into_iter().flatten().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> CudaParts {
        let folder = |place, path: &str, files: &[&str]| LibraryFolder {
            place,
            path: path.to_owned(),
            files: Observed::Seen(files.iter().map(|file| (*file).to_owned()).collect()),
        };
        CudaParts {
            folders: vec![
                folder(
                    LibraryPlace::Conda,
                    "/env/lib",
                    &["libcudart.so.11.0", "libcudnn.so.8", "libcudnn.so.8.4.1"],
                ),
                folder(
                    LibraryPlace::Toolkit,
                    "/usr/local/cuda/lib64",
                    &["libcudart.so", "libcudart.so.12", "libcudart.so.12.2.140"],
                ),
            ],
            ..CudaParts::default()
        }
    }

    #[test]
    fn a_library_is_found_by_its_whole_name() {
        let parts = parts();
        let places: Vec<_> = parts.folders_with("libcudart.so.12").map(|folder| folder.place).collect();
        assert_eq!(places, [LibraryPlace::Toolkit]);
        assert_eq!(parts.folders_with("libcudnn.so.9").count(), 0);
    }

    #[test]
    fn other_versions_are_those_of_the_same_library() {
        let parts = parts();
        assert_eq!(parts.other_versions("libcudnn.so.9"), ["/env/lib/libcudnn.so.8"]);
        assert_eq!(parts.other_versions("libcudart.so.12"), ["/env/lib/libcudart.so.11.0"]);
        assert_eq!(parts.other_versions("libcudart.so.11.0"), ["/usr/local/cuda/lib64/libcudart.so.12"]);
        assert_eq!(parts.other_versions("libcublas.so.12"), [""; 0]);
    }
}

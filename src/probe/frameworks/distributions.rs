//! The distributions that a Python has, by the names of their metadata folders.
//!
//! Invariant: of two distributions with one name the first on `sys.path` counts, as it does for Python.

use super::metadata::{normal, of_extra, requirements};
use crate::root::Root;
use gpucheck_checks::fact::{Distribution, ExtraRequirement};
use std::collections::{BTreeMap, BTreeSet};

/// Distributions that bring a package named `tensorflow`, in their normal form.
pub(super) const TENSORFLOWS: [&str; 14] = [
    "intel-tensorflow",
    "intel-tensorflow-avx512",
    "nvidia-tensorflow",
    "tensorflow",
    "tensorflow-aarch64",
    "tensorflow-cpu",
    "tensorflow-cpu-aws",
    "tensorflow-gpu",
    "tensorflow-intel",
    "tensorflow-macos",
    "tensorflow-rocm",
    "tf-nightly",
    "tf-nightly-cpu",
    "tf-nightly-gpu",
];
/// Distributions that are of use with TensorFlow alone and do not install it.
///
/// Source: their metadata on <https://pypi.org>.
const COMPANIONS: [&str; 12] = [
    "tensorflow-addons",
    "tensorflow-datasets",
    "tensorflow-decision-forests",
    "tensorflow-estimator",
    "tensorflow-hub",
    "tensorflow-io",
    "tensorflow-io-gcs-filesystem",
    "tensorflow-model-optimization",
    "tensorflow-probability",
    "tensorflow-text",
    "tf-agents",
    "tf-keras",
];
/// Longest `sys.path` that is walked; an honest one has about ten entries.
const LONGEST_PATH: usize = 256;
/// Most distributions of a kind that are told; NVIDIA has about thirty.
const MOST_TOLD: usize = 128;

/// What is installed, by normal name.
#[derive(Debug)]
pub(super) struct Installed {
    root: Root,
    by_name: BTreeMap<String, Found>,
}

/// A distribution and where it is described.
#[derive(Debug, PartialEq)]
pub(super) struct Found {
    pub(super) version: String,
    /// The folder that packages are imported from.
    site: String,
    /// The name of the folder of metadata in it.
    file_name: String,
}

impl Found {
    /// The folder of its metadata.
    pub(super) fn folder(&self) -> String {
        format!("{}/{}", self.site, self.file_name)
    }
}

impl Installed {
    /// Everything on a `sys.path`.
    pub(super) fn on(root: &Root, sys_path: &[String]) -> Self {
        let mut by_name = BTreeMap::new();
        for site in sys_path.iter().filter(|site| site.starts_with('/')).take(LONGEST_PATH) {
            for file_name in root.names(site) {
                if let Some((name, version)) = of_name(&file_name) {
                    by_name.entry(name).or_insert(Found { version, site: site.clone(), file_name });
                }
            }
        }
        Self { root: root.clone(), by_name }
    }

    /// The version of a distribution.
    pub(super) fn version(&self, name: &str) -> Option<&str> {
        self.by_name.get(name).map(|found| found.version.as_str())
    }

    /// All of them, by name.
    pub(super) fn all(&self) -> impl Iterator<Item = (&String, &Found)> {
        self.by_name.iter()
    }

    /// What a distribution says of itself: METADATA, of old PKG-INFO.
    pub(super) fn metadata(&self, found: &Found) -> Option<String> {
        let name = if found.file_name.ends_with(".dist-info") { "METADATA" } else { "PKG-INFO" };
        self.root.text_of(&format!("{}/{name}", found.folder()))
    }

    /// The distributions that bring TensorFlow.
    pub(super) fn tensorflows(&self) -> Vec<Distribution> {
        let found = |name: &&str| {
            let version = self.by_name.get(*name)?.version.clone();
            Some(Distribution { name: (*name).to_owned(), version })
        };
        TENSORFLOWS.iter().filter_map(found).collect()
    }

    /// The names of those that lie in another folder than this package.
    pub(super) fn tensorflows_beyond(&self, package: &str) -> Vec<String> {
        let is_beyond = |name: &&&str| {
            let here = package.rsplit_once('/').map(|(folder, _)| folder);
            self.by_name.get(**name).is_some_and(|found| Some(found.site.as_str()) != here)
        };
        TENSORFLOWS.iter().filter(is_beyond).map(|name| (*name).to_owned()).collect()
    }

    /// The distributions whose names begin with this.
    pub(super) fn starting_with(&self, start: &str) -> Vec<Distribution> {
        let found = self.by_name.iter().filter(|(name, _)| name.starts_with(start)).take(MOST_TOLD);
        found
            .map(|(name, found)| Distribution { name: name.clone(), version: found.version.clone() })
            .collect()
    }

    /// The folders of packages that those lie in.
    pub(super) fn folders_of(&self, start: &str) -> BTreeSet<String> {
        let found = self.by_name.iter().filter(|(name, _)| name.starts_with(start));
        found.map(|(_, found)| found.site.clone()).collect()
    }

    /// What is of use with TensorFlow alone.
    pub(super) fn companions(&self) -> Vec<Distribution> {
        let found = |name: &&str| {
            let version = self.by_name.get(*name)?.version.clone();
            Some(Distribution { name: (*name).to_owned(), version })
        };
        COMPANIONS.iter().filter_map(found).collect()
    }

    /// What the extra `and-cuda` of TensorFlow's first distribution would install, beside what is.
    pub(super) fn cuda_extra(&self) -> Vec<ExtraRequirement> {
        let mut tensorflows = TENSORFLOWS.iter().filter_map(|name| self.by_name.get(*name));
        let metadata = tensorflows.next().and_then(|found| self.metadata(found));
        let wanted = of_extra(&metadata.unwrap_or_default(), "and-cuda");
        let beside = |requirement: super::metadata::Requirement| ExtraRequirement {
            versions: requirement.versions(),
            installed: self.by_name.get(&requirement.name).map(|found| found.version.clone()),
            name: requirement.name,
        };
        wanted.into_iter().take(MOST_TOLD).map(beside).collect()
    }

    /// What TensorFlow's distributions require and do not have.
    pub(super) fn unmet(&self) -> Vec<String> {
        let tensorflows = TENSORFLOWS.iter().filter_map(|name| self.by_name.get(*name));
        let metadata = tensorflows.filter_map(|found| self.metadata(found));
        metadata
            .flat_map(|metadata| requirements(&metadata))
            .filter_map(|requirement| {
                let installed = self.by_name.get(&requirement.name);
                requirement.unmet_by(installed.map(|found| found.version.as_str()))
            })
            .collect()
    }
}

/// A distribution, wherever it lies.
#[derive(Debug)]
pub(crate) struct Located {
    /// Its normal name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// The folder that packages are imported from.
    pub(crate) site: String,
    /// The folder of its metadata.
    pub(crate) folder: String,
}

/// Every distribution on a `sys.path`, by name.
pub(crate) fn on(root: &Root, sys_path: &[String]) -> Vec<Located> {
    let located = |(name, found): (String, Found)| Located {
        name,
        folder: found.folder(),
        version: found.version,
        site: found.site,
    };
    Installed::on(root, sys_path).by_name.into_iter().map(located).collect()
}

/// The normal name and the version of the distribution whose metadata has this name: `NAME-VERSION.dist-info`, and
/// setuptools' older `NAME-VERSION[-pyX.Y].egg-info`.
pub(super) fn of_name(file_name: &str) -> Option<(String, String)> {
    let stem = file_name.strip_suffix(".dist-info").or_else(|| file_name.strip_suffix(".egg-info"))?;
    let (name, version) = stem.split_once('-')?;
    let version = version.split_once("-py").map_or(version, |(version, _)| version);
    Some((normal(name), version.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, path::PathBuf};

    #[test]
    fn names_and_versions_of_real_folders() {
        for (file_name, name, version) in [
            ("tensorflow_cpu-2.12.1.dist-info", "tensorflow-cpu", "2.12.1"),
            ("typing_extensions-4.5.0.dist-info", "typing-extensions", "4.5.0"),
            ("PyGObject-3.42.2.egg-info", "pygobject", "3.42.2"),
            ("python_apt-2.6.0-py3.11.egg-info", "python-apt", "2.6.0"),
        ] {
            assert_eq!(of_name(file_name), Some((name.to_owned(), version.to_owned())));
        }
        assert_eq!(of_name("tensorflow"), None);
    }

    #[test]
    fn the_first_on_the_path_counts() {
        let site = tempfile::tempdir().unwrap();
        let [own, base] = ["own", "base"].map(|name| site.path().join(name));
        for folder in [own.join("numpy-2.3.5.dist-info"), base.join("numpy-1.24.3.dist-info")] {
            fs::create_dir_all(folder).unwrap();
        }
        let tensorflow = base.join("tensorflow_cpu-2.12.1.dist-info");
        fs::create_dir(&tensorflow).unwrap();
        fs::write(tensorflow.join("METADATA"), "Requires-Dist: numpy (<=1.24.3,>=1.22)\n").unwrap();
        let path = |folders: &[&PathBuf]| -> Vec<String> {
            folders.iter().map(|folder| folder.to_str().unwrap().to_owned()).collect()
        };
        let installed = Installed::on(&Root::new("/"), &path(&[&own, &base]));
        assert_eq!(installed.tensorflows().len(), 1);
        assert_eq!(installed.unmet(), ["numpy>=1.22, <=1.24.3: 2.3.5 is installed"]);
        assert_eq!(Installed::on(&Root::new("/"), &path(&[&base, &own])).unmet(), [""; 0]);
        assert_eq!(installed.tensorflows_beyond(base.join("tensorflow").to_str().unwrap()), [""; 0]);
        assert_eq!(
            installed.tensorflows_beyond(own.join("tensorflow").to_str().unwrap()),
            ["tensorflow-cpu"]
        );
    }
}

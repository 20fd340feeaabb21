//! The distributions that a Python has, by the names of their metadata folders.
//!
//! Invariant: of two distributions with one name the first on `sys.path` counts, as it does for Python.

use super::{
    files::read_text,
    metadata::{normal, of_extra, requirements},
};
use gpucheck_checks::fact::{Distribution, ExtraRequirement};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

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
#[derive(Debug, Default)]
pub(super) struct Installed {
    by_name: BTreeMap<String, Found>,
}

#[derive(Debug, PartialEq)]
struct Found {
    version: String,
    metadata: PathBuf,
}

impl Installed {
    /// Everything on a `sys.path`.
    pub(super) fn on(sys_path: &[String]) -> Self {
        let mut installed = Self::default();
        let folders = sys_path.iter().map(Path::new).filter(|folder| folder.is_absolute());
        for folder in folders.take(LONGEST_PATH) {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                if let Some((name, found)) = distribution(&entry.path()) {
                    installed.by_name.entry(name).or_insert(found);
                }
            }
        }
        installed
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
    pub(super) fn tensorflows_beyond(&self, package: &Path) -> Vec<String> {
        let is_beyond = |name: &&&str| {
            let folder = self.by_name.get(**name).and_then(|found| found.metadata.ancestors().nth(2));
            folder.is_some_and(|folder| Some(folder) != package.parent())
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
    pub(super) fn folders_of(&self, start: &str) -> BTreeSet<PathBuf> {
        let found = self.by_name.iter().filter(|(name, _)| name.starts_with(start));
        found.filter_map(|(_, found)| Some(found.metadata.parent()?.parent()?.to_owned())).collect()
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
        let metadata = tensorflows.next().and_then(|found| read_text(&found.metadata).ok());
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
        let metadata = tensorflows.filter_map(|found| read_text(&found.metadata).ok());
        metadata
            .flat_map(|metadata| requirements(&metadata))
            .filter_map(|requirement| {
                let installed = self.by_name.get(&requirement.name);
                requirement.unmet_by(installed.map(|found| found.version.as_str()))
            })
            .collect()
    }
}

/// `NAME-VERSION.dist-info/METADATA`, and setuptools' older `NAME-VERSION[-pyX.Y].egg-info`.
fn distribution(path: &Path) -> Option<(String, Found)> {
    let file_name = path.file_name()?.to_str()?;
    let (name, version) = of_name(file_name)?;
    let metadata = path.join(if file_name.ends_with(".dist-info") { "METADATA" } else { "PKG-INFO" });
    Some((name, Found { version, metadata }))
}

/// The normal name and the version of the distribution whose metadata has this name.
pub(super) fn of_name(file_name: &str) -> Option<(String, String)> {
    let stem = file_name.strip_suffix(".dist-info").or_else(|| file_name.strip_suffix(".egg-info"))?;
    let (name, version) = stem.split_once('-')?;
    let version = version.split_once("-py").map_or(version, |(version, _)| version);
    Some((normal(name), version.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_versions_of_real_folders() {
        for (file_name, name, version) in [
            ("tensorflow_cpu-2.12.1.dist-info", "tensorflow-cpu", "2.12.1"),
            ("typing_extensions-4.5.0.dist-info", "typing-extensions", "4.5.0"),
            ("PyGObject-3.42.2.egg-info", "pygobject", "3.42.2"),
            ("python_apt-2.6.0-py3.11.egg-info", "python-apt", "2.6.0"),
        ] {
            let (found, at) = distribution(&Path::new("/site").join(file_name)).unwrap();
            assert_eq!((found.as_str(), at.version.as_str()), (name, version));
        }
        assert_eq!(distribution(Path::new("/site/tensorflow")), None);
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
        let installed = Installed::on(&path(&[&own, &base]));
        assert_eq!(installed.tensorflows().len(), 1);
        assert_eq!(installed.unmet(), ["numpy>=1.22, <=1.24.3: 2.3.5 is installed"]);
        assert_eq!(Installed::on(&path(&[&base, &own])).unmet(), [""; 0]);
        assert_eq!(installed.tensorflows_beyond(&base.join("tensorflow")), [""; 0]);
        assert_eq!(installed.tensorflows_beyond(&own.join("tensorflow")), ["tensorflow-cpu"]);
    }
}

//! Driver branches, CUDA toolkits, and which driver a GPU can ever have.

use super::{Architecture, Knowledge, Sourced, rows, twice, unsourced};
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    branch: Vec<Sourced<DriverBranch>>,
    ubuntu: Vec<Sourced<UbuntuPackage>>,
    debian: Vec<Sourced<DebianPackage>>,
}

/// A branch of the driver: all versions that begin with its number.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DriverBranch {
    /// Its number, such as 535.
    pub branch: u32,
    /// The CUDA that `cuDriverGetVersion` reports, major and minor.
    pub cuda: (i32, i32),
    /// The newest PTX that its compiler takes, major and minor; none where nobody knows.
    pub ptx: Option<(u32, u32)>,
}

/// A package of Ubuntu's that installs a branch and stays on it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UbuntuPackage {
    branch: u32,
    package: String,
    /// The same with the open module.
    open: Option<String>,
}

/// A package of Debian's that installs a branch.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DebianPackage {
    /// The release of Debian, `VERSION_ID`.
    release: String,
    /// Its name.
    suite: String,
    branch: u32,
    package: String,
    /// The same with the open module.
    open: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Toolkits {
    family: Vec<Sourced<Family>>,
    toolkit: Vec<Sourced<Toolkit>>,
}

/// All toolkits of one major version, which run on every driver from one version on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Family {
    major: i32,
    linux: String,
    #[expect(dead_code, reason = "Windows is not looked at yet; a test reads the table")]
    windows: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Toolkit {
    cuda: (i32, i32),
    release: String,
    linux: String,
    #[expect(dead_code, reason = "Windows is not looked at yet; a test reads the table")]
    windows: Option<String>,
}

/// The branch of a driver's version: 535 of `535.161.08`.
pub fn branch(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}

/// A version as numbers, for comparing.
fn numbers(version: &str) -> Option<Vec<u32>> {
    version.split('.').map(|part| part.parse().ok()).collect()
}

impl Knowledge {
    /// A branch; none where it is newer than the table, or so old that nothing here runs on it.
    pub fn driver(&self, branch: u32) -> Option<&DriverBranch> {
        rows(&self.drivers.branch).find(|row| row.branch == branch)
    }

    /// The newest branch that a GPU of this architecture can ever use: 470 for a K80, 580 for a V100.
    pub fn newest_driver(&self, architecture: Architecture) -> Option<&DriverBranch> {
        let last = self.architecture(architecture)?.last_branch.unwrap_or(u32::MAX);
        rows(&self.drivers.branch).filter(|row| row.branch <= last).max_by_key(|row| row.branch)
    }

    /// The least driver version that runs programs of this CUDA: of its family from 11 on, of its own toolkit before.
    pub fn driver_for_cuda(&self, cuda: (i32, i32)) -> Option<String> {
        self.toolkits.driver_for(cuda).map(str::to_owned)
    }

    /// Whether a driver of this version runs programs of this CUDA; none where the tables cannot tell.
    pub fn runs_cuda(&self, driver: &str, cuda: (i32, i32)) -> Option<bool> {
        Some(numbers(driver)? >= numbers(self.toolkits.driver_for(cuda)?)?)
    }

    /// Ubuntu's package for a branch, with the open module or the proprietary one.
    pub fn ubuntu_package(&self, branch: u32, open: bool) -> Option<&str> {
        let row = rows(&self.drivers.ubuntu).find(|row| row.branch == branch)?;
        if open { row.open.as_deref() } else { Some(&row.package) }
    }

    /// The name of a release of Debian's: `bookworm` of `12`.
    pub fn debian_suite(&self, release: &str) -> Option<&str> {
        let row = rows(&self.drivers.debian).find(|row| row.release == release)?;
        Some(&row.suite)
    }

    /// The package of a distribution for the newest branch between these two, with the open module or the proprietary one;
    /// none where the tables know none.
    pub fn driver_package(
        &self,
        (id, release): (&str, &str),
        (first, last): (u32, Option<u32>),
        open: bool,
    ) -> Option<&str> {
        let fits = |branch: u32| branch >= first && last.is_none_or(|last| branch <= last);
        match id {
            "ubuntu" => {
                let branches =
                    rows(&self.drivers.ubuntu).map(|row| row.branch).filter(|branch| fits(*branch));
                branches.max().and_then(|branch| self.ubuntu_package(branch, open))
            }
            "debian" => rows(&self.drivers.debian)
                .filter(|row| row.release == release && fits(row.branch))
                .filter_map(|row| Some((row.branch, if open { row.open.as_deref()? } else { &row.package })))
                .max()
                .map(|(_, package)| package),
            _ => None,
        }
    }
}

impl Table {
    pub(super) fn contradiction(&self) -> Option<String> {
        let mut branches: Vec<&DriverBranch> = rows(&self.branch).collect();
        branches.sort_by_key(|row| row.branch);
        unsourced(&self.branch)
            .or_else(|| unsourced(&self.ubuntu))
            .or_else(|| unsourced(&self.debian))
            .or_else(|| {
                let branch = twice(branches.iter().map(|row| row.branch))?;
                Some(format!("branch {branch} stands twice"))
            })
            .or_else(|| {
                let falls = |pair: &&[&DriverBranch]| match pair {
                    [old, new] => new.cuda < old.cuda || (new.ptx.is_some() && new.ptx < old.ptx),
                    _ => false,
                };
                let pair = branches.windows(2).find(falls)?;
                let names: Vec<String> = pair.iter().rev().map(|row| row.branch.to_string()).collect();
                Some(format!(
                    "branch {}, which is older",
                    names.join(" takes older PTX or has an older CUDA than ")
                ))
            })
    }
}

impl Toolkits {
    fn driver_for(&self, cuda: (i32, i32)) -> Option<&str> {
        let family = rows(&self.family).find(|family| family.major == cuda.0);
        let toolkit =
            || rows(&self.toolkit).filter(|toolkit| toolkit.cuda == cuda).map(|toolkit| &toolkit.linux);
        family
            .map(|family| &family.linux)
            .or_else(|| toolkit().min_by_key(|linux| numbers(linux)))
            .map(String::as_str)
    }

    /// Whether the table knows a toolkit of this version.
    pub(super) fn knows(&self, cuda: (i32, i32)) -> bool {
        rows(&self.toolkit).any(|toolkit| toolkit.cuda == cuda)
    }

    pub(super) fn contradiction(&self, drivers: &Table) -> Option<String> {
        let odd = |toolkit: &&Toolkit| {
            let row = branch(&toolkit.linux)
                .and_then(|branch| rows(&drivers.branch).find(|row| row.branch == branch));
            numbers(&toolkit.linux).is_none() || row.is_none_or(|row| row.cuda != toolkit.cuda)
        };
        unsourced(&self.family)
            .or_else(|| unsourced(&self.toolkit))
            .or_else(|| {
                let major = twice(rows(&self.family).map(|family| family.major))?;
                Some(format!("family {major} stands twice"))
            })
            .or_else(|| {
                let toolkit = rows(&self.toolkit).find(odd)?;
                Some(format!(
                    "toolkit {} came with driver {}, whose branch reports another CUDA in drivers.toml",
                    toolkit.release, toolkit.linux
                ))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_driver_that_a_gpu_can_ever_use() {
        // NVIDIA's deprecation schedule: Kepler ends with 470, Maxwell, Pascal and Volta with 580.
        let knowledge = Knowledge::built_in().unwrap();
        let newest = |device| {
            let model = knowledge.gpu(device).unwrap();
            knowledge.newest_driver(model.architecture).unwrap().branch
        };
        assert_eq!(newest(0x102d), 470, "K80");
        for device in [0x13f2, 0x15f8, 0x1db4] {
            assert_eq!(newest(device), 580, "{device:04x}");
        }
        assert!(newest(0x1eb8) > 580, "T4");
    }

    #[test]
    fn the_least_driver_for_a_cuda() {
        // docs.nvidia.com/deploy/cuda-compatibility, and the toolkit's table for what is older.
        let knowledge = Knowledge::built_in().unwrap();
        for (cuda, driver) in [
            ((12, 5), "525.60.13"),
            ((11, 8), "450.80.02"),
            ((13, 1), "580.65.06"),
            ((10, 1), "418.39"),
            ((9, 0), "384.81"),
        ] {
            assert_eq!(knowledge.driver_for_cuda(cuda).as_deref(), Some(driver));
        }
        assert_eq!(knowledge.driver_for_cuda((14, 0)), None);
        assert_eq!(knowledge.runs_cuda("470.256.02", (11, 8)), Some(true));
        assert_eq!(knowledge.runs_cuda("470.256.02", (12, 0)), Some(false));
        assert_eq!(knowledge.runs_cuda("of another kind", (12, 0)), None);
    }
}

//! What an asker's look would rest on: what the daemon saw holds for whoever has the same view.
//!
//! A report of somebody else's is an answer only for a shell in which nothing is set, a user who has no kernel, no
//! environment and no package of their own, and a process that reaches the same devices, with the same driver, in the same
//! boot, while no more programs use the GPU than then. So the daemon's look sums up its view before it begins, the asker sums up theirs, and both have to be equal.
//!
//! Invariants: nothing is started and no device is opened; what cannot be told makes a view that no other one is like.

use crate::{
    probe::{
        environments::Surroundings,
        frameworks::{outlook, stamped, sum},
        notebooks,
    },
    root::Root,
};
use rustix::process::{Resource, getrlimit};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, env, fs, os::unix::fs::MetadataExt, path::PathBuf};

/// Texts that tell the boot and the driver that runs.
const TEXTS: [&str; 4] = [
    "/proc/sys/kernel/random/boot_id",
    "/proc/sys/kernel/osrelease",
    "/proc/driver/nvidia/version",
    "/sys/module/nvidia/version",
];
/// Files by which the driver's libraries are found.
const LIBRARIES: [&str; 6] = [
    "/etc/ld.so.cache",
    "/usr/lib/x86_64-linux-gnu/libcuda.so.1",
    "/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1",
    "/usr/lib64/libcuda.so.1",
    "/usr/lib64/libnvidia-ml.so.1",
    "/usr/lib/wsl/lib/libcuda.so.1",
];
/// What only a job of a batch system has: it may open fewer devices than it sees.
const OF_A_JOB: [&str; 3] = ["SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID"];

/// A sum for each part of what a look rests on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct View(BTreeMap<String, String>);

impl View {
    /// That of this process; none where not all of it could be told.
    pub fn of_this_process(root: &Root) -> Option<Self> {
        let here = Root::new("/");
        let (notebooks, environments) = notebooks::unasked(
            &here,
            &notebooks::Environment::of_this_process(),
            Surroundings::of_this_process(),
        )?;
        let mut parts = outlook(&here, &notebooks, &environments);
        parts.insert("kernels", sum(serde_json::to_string(&notebooks.kernelspecs).ok()?));
        parts.insert("driver", sum(TEXTS.map(|path| root.text_of(path))));
        parts.insert("libraries", sum(LIBRARIES.map(|path| stamped(PathBuf::from(path)))));
        parts.insert("gpus", sum(root.names("/proc/driver/nvidia/gpus")));
        parts.insert("in_use", sum(in_use(root)?));
        parts.insert("place", sum(place()?));
        parts.insert("limits", sum([Resource::As, Resource::Data].map(|limit| getrlimit(limit).current)));
        parts.insert("job", sum(OF_A_JOB.map(|name| env::var_os(name).is_some())));
        let view = Self(parts.into_iter().map(|(name, sum)| (name.to_owned(), told(sum))).collect());
        Some(view.with_devices(root))
    }

    /// The same with the devices as they are now: the first program that uses CUDA has nodes made.
    #[must_use]
    pub fn with_devices(mut self, root: &Root) -> Self {
        self.0.insert("devices".to_owned(), told(sum(devices(root))));
        self
    }

    /// The parts in which another one differs.
    pub fn differences<'a>(&'a self, other: &'a Self) -> Vec<&'a str> {
        let names = self.0.keys().chain(other.0.keys().filter(|name| !self.0.contains_key(*name)));
        names.filter(|name| self.0.get(*name) != other.0.get(*name)).map(String::as_str).collect()
    }
}

fn told(sum: u64) -> String {
    format!("{sum:016x}")
}

/// The driver's nodes, and whether this process may use them.
fn devices(root: &Root) -> Vec<(String, Option<u64>, Option<bool>)> {
    let names = root.names("/dev").into_iter();
    let nodes = names.filter(|name| name.starts_with("nvidia") || name == "dxg");
    let device = |name: String| {
        let path = format!("/dev/{name}");
        (root.stat(&path).map(|found| found.st_rdev), root.may_read_and_write(&path))
    };
    nodes.map(|name| (name.clone(), device(name))).map(|(name, (rdev, may))| (name, rdev, may)).collect()
}

/// How many hold CUDA's memory manager open, as every program with a context does: somebody who came since may hold the
/// memory that another one wants. None where Linux does not count them.
fn in_use(root: &Root) -> Option<String> {
    const MODULE: &str = "/sys/module/nvidia_uvm";
    let count = root.value(&format!("{MODULE}/refcnt"));
    // The first program that uses CUDA has it loaded, and that may be the daemon's look.
    count.or_else(|| (!root.exists(MODULE)).then(|| "0".to_owned()))
}

/// The root directory: a container has another one.
fn place() -> Option<(u64, u64)> {
    fs::metadata("/").ok().map(|found| (found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_names_what_differs() {
        let view = |parts: &[(&str, &str)]| {
            View(parts.iter().map(|(name, sum)| ((*name).to_owned(), (*sum).to_owned())).collect())
        };
        let (own, other) = (view(&[("a", "1"), ("b", "2")]), view(&[("b", "3"), ("c", "4")]));
        assert_eq!(own.differences(&other), ["a", "b", "c"]);
        assert_eq!(own.differences(&own), [""; 0]);
    }
}

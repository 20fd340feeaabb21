//! What an asker's look would rest on: what the daemon saw holds for whoever has the same view.
//!
//! A report of somebody else's is an answer only for a shell in which nothing is set, a user who has no kernel, no
//! environment and no package of their own, and a process that reaches the same devices, with the same driver, in the same
//! boot, while no more programs use the GPU than then. So the daemon's look sums up its view before it begins, the asker sums up theirs, and both have to be equal.
//!
//! What leaves no trace in it: a GPU's compute mode (`nvidia-smi -c`), a library that is taken out of a folder other than
//! those below, how much of a limit is used up. For those a report is believed some minutes only (`fresh_for`).
//!
//! Invariants: nothing is started and no device is opened; what cannot be told makes a view that no other one is like.

use crate::{
    in_time::InTime,
    probe::{
        environments::Surroundings,
        frameworks::{BOOT_AND_DRIVER, outlook, stamped, sum},
        notebooks, units,
    },
    root::Root,
};
use gpucheck_checks::fact::Observed;
use rustix::process::{Resource, getrlimit};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    env, fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

/// Files by which the driver's libraries and CUDA's are found, and folders, which change with what is put in or taken out.
const LIBRARIES: [&str; 9] = [
    "/etc/ld.so.cache",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib64",
    "/usr/local/cuda/lib64",
    "/usr/lib/x86_64-linux-gnu/libcuda.so.1",
    "/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1",
    "/usr/lib64/libcuda.so.1",
    "/usr/lib64/libnvidia-ml.so.1",
    "/usr/lib/wsl/lib/libcuda.so.1",
];
/// What only a job of a batch system has: it may open fewer devices than it sees.
const OF_A_JOB: [&str; 3] = ["SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID"];

/// Time for a view: a folder on a dead network mount takes for ever to open.
const LIMIT: Duration = Duration::from_secs(2);
/// A limit of memory in bytes, of processes of a user, of processes of a group: one below may be too little for a framework,
/// whoever has it, and one above differs between a user and a service on every machine.
const AMPLE: (u64, u64, u64) = (8 << 30, 1024, 512);
/// The process of NVIDIA's fabric manager, without which GPUs behind `NVSwitches` do not compute.
const FABRIC_MANAGER: &str = "nv-fabricmanage";

/// A sum for each part of what a look rests on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct View(BTreeMap<String, String>);

impl View {
    /// That of this process; none where not all of it could be told, or not in time.
    pub fn in_time(root: &Root) -> Option<Self> {
        let root = root.clone();
        let look = move || match Self::of_this_process(&root) {
            Some(view) => Observed::Seen(view),
            None => Observed::not_probed("not all of it can be told"),
        };
        InTime::start("view", LIMIT, look).take().seen().cloned()
    }

    fn of_this_process(root: &Root) -> Option<Self> {
        let here = Root::new("/");
        let (notebooks, environments) = notebooks::unasked(
            &here,
            &notebooks::Environment::of_this_process(),
            Surroundings::of_this_process(),
        )?;
        let mut parts = outlook(&here, &notebooks, &environments);
        parts.insert("kernels", sum(serde_json::to_string(&notebooks.kernelspecs).ok()?));
        parts.insert(
            "driver",
            sum((BOOT_AND_DRIVER.map(|path| root.text_of(path)), root.text_of("/proc/sys/kernel/osrelease"))),
        );
        parts.insert("libraries", sum(LIBRARIES.map(|path| stamped(PathBuf::from(path)))));
        parts.insert("gpus", sum(root.names("/proc/driver/nvidia/gpus")));
        parts.insert("in_use", sum(in_use(root)?));
        parts.insert("place", sum(place()?));
        parts.insert("fabric", sum(fabric(root)));
        parts.insert("limits", sum([Resource::As, Resource::Data].map(|limit| getrlimit(limit).current)));
        parts.insert("scarce", sum(scarce(&here, getrlimit(Resource::Nproc).current)));
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
    // Under WSL it is Windows that counts.
    if root.exists("/dev/dxg") {
        return None;
    }
    let count = root.value(&format!("{MODULE}/refcnt"));
    // The first program that uses CUDA has it loaded, and that may be the daemon's look.
    count.or_else(|| (!root.exists(MODULE)).then(|| "0".to_owned()))
}

/// Whether the fabric manager runs; none where there are no `NVSwitches` for it.
fn fabric(root: &Root) -> Option<bool> {
    let is_switch = |name: &String| {
        name.strip_prefix("nvidia-nvswitch").is_some_and(|number| number.parse::<u32>().is_ok())
    };
    root.names("/dev").iter().any(is_switch).then(|| {
        units::processes(root).is_some_and(|all| all.iter().any(|process| process.comm == FABRIC_MANAGER))
    })
}

/// The limits that may be too little, each with the group of processes that it is of: equal only for who is under the same.
fn scarce(here: &Root, processes: Option<u64>) -> Vec<(String, u64)> {
    let (memory, of_user, of_group) = AMPLE;
    let mut found: Vec<(String, u64)> = Vec::new();
    found.extend(processes.filter(|most| *most < of_user).map(|most| ("RLIMIT_NPROC".to_owned(), most)));
    for line in here.text_of("/proc/self/cgroup").unwrap_or_default().lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(group)) = (fields.next(), fields.next()) else { continue };
        let files: &[(&str, &str, u64)] = match controllers {
            "" => &[("", "memory.max", memory), ("", "pids.max", of_group)],
            "memory" => &[("/memory", "memory.limit_in_bytes", memory)],
            "pids" => &[("/pids", "pids.max", of_group)],
            _ => &[],
        };
        // From the group to the root: the least of all holds.
        for (hierarchy, file, ample) in files {
            for folder in Path::new(group).ancestors() {
                let path = format!("/sys/fs/cgroup{hierarchy}{}/{file}", folder.display());
                let most = here.value(&path).and_then(|text| text.parse().ok());
                found.extend(most.filter(|most| most < ample).map(|most: u64| (path, most)));
            }
        }
    }
    found
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

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let tree = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = tree.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        tree
    }

    /// As systemd 255 sets them, with `TasksMax=` and its 33% of a user's slice, and a `MemoryMax=2G` for one user.
    #[test]
    fn only_limits_that_are_little_count() {
        let group = "user.slice/user-1000.slice/session-3.scope";
        let (of_user, of_session) =
            ("sys/fs/cgroup/user.slice/user-1000.slice", format!("sys/fs/cgroup/{group}/memory.max"));
        let (pids, memory) = (format!("{of_user}/pids.max"), format!("{of_user}/memory.max"));
        let cgroup = format!("0::/{group}\n");
        let usual = [
            ("proc/self/cgroup", cgroup.as_str()),
            (pids.as_str(), "10325\n"),
            (of_session.as_str(), "max\n"),
        ];
        let here = |tree: &tempfile::TempDir| Root::new(tree.path());
        let tree_of_usual = tree(&usual);
        assert!(scarce(&here(&tree_of_usual), Some(31_294)).is_empty());
        assert!(scarce(&here(&tree_of_usual), None).is_empty());
        assert_eq!(scarce(&here(&tree_of_usual), Some(100)), [("RLIMIT_NPROC".to_owned(), 100)]);
        let small = tree(&[&usual[..], &[(memory.as_str(), "2147483648\n")]].concat());
        assert_eq!(scarce(&here(&small), None), [(format!("/{memory}"), 2 << 30)]);
        let old = tree(&[
            ("proc/self/cgroup", "8:pids:/a\n4:memory:/a/b\n1:name=systemd:/a\n"),
            ("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "1073741824"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712"),
            ("sys/fs/cgroup/pids/a/pids.max", "40"),
        ]);
        let paths: Vec<u64> = scarce(&here(&old), None).into_iter().map(|(_, most)| most).collect();
        assert_eq!(paths, [40, 1 << 30]);
    }

    #[test]
    fn a_fabric_manager_that_ends_is_seen_where_there_are_switches() {
        let process = ("proc/700/comm", "nv-fabricmanage\n");
        let fabric = |files: &[(&str, &str)]| fabric(&Root::new(tree(files).path()));
        assert_eq!(fabric(&[("dev/nvidia0", ""), process]), None);
        assert_eq!(fabric(&[("dev/nvidia-nvswitch0", ""), process]), Some(true));
        assert_eq!(fabric(&[("dev/nvidia-nvswitch0", ""), ("proc/1/comm", "systemd\n")]), Some(false));
    }

    #[test]
    fn under_wsl_nobody_counts_who_computes() {
        let in_use = |files: &[(&str, &str)]| in_use(&Root::new(tree(files).path()));
        assert_eq!(in_use(&[("dev/dxg", "")]), None);
        assert_eq!(in_use(&[("dev/nvidia0", "")]).as_deref(), Some("0"));
        assert_eq!(in_use(&[("sys/module/nvidia_uvm/refcnt", "2\n")]).as_deref(), Some("2"));
    }
}

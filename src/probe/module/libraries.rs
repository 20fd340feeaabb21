//! User-space libraries of the driver, where the loader usually looks. Files only; nothing is loaded here.

use crate::{probe::boot_time, root::Root};
use gpucheck_checks::fact::{DriverFile, Observed};

const SONAMES: [&str; 2] = ["libcuda.so.1", "libnvidia-ml.so.1"];
/// Where distributions, NVIDIA's installer, its container runtime and WSL put them.
const FOLDERS: [&str; 9] = [
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu/nvidia/current",
    "/lib/x86_64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/usr/local/lib",
    "/usr/local/nvidia/lib64",
    "/usr/lib/wsl/lib",
    "/usr/local/cuda/compat",
];

/// The libraries that are found, by path; each file once, however many links lead to it.
pub(super) fn libraries(root: &Root) -> Vec<DriverFile> {
    let configured = configured_folders(root);
    let folders = FOLDERS.iter().map(|folder| (*folder).to_owned()).chain(configured);
    let booted = boot_time(root).and_then(|seconds| i64::try_from(seconds).ok());
    let mut found: Vec<DriverFile> = Vec::new();
    for folder in folders {
        for soname in SONAMES {
            let path = format!("{folder}/{soname}");
            if let Some(file) = library(root, soname, path, booted)
                && !found.iter().any(|known| known.soname == soname && known.target == file.target)
            {
                found.push(file);
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// What `/etc/ld.so.conf.d` adds to the loader's folders.
fn configured_folders(root: &Root) -> Vec<String> {
    let files = root.names("/etc/ld.so.conf.d").into_iter().filter(|name| crate::root::is_conf(name));
    files
        .filter_map(|name| root.text_of(&format!("/etc/ld.so.conf.d/{name}")))
        .flat_map(|text| text.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>())
        .filter(|line| line.starts_with('/'))
        .collect()
}

fn library(root: &Root, soname: &str, path: String, booted: Option<i64>) -> Option<DriverFile> {
    root.link_name(&path).is_some().then_some(()).or_else(|| root.exists(&path).then_some(()))?;
    let target = match root.target(&path) {
        Ok(target) => Observed::Seen(target),
        Err(error) => Observed::refused("follow links", 0, "dangling", error.to_string()),
    };
    let stem = soname.trim_end_matches('1');
    let name = target.seen().and_then(|target| target.rsplit('/').next()).unwrap_or_default();
    let version = name.strip_prefix(stem).filter(|version| version.contains('.')).map(str::to_owned);
    let elf64 = root.bytes(&path, 5).ok().and_then(|bytes| match bytes.as_slice() {
        [0x7f, b'E', b'L', b'F', class] => Some(*class == 2),
        _ => None,
    });
    let older_than_boot = root.stat(&path).zip(booted).map(|(stat, booted)| stat.st_ctime < booted);
    Some(DriverFile { soname: soname.to_owned(), path, target, version, elf64, older_than_boot })
}

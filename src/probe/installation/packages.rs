//! dpkg's database, as far as it is about NVIDIA's driver and Linux.

use crate::{probe::lines::Lines, root::Root};
use gpucheck_checks::fact::{Observed, Package};

const STATUS: &str = "/var/lib/dpkg/status";
/// Bytes read of it; a full desktop has a fifth.
const MOST: u64 = 32 << 20;
/// Packages that are told at most.
const MOST_PACKAGES: usize = 300;
/// Names that are told at most.
const MOST_NAMES: usize = 2_000;
/// Characters kept of a version.
const LONGEST_VERSION: usize = 100;
/// What names of packages begin with that are about Linux, the driver and what builds it.
const BEGINNINGS: [&str; 12] = [
    "linux-image",
    "linux-headers",
    "linux-modules",
    "linux-azure",
    "linux-aws",
    "linux-gcp",
    "linux-generic",
    "linux-virtual",
    "cuda-drivers",
    "cuda-compat",
    "libcuda1",
    "dkms",
];

/// The packages, by name.
pub(crate) fn packages(root: &Root) -> Observed<Vec<Package>> {
    match root.open(STATUS) {
        Ok(file) => {
            let mut packages = listed(Lines::first(file, MOST));
            packages.sort_by(|a, b| a.name.cmp(&b.name));
            Observed::Seen(packages)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Observed::not_probed("no database of dpkg in this root")
        }
        Err(error) => Observed::refused(&format!("read {STATUS}"), 0, "unreadable", error.to_string()),
    }
}

/// The names in dpkg's database that are wanted, whatever they are about and became of; none where it cannot be read.
pub(crate) fn names(root: &Root, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let lines = root.open(STATUS).into_iter().flat_map(|file| Lines::first(file, MOST));
    let names = lines.filter_map(|line| line.strip_prefix("Package: ").map(str::to_owned));
    names.filter(|name| is_name(name) && wanted(name)).take(MOST_NAMES).collect()
}

/// Paragraphs of fields. Only four of them are looked at.
fn listed(lines: impl Iterator<Item = String>) -> Vec<Package> {
    let mut packages = Vec::new();
    let mut open: Option<Package> = None;
    for line in lines {
        if let Some(name) = line.strip_prefix("Package: ") {
            close(&mut open, &mut packages);
            open = is_ours(name).then(|| Package {
                name: name.to_owned(),
                version: String::new(),
                wanted: String::new(),
                state: String::new(),
                architecture: String::new(),
            });
        } else if let (Some(package), Some(status)) = (&mut open, line.strip_prefix("Status: ")) {
            let mut words = status.split_whitespace();
            package.wanted = words.next().unwrap_or_default().into();
            package.state = words.nth(1).unwrap_or_default().into();
        } else if let (Some(package), Some(version)) = (&mut open, line.strip_prefix("Version: ")) {
            package.version = version.chars().take(LONGEST_VERSION).collect();
        } else if let (Some(package), Some(name)) = (&mut open, line.strip_prefix("Architecture: ")) {
            package.architecture = name.chars().take(LONGEST_VERSION).collect();
        }
    }
    close(&mut open, &mut packages);
    packages
}

fn close(open: &mut Option<Package>, packages: &mut Vec<Package>) {
    if let Some(package) =
        open.take().filter(|package| !matches!(package.state.as_str(), "" | "not-installed"))
        && packages.len() < MOST_PACKAGES
    {
        packages.push(package);
    }
}

/// Whether a package is about Linux, NVIDIA's driver or what builds it.
pub(crate) fn is_ours(name: &str) -> bool {
    let is_about_them =
        name.contains("nvidia") || BEGINNINGS.iter().any(|beginning| name.starts_with(beginning));
    is_about_them && is_name(name)
}

fn is_name(name: &str) -> bool {
    name.len() < 100 && name.bytes().all(|byte| byte.is_ascii_graphic())
}

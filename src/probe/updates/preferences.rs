//! apt's preferences, read as apt_preferences(5) says.

use super::{apt_conf::is_part, archive::Archive, pattern};
use crate::{probe::wildcard::is_like, root::Root};

const MAIN: &str = "/etc/apt/preferences";
const PARTS: &str = "/etc/apt/preferences.d";
/// Records read at most.
const MOST: usize = 2000;
/// From this priority on a version that is installed stays against all that usual archives have.
const STAYS: i32 = 501;
/// What the release that a machine is said to follow has.
const DEFAULT_RELEASE: i32 = 990;

/// A record of the preferences.
#[derive(Debug)]
pub(super) struct Pin {
    packages: Vec<String>,
    by: By,
    priority: i32,
    /// The file and what it says, for people.
    said: String,
}

#[derive(Debug)]
enum By {
    Version(String),
    Origin(String),
    /// Letter and value, such as `l` and `NVIDIA CUDA`.
    Release(Vec<(String, String)>),
}

/// The records, in the order in which apt reads them. `APT::Default-Release` is one for all packages, before all others.
///
/// Source: apt_preferences(5), "priority 990"; apt 2.6.1, apt-pkg/policy.cc.
pub(super) fn pins(root: &Root, default_release: Option<&str>) -> Vec<Pin> {
    let default = default_release.filter(|release| !release.is_empty()).map(|release| Pin {
        packages: vec!["*".to_owned()],
        by: of_release(release),
        priority: DEFAULT_RELEASE,
        said: format!("APT::Default-Release {release:?}").chars().take(200).collect(),
    });
    let parts = root.names(PARTS).into_iter().filter(|name| is_part(name, "pref"));
    let paths = [MAIN.to_owned()].into_iter().chain(parts.map(|name| format!("{PARTS}/{name}")));
    let texts = paths.filter_map(|path| Some((root.configuration(&path)?, path)));
    let records = texts.flat_map(|(text, path)| records(&path, &text));
    default.into_iter().chain(records).take(MOST).collect()
}

fn records(path: &str, text: &str) -> Vec<Pin> {
    let kept = |line: &&str| !line.starts_with('#') && !line.starts_with("Explanation:");
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(kept).collect();
    lines.split(|line| line.is_empty()).filter_map(|lines| record(path, lines)).collect()
}

fn record(path: &str, lines: &[&str]) -> Option<Pin> {
    let field = |name: &str| {
        let mut values = lines.iter().filter_map(|line| line.split_once(':'));
        values.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    };
    let (pin, priority) = (field("Pin")?, field("Pin-Priority")?);
    let said = format!("{path}: Pin: {pin}, Pin-Priority: {priority}").chars().take(200).collect();
    let packages = field("Package")?.split_whitespace().map(str::to_owned).collect();
    Some(Pin { packages, by: by(pin)?, priority: priority.parse().ok()?, said })
}

fn by(pin: &str) -> Option<By> {
    let (kind, rest) = pin.split_once(char::is_whitespace)?;
    let rest = rest.trim();
    Some(match kind {
        "version" => By::Version(rest.to_owned()),
        "origin" => By::Origin(rest.trim_matches('"').to_owned()),
        "release" => of_release(rest),
        _ => return None,
    })
}

/// `o=Ubuntu,a=jammy`; without a letter the archive's name, or its version where it begins with a number.
fn of_release(text: &str) -> By {
    let part = |part: &str| {
        let part = part.trim();
        let bare = if part.starts_with(|c: char| c.is_ascii_digit()) { "v" } else { "a" };
        let (letter, value) = part.split_once('=').unwrap_or((bare, part));
        (letter.to_owned(), value.trim_matches('"').to_owned())
    };
    By::Release(text.split(',').map(part).collect())
}

impl Pin {
    /// Whether it names packages, and not all of them.
    fn is_specific(&self) -> bool {
        !self.packages.iter().any(|package| package == "*")
    }

    fn is_about(&self, package: &str) -> bool {
        self.packages.iter().any(|pattern| is(package, pattern))
    }

    fn meets(&self, version: &str, archive: &Archive) -> bool {
        match &self.by {
            By::Version(pattern) => is(version, pattern),
            By::Origin(site) => is(&archive.site, site),
            By::Release(parts) => parts.iter().all(|(letter, value)| {
                let own = match letter.as_str() {
                    "a" => &archive.suite,
                    "c" => &archive.component,
                    "n" => &archive.codename,
                    "o" => &archive.origin,
                    "l" => &archive.label,
                    "v" => &archive.version,
                    _ => return false,
                };
                is(own, value) || (letter == "a" && is(&archive.codename, value))
            }),
        }
    }
}

/// A pattern, or a regular expression between slashes.
fn is(text: &str, pattern: &str) -> bool {
    match pattern.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
        Some(expression) => pattern::has(text, expression),
        None => is_like(text, pattern),
    }
}

/// The priority of a version: of the first record that names its package and meets it, else of the first for all packages.
pub(super) fn priority(pins: &[Pin], package: &str, version: &str, archive: &Archive) -> i32 {
    let first = |specific: bool| {
        let mut pins = pins.iter().filter(|pin| pin.is_specific() == specific);
        pins.find(|pin| pin.is_about(package) && pin.meets(version, archive))
    };
    first(true).or_else(|| first(false)).map_or(archive.priority(), |pin| pin.priority)
}

/// The record that ties a package to the version that is installed.
pub(super) fn tie(pins: &[Pin], package: &str, version: &str) -> Option<String> {
    let nowhere = Archive::default();
    let ties = |pin: &&Pin| {
        let is_version = matches!(pin.by, By::Version(_));
        is_version && pin.priority >= STAYS && pin.is_about(package) && pin.meets(version, &nowhere)
    };
    pins.iter().filter(|pin| pin.is_specific()).find(ties).map(|pin| pin.said.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(origin: &str, label: &str, suite: &str, host: &str) -> Archive {
        let [origin, label, suite, host] = [origin, label, suite, host].map(str::to_owned);
        Archive { origin, label, suite, site: host, ..Archive::default() }
    }

    /// cuda-ubuntu2204.pin, as NVIDIA's instructions have it put into preferences.d.
    const CUDA: &str = "Package: nsight-compute\nPin: origin *ubuntu.com*\nPin-Priority: -1\n\nPackage: nsight-systems\n\
        Pin: origin *ubuntu.com*\nPin-Priority: -1\n\nPackage: *\nPin: release l=NVIDIA CUDA\nPin-Priority: 600\n";

    #[test]
    fn nvidias_own_pin_prefers_its_archive() {
        let pins = records("p", CUDA);
        assert_eq!(pins.len(), 3);
        let nvidia = archive("NVIDIA", "NVIDIA CUDA", "", "developer.download.nvidia.com");
        let ubuntu = archive("Ubuntu", "Ubuntu", "jammy-security", "azure.archive.ubuntu.com");
        assert_eq!(priority(&pins, "libnvidia-compute-535", "1", &nvidia), 600);
        assert_eq!(priority(&pins, "libnvidia-compute-535", "1", &ubuntu), 500);
        assert_eq!(priority(&pins, "nsight-compute", "1", &ubuntu), -1);
    }

    #[test]
    fn a_package_is_tied_to_a_version() {
        // The example of apt_preferences(5), with NVIDIA's names.
        let text = "# ours\nPackage: nvidia-driver-535* libnvidia-*-535*\nPin: version 535.161.08*\nPin-Priority: 1001\n";
        let pins = records("/etc/apt/preferences.d/nvidia", text);
        let said = tie(&pins, "libnvidia-compute-535-server", "535.161.08-0ubuntu2.22.04.1").unwrap();
        assert_eq!(said, "/etc/apt/preferences.d/nvidia: Pin: version 535.161.08*, Pin-Priority: 1001");
        assert_eq!(tie(&pins, "libnvidia-compute-535-server", "535.183.01-0ubuntu1"), None);
        assert_eq!(tie(&pins, "libc6", "535.161.08"), None);
    }

    #[test]
    fn what_is_no_record_is_passed_over() {
        for text in [
            "",
            "Package: x",
            "Package: x\nPin: foo bar\nPin-Priority: 1",
            "Pin: version 1\n\n\nPin-Priority: x",
        ] {
            assert!(records("p", text).is_empty(), "{text}");
        }
    }
}

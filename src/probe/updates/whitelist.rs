//! unattended-upgrades' Package-Whitelist: what it takes by itself, and what comes along.
//!
//! Invariants: what might come along with a package of the list is not taken for left out; a pattern is compiled once.
//!
//! Source: README.md of unattended-upgrades: "Only packages that match the regular expressions in this list will be
//! marked for upgrade. By default dependencies of whitelisted packages are allowed."

use super::pattern;
use gpucheck_checks::fact::Unattended;
use regex_lite::Regex;

/// Which of these packages the list keeps where they are. `bringers` tells the names of all packages, those of metapackages
/// too, that may bring others along: those that `may_bring`.
pub(super) fn left_out(
    unattended: &Unattended,
    packages: &[&str],
    bringers: impl FnOnce() -> Vec<String>,
) -> Vec<bool> {
    if unattended.only.is_empty() {
        return vec![false; packages.len()];
    }
    let list: Vec<Option<Regex>> = unattended.only.iter().map(|only| pattern::beginning(only)).collect();
    // What cannot be read of the list may have it.
    let is_listed = |name: &str| list.iter().any(|only| only.as_ref().is_none_or(|only| only.is_match(name)));
    let bringers = if unattended.is_strict() { Vec::new() } else { bringers() };
    let brought = KIN.map(|is_kin| bringers.iter().any(|name| is_kin(name) && is_listed(name)));
    let comes_along =
        |name: &str| KIN.iter().zip(brought).any(|(is_kin, is_brought)| is_brought && is_kin(name));
    packages.iter().map(|name| !comes_along(name) && !is_listed(name)).collect()
}

/// Whether a package may bring others that are looked at.
pub(super) fn may_bring(name: &str) -> bool {
    KIN.iter().any(|is_kin| is_kin(name))
}

/// Those of which one may depend on another: the driver's, and Linux's. Modules that a distribution built are both.
const KIN: [fn(&str) -> bool; 2] =
    [|name| name.contains("nvidia") || name.contains("cuda"), |name| name.starts_with("linux-")];

#[cfg(test)]
mod tests {
    use super::*;

    const INSTALLED: [&str; 5] =
        ["bash", "libnvidia-compute-535", "linux-azure", "linux-image-azure", "nvidia-driver-535"];

    fn left_out_beside(more: &[&str], only: &[&str], strict: &str) -> Vec<&'static str> {
        let unattended = Unattended {
            only: only.iter().map(|&pattern| pattern.to_owned()).collect(),
            settings: [("unattended-upgrade::package-whitelist-strict".to_owned(), strict.to_owned())].into(),
            ..Unattended::default()
        };
        let all = || INSTALLED.iter().chain(more).filter(|name| may_bring(name));
        let told = left_out(&unattended, &INSTALLED, || all().map(|&name| name.to_owned()).collect());
        INSTALLED
            .into_iter()
            .zip(told)
            .filter(|(_, is_left_out)| *is_left_out)
            .map(|(name, _)| name)
            .collect()
    }

    fn left_out_by(only: &[&str], strict: &str) -> Vec<&'static str> {
        left_out_beside(&[], only, strict)
    }

    #[test]
    fn what_is_not_on_the_list_stays_unless_something_on_it_may_bring_it() {
        assert!(left_out_by(&[], "true").is_empty());
        assert_eq!(left_out_by(&["bash"], "false"), INSTALLED[1..]);
        assert_eq!(left_out_by(&["nvidia-driver"], "false"), ["bash", "linux-azure", "linux-image-azure"]);
        assert_eq!(
            left_out_by(&["linux-azure$"], "false"),
            ["bash", "libnvidia-compute-535", "nvidia-driver-535"]
        );
        assert_eq!(left_out_by(&["nvidia-driver", "bash"], "true"), INSTALLED[1..4]);
        // Python reads what we do not.
        assert!(left_out_by(&["(?=nvidia)"], "true").is_empty());
    }

    /// NVIDIA's Depends: cuda on cuda-12-4, that on cuda-runtime-12-4, that on cuda-drivers, that on the driver.
    #[test]
    fn a_metapackage_of_the_list_brings_the_driver() {
        for only in ["cuda$", "cu", "cuda-12-4"] {
            let stay = left_out_beside(&["cuda", "cuda-12-4"], &[only], "false");
            assert_eq!(stay, ["bash", "linux-azure", "linux-image-azure"], "{only}");
            assert_eq!(left_out_beside(&["cuda", "cuda-12-4"], &[only], "true"), INSTALLED, "{only}");
            assert_eq!(left_out_by(&[only], "false"), INSTALLED, "{only}");
        }
    }

    #[test]
    fn the_longest_list_takes_no_time() {
        let only: Vec<String> = (0..200).map(|number| format!("(lib)?x{number}(-[a-z]+)*$")).collect();
        let unattended = Unattended { only, ..Unattended::default() };
        let names: Vec<String> = (0..300).map(|number| format!("linux-image-6.8.0-{number}-azure")).collect();
        let packages: Vec<&str> = names.iter().map(String::as_str).collect();
        let start = std::time::Instant::now();
        let told = left_out(&unattended, &packages, || names.clone());
        assert!(told.iter().all(|is_left_out| *is_left_out));
        // Two minutes where each pattern is compiled for each pair.
        assert!(start.elapsed() < std::time::Duration::from_secs(20), "{:?}", start.elapsed());
    }
}

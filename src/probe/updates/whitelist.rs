//! unattended-upgrades' Package-Whitelist: what it takes by itself, and what comes along.
//!
//! Invariant: what might come along with a package of the list is not taken for left out.
//!
//! Source: README.md of unattended-upgrades: "Only packages that match the regular expressions in this list will be
//! marked for upgrade. By default dependencies of whitelisted packages are allowed."

use super::pattern;
use gpucheck_checks::fact::Unattended;

/// Whether the list keeps a package where it is. `installed` has the names of all that are.
pub(super) fn leaves_out(unattended: &Unattended, installed: &[&str], name: &str) -> bool {
    if unattended.only.is_empty() || is_listed(unattended, name) {
        return false;
    }
    let comes_along = |other: &&&str| is_listed(unattended, other) && are_kin(other, name);
    unattended.is_strict() || !installed.iter().any(|other| comes_along(&other))
}

/// What cannot be read of the list may have it.
fn is_listed(unattended: &Unattended, name: &str) -> bool {
    unattended.only.iter().any(|pattern| pattern::begins_like(name, pattern).unwrap_or(true))
}

/// Whether one may depend on the other: both are the driver's, or both Linux's. Modules that a distribution built are both.
fn are_kin(one: &str, other: &str) -> bool {
    let of_driver = |name: &str| name.contains("nvidia") || name.contains("cuda");
    let of_linux = |name: &str| name.starts_with("linux-");
    (of_driver(one) && of_driver(other)) || (of_linux(one) && of_linux(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSTALLED: [&str; 5] =
        ["bash", "libnvidia-compute-535", "linux-azure", "linux-image-azure", "nvidia-driver-535"];

    fn left_out(only: &[&str], strict: &str) -> Vec<&'static str> {
        let unattended = Unattended {
            only: only.iter().map(|&pattern| pattern.to_owned()).collect(),
            settings: [("unattended-upgrade::package-whitelist-strict".to_owned(), strict.to_owned())].into(),
            ..Unattended::default()
        };
        INSTALLED.into_iter().filter(|name| leaves_out(&unattended, &INSTALLED, name)).collect()
    }

    #[test]
    fn what_is_not_on_the_list_stays_unless_something_on_it_may_bring_it() {
        assert!(left_out(&[], "true").is_empty());
        assert_eq!(left_out(&["bash"], "false"), INSTALLED[1..]);
        assert_eq!(left_out(&["nvidia-driver"], "false"), ["bash", "linux-azure", "linux-image-azure"]);
        assert_eq!(
            left_out(&["linux-azure$"], "false"),
            ["bash", "libnvidia-compute-535", "nvidia-driver-535"]
        );
        assert_eq!(left_out(&["nvidia-driver", "bash"], "true"), INSTALLED[1..4]);
        // Python reads what we do not.
        assert!(left_out(&["(?=nvidia)"], "true").is_empty());
    }
}

//! Where a list comes from: the Release file beside it, and its own name.

use crate::{probe::wildcard::is_like, root::Root};

/// Bytes read of a Release file: what tells its origin stands at its beginning, before the sums of all files.
const MOST: u64 = 64 << 10;

/// An archive, as its Release file names it, and the part of it that a list is of.
#[derive(Clone, Debug, Default)]
pub(super) struct Archive {
    pub(super) origin: String,
    pub(super) label: String,
    pub(super) suite: String,
    pub(super) codename: String,
    pub(super) version: String,
    pub(super) component: String,
    /// The host that it was fetched from.
    pub(super) site: String,
    pub(super) not_automatic: bool,
    pub(super) but_upgrades: bool,
}

impl Archive {
    /// The archive of the list of this name. `names` is all that lies beside it.
    pub(super) fn of_list(root: &Root, folder: &str, list: &str, names: &[String]) -> Self {
        let is_release = |name: &&String| name.ends_with("_InRelease") || name.ends_with("_Release");
        let beside = names.iter().filter(is_release).filter(|name| list.starts_with(stem(name)));
        let release = beside.max_by_key(|name| (stem(name).len(), name.ends_with("_InRelease")));
        let mut archive =
            release.map(|name| Self::read(root, &format!("{folder}/{name}"))).unwrap_or_default();
        let rest = release.and_then(|name| list.strip_prefix(stem(name))).unwrap_or_default();
        archive.component =
            rest.split_once("_binary-").map(|(component, _)| component.to_owned()).unwrap_or_default();
        list.split('_').next().unwrap_or_default().clone_into(&mut archive.site);
        archive
    }

    fn read(root: &Root, path: &str) -> Self {
        let text = root.bytes(path, MOST).unwrap_or_default();
        let mut archive = Self::default();
        for line in String::from_utf8_lossy(&text).lines() {
            let Some((name, value)) = line.split_once(':') else { continue };
            let value: String = value.trim().chars().take(100).collect();
            match name {
                "Origin" => archive.origin = value,
                "Label" => archive.label = value,
                "Suite" => archive.suite = value,
                "Codename" => archive.codename = value,
                "Version" => archive.version = value,
                "NotAutomatic" => archive.not_automatic = value == "yes",
                "ButAutomaticUpgrades" => archive.but_upgrades = value == "yes",
                "MD5Sum" | "SHA1" | "SHA256" | "SHA512" => break,
                _ => {}
            }
        }
        archive
    }

    /// Its priority where no preference says otherwise. Source: apt_preferences(5).
    pub(super) fn priority(&self) -> i32 {
        match (self.not_automatic, self.but_upgrades) {
            (false, _) => 500,
            (true, true) => 100,
            (true, false) => 1,
        }
    }

    /// Whether unattended-upgrades takes from it by this pattern: `origin=Debian,codename=bookworm,label=Debian-Security`.
    pub(super) fn is_allowed_by(&self, pattern: &str) -> bool {
        let pattern = pattern.trim().replace("\\,", "%2C");
        !pattern.is_empty() && pattern.split(',').all(|token| self.has(token))
    }

    fn has(&self, token: &str) -> bool {
        let Some((what, value)) = token.split_once('=') else { return false };
        let value = value.trim().replace("%2C", ",");
        let own = match what.trim() {
            "o" | "origin" => &self.origin,
            "l" | "label" => &self.label,
            "a" | "suite" | "archive" => &self.suite,
            "c" | "component" => &self.component,
            "n" | "codename" => &self.codename,
            "site" => &self.site,
            _ => return false,
        };
        is_like(own, &value)
    }
}

/// The name of a Release file without what makes it one.
fn stem(name: &str) -> &str {
    name.strip_suffix("InRelease").or_else(|| name.strip_suffix("Release")).unwrap_or(name)
}

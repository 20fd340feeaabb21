//! `pyvenv.cfg`, by which a virtual environment names the Python that it was made from.
//!
//! Source: <https://docs.python.org/3/library/site.html>, `Lib/site.py`; `virtualenv` and `uv` write more into it.

use crate::root::Root;
use std::collections::BTreeMap;

/// Its name in the prefix.
pub(super) const FILE: &str = "pyvenv.cfg";

/// Its settings, by names in small letters.
#[derive(Debug)]
pub(super) struct Configuration(BTreeMap<String, String>);

impl Configuration {
    /// That of a prefix.
    pub(super) fn of(root: &Root, prefix: &str) -> Option<Self> {
        root.configuration(&format!("{prefix}/{FILE}")).map(|text| Self::parse(&text))
    }

    fn parse(text: &str) -> Self {
        let settings = text.lines().filter_map(|line| line.split_once('='));
        Self(settings.map(|(name, value)| (name.trim().to_lowercase(), value.trim().to_owned())).collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The version of the Python, as it was when the environment was made.
    pub(super) fn version(&self) -> Option<&str> {
        self.get("version_info").or_else(|| self.get("version"))
    }

    /// Whether the packages of the Python that it was made from count as well.
    pub(super) fn takes_systems_packages(&self) -> bool {
        self.get("include-system-site-packages").is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// The prefix of the Python that it was made from.
    pub(super) fn base(&self) -> Option<&str> {
        let of_home = || self.get("home")?.trim_end_matches('/').strip_suffix("/bin");
        self.get("base-prefix").or_else(of_home).filter(|base| base.starts_with('/'))
    }

    /// Whether uv made it.
    pub(super) fn is_of_uv(&self) -> bool {
        self.get("uv").is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_three_makers() {
        // As `python3 -m venv` of CPython 3.11, virtualenv 20 and uv 0.5 write them.
        let venv = "home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.11.2\n\
                    executable = /usr/bin/python3.11\ncommand = /usr/bin/python3 -m venv /home/kim/.venv\n";
        let virtualenv = "home = /opt/py/bin\nimplementation = CPython\nversion_info = 3.9.18.final.0\nvirtualenv = 20.25.0\n\
                          include-system-site-packages = true\nbase-prefix = /opt/py\n";
        let uv = "home = /home/kim/.local/share/uv/python/cpython-3.12.7-linux-x86_64-gnu/bin\nimplementation = CPython\n\
                  uv = 0.5.1\nversion_info = 3.12.7\ninclude-system-site-packages = false\nprompt = lab\n";
        let [venv, virtualenv, uv] = [venv, virtualenv, uv].map(Configuration::parse);
        assert_eq!((venv.base(), venv.version(), venv.is_of_uv()), (Some("/usr"), Some("3.11.2"), false));
        assert_eq!((virtualenv.base(), virtualenv.takes_systems_packages()), (Some("/opt/py"), true));
        assert!(uv.is_of_uv() && !uv.takes_systems_packages());
        assert_eq!(Configuration::parse("home =\n=\nx").base(), None);
    }
}

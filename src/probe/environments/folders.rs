//! The folders that a Python imports packages from, in its order.
//!
//! In a virtual environment: its own, then, where it takes the system's packages, those of the person and of the Python
//! that it was made from. Elsewhere: those of the person, then its own. Each is followed by what its `.pth` files name;
//! their lines of code are not told, since nearly every environment has some and they are run by Python alone.
//!
//! Source: `Lib/site.py`, `main`, `venv`, `addusersitepackages`, `addsitepackages`, `addsitedir`; Debian's
//! `/etc/python3/debian_config` and its patch `distutils-install-layout.diff` for `dist-packages`.

use super::{Surroundings, configuration::Configuration, text};
use crate::root::Root;
use std::{collections::BTreeSet, io};

/// Most folders that are told.
const MOST_FOLDERS: usize = 64;
/// Most `.pth` files of a folder that are read, and most lines of each.
const MOST_FILES: usize = 64;
const MOST_LINES: usize = 256;

/// Where packages lie.
#[derive(Debug, Default)]
pub(super) struct Paths {
    pub(super) folders: Vec<String>,
    pub(super) untold: Option<String>,
}

/// Those of a prefix whose Python has this version.
pub(super) fn of(
    root: &Root,
    surroundings: &Surroundings,
    prefix: &str,
    version: Option<&str>,
    configuration: Option<&Configuration>,
) -> Paths {
    let minor = version.map(minor);
    let mut walk = Walk { root, paths: Paths::default(), known: BTreeSet::new() };
    match configuration {
        None => {
            walk.of_person(surroundings, prefix, minor.as_deref());
            walk.of_prefix(prefix, minor.as_deref());
        }
        Some(configuration) => {
            walk.of_prefix(prefix, minor.as_deref());
            if configuration.takes_systems_packages() {
                walk.of_person(surroundings, prefix, minor.as_deref());
                walk.of_base(configuration, minor.as_deref());
            }
        }
    }
    if walk.paths.folders.is_empty() {
        walk.untold(format!("no folder of packages below {prefix}"));
    }
    walk.paths
}

/// `3.11` of `3.11.7`.
fn minor(version: &str) -> String {
    version.split('.').take(2).collect::<Vec<_>>().join(".")
}

struct Walk<'a> {
    root: &'a Root,
    paths: Paths,
    /// By their real paths.
    known: BTreeSet<String>,
}

impl Walk<'_> {
    /// A person's own packages.
    fn of_person(&mut self, surroundings: &Surroundings, prefix: &str, minor: Option<&str>) {
        if surroundings.no_user_site {
            return;
        }
        let mut homes = surroundings.homes(self.root);
        // On another machine an environment in a home is its owner's, whose packages alone count.
        let is_within =
            |home: &String| prefix.strip_prefix(home.as_str()).is_some_and(|rest| rest.starts_with('/'));
        if homes.iter().any(is_within) {
            homes.retain(is_within);
        }
        let bases = match &surroundings.user_base {
            Some(base) => vec![text(base)],
            None => homes.iter().map(|home| format!("{home}/.local")).collect(),
        };
        for base in bases {
            self.of_library(&format!("{base}/lib"), minor, &["site-packages"]);
        }
    }

    /// Those of the Python that a virtual environment was made from.
    fn of_base(&mut self, configuration: &Configuration, minor: Option<&str>) {
        let told = self.paths.folders.len();
        if let Some(base) = configuration.base() {
            self.of_prefix(base, minor);
        }
        if self.paths.folders.len() == told {
            self.untold("it takes the system's packages as well, which are not found".to_owned());
        }
    }

    fn of_prefix(&mut self, prefix: &str, minor: Option<&str>) {
        let names: &[&str] = match prefix {
            "/usr" if self.is_debian() => &["dist-packages"],
            _ => &["site-packages"],
        };
        // The system's Python looks into /usr/local first.
        let bases: &[&str] = if prefix == "/usr" { &["/usr/local", "/usr"] } else { &[prefix] };
        for base in bases {
            for library in ["lib", "lib64"] {
                self.of_library(&format!("{base}/{library}"), minor, names);
            }
        }
    }

    fn is_debian(&self) -> bool {
        self.root.exists("/usr/lib/python3/dist-packages")
    }

    /// `python3.11/site-packages` below a `lib`; where the version is not told, of all that are there.
    fn of_library(&mut self, library: &str, minor: Option<&str>, names: &[&str]) {
        let pythons = match minor {
            Some(minor) => vec![format!("python{minor}"), format!("python{minor}t")],
            None => {
                self.root.names(library).into_iter().filter(|name| super::search::is_python(name)).collect()
            }
        };
        // Debian's packages for every Python.
        let shared = names.contains(&"dist-packages").then(|| "python3".to_owned());
        for python in pythons.iter().chain(&shared) {
            for name in names {
                self.site(&format!("{library}/{python}/{name}"));
            }
        }
    }

    /// A folder of packages, and what its `.pth` files name.
    fn site(&mut self, folder: &str) {
        let Some(names) = self.add(folder) else { return };
        let is_read = |name: &&String| name.strip_suffix(".pth").is_some() && !name.starts_with('.');
        for file in names.iter().filter(is_read).take(MOST_FILES) {
            let text = self.root.configuration(&format!("{folder}/{file}")).unwrap_or_default();
            for line in text.lines().take(MOST_LINES).filter_map(named) {
                let more = if line.starts_with('/') { line.to_owned() } else { format!("{folder}/{line}") };
                self.add(&more);
            }
        }
    }

    /// The names in a folder that was not known.
    fn add(&mut self, folder: &str) -> Option<Vec<String>> {
        let real = self.root.target(folder).ok()?;
        if self.known.contains(&real) || self.paths.folders.len() >= MOST_FOLDERS {
            return None;
        }
        match self.root.list(folder) {
            Ok(names) => {
                self.known.insert(real);
                self.paths.folders.push(folder.to_owned());
                Some(names)
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                self.untold(format!("{folder} may not be read"));
                None
            }
            Err(_) => None,
        }
    }

    fn untold(&mut self, why: String) {
        self.paths.untold.get_or_insert(why);
    }
}

/// The folder that a line of a `.pth` file names; its other lines are code.
fn named(line: &str) -> Option<&str> {
    let line = line.trim_end();
    let is_code = ["import ", "import\t", "#"].iter().any(|start| line.starts_with(start));
    (!is_code && !line.trim().is_empty()).then_some(line)
}

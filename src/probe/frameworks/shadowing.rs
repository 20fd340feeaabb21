//! The folders of `sys.path` that are not the environment's own and hide some of its packages.
//!
//! Invariants: names are listed, nothing is read or imported; folders and names are bounded.

use super::{Environment, distributions::of_name, leftovers::inherited};
use gpucheck_checks::fact::{Distribution, Shadowing, ShadowingPlace};
use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
};

/// Longest `sys.path` that is walked; an honest one has about ten entries.
const LONGEST_PATH: usize = 64;
/// Most names that are gone through in a folder.
const MOST_ENTRIES: usize = 16_384;
/// Most that is told of one.
const MOST_TOLD: usize = 32;

/// The folders of this `sys.path`, in its order, that hide something; `user` is the home of whoever runs the Python,
/// `working_directory` where it ran.
pub(super) fn folders(
    sys_path: &[String],
    environment: &Environment,
    user: Option<&Path>,
    working_directory: &Path,
) -> Vec<Shadowing> {
    let python_path = inherited(environment, "PYTHONPATH").unwrap_or_default();
    let named: BTreeSet<PathBuf> = env::split_paths(&python_path).collect();
    let bases: Vec<PathBuf> = [inherited(environment, "PYTHONUSERBASE").map(PathBuf::from)]
        .into_iter()
        .chain([user.map(|home| home.join(".local"))])
        .flatten()
        .collect();
    let place = |folder: &Path| {
        if folder.as_os_str().is_empty() || folder == working_directory {
            Some(ShadowingPlace::WorkingDirectory)
        } else if named.contains(folder) {
            Some(ShadowingPlace::PythonPath)
        } else if environment
            .asker
            .as_ref()
            .is_some_and(|asker| asker.added.iter().any(|added| folder == added))
        {
            Some(ShadowingPlace::SysPath)
        } else if bases.iter().any(|base| folder.starts_with(base.join("lib"))) {
            Some(ShadowingPlace::UserSite)
        } else {
            None
        }
    };
    let (mut own, mut foreign) = (Content::default(), Vec::new());
    for entry in sys_path.iter().take(LONGEST_PATH) {
        let path = Path::new(entry);
        match place(path) {
            Some(place) => {
                let folder = if entry.is_empty() { working_directory } else { path };
                foreign.push((place, folder.to_owned(), Content::of(folder)));
            }
            None => own.extend(Content::of(path)),
        }
    }
    foreign.into_iter().filter_map(|(place, folder, content)| told(place, &folder, content, &own)).collect()
}

fn told(place: ShadowingPlace, folder: &Path, content: Content, own: &Content) -> Option<Shadowing> {
    let distributions: Vec<Distribution> = content
        .distributions
        .into_iter()
        .filter(|(name, _)| own.distributions.contains_key(name))
        .map(|(name, version)| Distribution { name, version })
        .take(MOST_TOLD)
        .collect();
    // Where distributions are told their modules need not be.
    let modules: Vec<String> = if distributions.is_empty() {
        content.modules.intersection(&own.modules).take(MOST_TOLD).cloned().collect()
    } else {
        Vec::new()
    };
    let hides = !(distributions.is_empty() && modules.is_empty());
    let folder = folder.to_string_lossy().into_owned();
    hides.then_some(Shadowing { place, folder, distributions, modules })
}

/// What lies in a folder that Python imports from.
#[derive(Default)]
struct Content {
    /// Versions by normal name.
    distributions: BTreeMap<String, String>,
    modules: BTreeSet<String>,
}

impl Content {
    fn of(folder: &Path) -> Self {
        let mut content = Self::default();
        if !folder.is_absolute() {
            return content;
        }
        for entry in fs::read_dir(folder).into_iter().flatten().flatten().take(MOST_ENTRIES) {
            let Ok(name) = entry.file_name().into_string() else { continue };
            if let Some((name, version)) = of_name(&name) {
                content.distributions.entry(name).or_insert(version);
            } else if let Some(module) = module(&entry.path(), &name) {
                content.modules.insert(module);
            }
        }
        content
    }

    fn extend(&mut self, other: Self) {
        self.modules.extend(other.modules);
        for (name, version) in other.distributions {
            self.distributions.entry(name).or_insert(version);
        }
    }
}

/// The module that an entry of a folder is: a file, or a folder that is a package.
fn module(path: &Path, name: &str) -> Option<String> {
    let name = match name.strip_suffix(".py") {
        Some(stem) => stem,
        // A folder without this file gives way to a package that comes later.
        None if path.join("__init__.py").is_file() => name,
        None => return None,
    };
    let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_');
    (is_name && !name.starts_with("__")).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Tree(tempfile::TempDir);

    impl Tree {
        fn new(files: &[&str]) -> Self {
            let tree = tempfile::tempdir().unwrap();
            for file in files {
                let file = tree.path().join(file);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, "").unwrap();
            }
            Self(tree)
        }

        fn path(&self, path: &str) -> String {
            self.0.path().join(path).to_str().unwrap().to_owned()
        }

        fn told(&self, sys_path: &[&str], python_path: &str) -> Vec<Shadowing> {
            let sys_path: Vec<String> = sys_path
                .iter()
                .map(|path| if path.is_empty() { String::new() } else { self.path(path) })
                .collect();
            let environment = Environment {
                changes: vec![
                    ("PYTHONPATH".into(), Some(self.path(python_path).into())),
                    ("PYTHONUSERBASE".into(), None),
                ],
                ..Environment::default()
            };
            let home = PathBuf::from(self.path("home"));
            folders(&sys_path, &environment, Some(&home), Path::new(&self.path("notes")))
        }
    }

    const USER: &str = "home/.local/lib/python3.11/site-packages";

    #[test]
    fn what_pip_put_into_the_home_hides_the_environments() {
        let tree = Tree::new(&[
            "home/.local/lib/python3.11/site-packages/numpy-2.3.5.dist-info/METADATA",
            "home/.local/lib/python3.11/site-packages/numpy/__init__.py",
            "home/.local/lib/python3.11/site-packages/black-24.1.0.dist-info/METADATA",
            "env/site/numpy-1.26.4.dist-info/METADATA",
            "env/site/numpy/__init__.py",
        ]);
        let told = tree.told(&[USER, "env/site"], "nowhere");
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].place, &told[0].folder), (ShadowingPlace::UserSite, &tree.path(USER)));
        let numpy = Distribution { name: "numpy".to_owned(), version: "2.3.5".to_owned() };
        assert_eq!((&told[0].distributions, told[0].modules.len()), (&vec![numpy], 0));
    }

    #[test]
    fn a_notebook_beside_a_file_of_a_modules_name() {
        let tree = Tree::new(&[
            "notes/random.py",
            "notes/lab.py",
            "notes/data/numbers.csv",
            "notes/tensorflow/model.h5",
            "lib/random.py",
            "env/site/tensorflow/__init__.py",
        ]);
        let told = tree.told(&["", "lib", "env/site"], "nowhere");
        let modules: Vec<_> = told.iter().map(|told| (told.place, told.modules.join(" "))).collect();
        assert_eq!(modules, [(ShadowingPlace::WorkingDirectory, "random".to_owned())]);
    }

    #[test]
    fn python_path_is_told_and_what_hides_nothing_is_not() {
        let tree =
            Tree::new(&["more/keras.py", "env/site/keras/__init__.py", "notes/lab.py", "home/.local/x"]);
        let told = tree.told(&["", "more", "env/site"], "more");
        let folders: Vec<_> = told.iter().map(|told| (told.place, told.folder.clone())).collect();
        assert_eq!(folders, [(ShadowingPlace::PythonPath, tree.path("more"))]);
        assert!(tree.told(&["", "env/site"], "more").is_empty());
    }
}

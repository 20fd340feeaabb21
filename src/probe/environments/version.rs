//! The version of an environment's Python, by its files.

use super::{
    configuration::Configuration,
    search::{Candidate, is_python},
};
use crate::root::Root;

/// As exact as it is told: `3.11.7`, else `3.11`.
pub(super) fn of(
    root: &Root,
    candidate: &Candidate,
    configuration: Option<&Configuration>,
) -> Option<String> {
    let Candidate { prefix, python, .. } = candidate;
    let of_configuration = configuration.and_then(|found| numbers(found.version()?));
    of_configuration
        .or_else(|| of_conda(&root.names(&format!("{prefix}/conda-meta"))))
        .or_else(|| of_folder(prefix.rsplit('/').next()?))
        .or_else(|| of_interpreter(root, python))
        .or_else(|| of_libraries(root, prefix))
}

/// `python-3.11.7-hab00c5b_0_cpython.json` in `conda-meta`.
fn of_conda(files: &[String]) -> Option<String> {
    files.iter().find_map(|file| {
        let (version, _) = file.strip_suffix(".json")?.strip_prefix("python-")?.split_once('-')?;
        numbers(version)
    })
}

/// `3.11.7` as pyenv names a version's folder, `cpython-3.12.7-linux-x86_64-gnu` as uv does.
fn of_folder(name: &str) -> Option<String> {
    let version = name.strip_prefix("cpython-").map_or(name, |rest| rest.split('-').next().unwrap_or(rest));
    numbers(version).filter(|version| version.matches('.').count() == 2)
}

/// The file that links lead to is named `python3.11`.
fn of_interpreter(root: &Root, python: &str) -> Option<String> {
    let target = root.target(python).ok()?;
    minor(target.rsplit('/').next()?)
}

/// The folder of the standard library, where there is one alone.
fn of_libraries(root: &Root, prefix: &str) -> Option<String> {
    let names = root.names(&format!("{prefix}/lib"));
    let mut pythons = names.iter().filter(|name| is_python(name));
    let only = pythons.next()?;
    pythons.next().is_none().then(|| minor(only))?
}

/// `3.11` of `python3.11` and of `python3.11t`.
fn minor(name: &str) -> Option<String> {
    let version = name.strip_prefix("python").filter(|_| is_python(name))?;
    Some(version.trim_end_matches('t').to_owned())
}

/// The first two or three numbers, of a version 3: `3.9.18` of `3.9.18.final.0`.
fn numbers(text: &str) -> Option<String> {
    let is_number =
        |part: &&str| !part.is_empty() && part.len() < 4 && part.bytes().all(|c| c.is_ascii_digit());
    let parts: Vec<&str> = text.split('.').take(3).take_while(is_number).collect();
    (parts.len() >= 2 && parts.first() == Some(&"3")).then(|| parts.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_as_their_makers_write_them() {
        for (text, version) in [
            ("3.9.18.final.0", Some("3.9.18")),
            ("3.11.2", Some("3.11.2")),
            ("3.13.0rc1", Some("3.13")),
            ("3.11", Some("3.11")),
            ("2.7.18", None),
            ("3", None),
            ("", None),
            ("3..1", None),
        ] {
            assert_eq!(numbers(text).as_deref(), version, "{text}");
        }
        assert_eq!(of_folder("cpython-3.12.7-linux-x86_64-gnu").as_deref(), Some("3.12.7"));
        assert_eq!(of_folder("tf-3.8"), None);
        assert_eq!(minor("python3.13t").as_deref(), Some("3.13"));
        let files = ["python-dateutil-2.9.0-py_0.json", "python-3.11.7-hab00c5b_0_cpython.json"];
        assert_eq!(of_conda(&files.map(str::to_owned)).as_deref(), Some("3.11.7"));
    }
}

//! What a kernel specification starts.
//!
//! Source: `jupyter_client/manager.py`, `format_kernel_cmd`: a bare `python`, `python3` or `python3.X`, with the minor
//! version that the server itself runs in, becomes the server's own interpreter, `{resource_dir}` the folder of the
//! specification and `{prefix}` the server's `sys.prefix`; any other word in braces stays as it is.

use super::{Environment, places::Place};
use crate::root::Root;
use gpucheck_checks::fact::{Program, ProgramState, Spec};
use std::{env, io, path::Path};

/// The first word of the command, resolved.
pub(super) fn of(
    root: &Root,
    surroundings: &Environment,
    place: &Place,
    folder: &str,
    spec: &Spec,
) -> Program {
    let word = spec.argv.first().map(String::as_str).unwrap_or_default().replace("{resource_dir}", folder);
    let word = match &place.prefix {
        Some(prefix) => word.replace("{prefix}", prefix),
        None => word,
    };
    let own = place.prefix.as_ref().and_then(|prefix| versioned_name(root, prefix));
    if is_servers_python(&word, own.as_deref()) {
        // Only servers of this environment look here, so theirs is its interpreter.
        return place
            .prefix
            .as_ref()
            .map_or(Program::OfServer, |prefix| file(root, format!("{prefix}/bin/python")));
    }
    if word.starts_with('/') && !word.contains('{') {
        return file(root, word);
    }
    if word.is_empty() || word.contains(['/', '{']) {
        return Program::Untold { why: format!("{word:?} depends on where the server stands") };
    }
    let folders = env::split_paths(&surroundings.path).filter(|folder| folder.is_absolute());
    let mut paths = folders.map(|folder| folder.join(&word).to_string_lossy().into_owned());
    paths.find(|path| state(root, path) == ProgramState::Executable).map_or_else(
        || Program::Untold { why: format!("{word} is not on the path of this shell") },
        |path| file(root, path),
    )
}

/// Whether a server starts its own Python for this word; `own` is the name of that Python with its version, where it is
/// told.
fn is_servers_python(word: &str, own: Option<&str>) -> bool {
    ["python", "python3"].contains(&word) || (is_versioned(word) && own.is_none_or(|own| own == word))
}

/// Whether it is `python3.X`.
fn is_versioned(name: &str) -> bool {
    let minor = name.strip_prefix("python3.").unwrap_or_default();
    !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit())
}

/// The `python3.X` that the Python of an environment is a link to.
fn versioned_name(root: &Root, prefix: &str) -> Option<String> {
    let target = root.target(&format!("{prefix}/bin/python")).ok()?;
    target.rsplit('/').next().filter(|name| is_versioned(name)).map(str::to_owned)
}

fn file(root: &Root, path: String) -> Program {
    Program::File { state: state(root, &path), path }
}

fn state(root: &Root, path: &str) -> ProgramState {
    match root.target(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => ProgramState::Hidden,
        Err(_) => ProgramState::Missing,
        Ok(_) => match root.stat(path) {
            Some(found) if found.st_mode & 0o170_000 == 0o100_000 && found.st_mode & 0o111 != 0 => {
                ProgramState::Executable
            }
            _ => ProgramState::NotExecutable,
        },
    }
}

/// The environment that a Python's path stands for: `PREFIX/bin/pythonX`.
pub(crate) fn prefix_of(program: &str) -> Option<String> {
    let program = Path::new(program);
    let is_python = program.file_name()?.to_str()?.starts_with("python");
    let bin = program.parent()?;
    let prefix = bin.parent().filter(|_| is_python && bin.file_name().is_some_and(|name| name == "bin"))?;
    prefix.is_absolute().then(|| prefix.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_two_folders_above_a_python() {
        for (program, prefix) in [
            ("/opt/conda/envs/tf/bin/python3.10", Some("/opt/conda/envs/tf")),
            ("/usr/bin/R", None),
            ("/python", None),
            ("bin/python", None),
            ("/opt/x/python", None),
        ] {
            assert_eq!(prefix_of(program).as_deref(), prefix, "{program}");
        }
    }

    #[test]
    fn a_bare_python_is_the_servers() {
        for own in [None, Some("python3.11")] {
            assert!(["python", "python3", "python3.11"].iter().all(|word| is_servers_python(word, own)));
            let others = ["python2", "pythonw", "python3x", "python3.", "python3.1x", "R", ""];
            assert!(!others.iter().any(|word| is_servers_python(word, own)));
        }
        assert!(!is_servers_python("python3.9", Some("python3.11")));
        assert!(is_servers_python("python3.9", None));
    }
}

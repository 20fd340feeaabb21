//! Jupyter servers that run, and the variables that they were started with.
//!
//! Invariant: what is kept is of processes of the asking user alone.

use super::KEPT;
use crate::{probe::classroom, root::Root};
use gpucheck_checks::fact::{Observed, Server};
use std::{collections::BTreeMap, ffi::OsString, os::unix::ffi::OsStringExt};

/// Longest command line and environment that are read, in bytes.
const LONGEST: u64 = 256 << 10;
/// Most servers that are kept.
pub(super) const MOST: usize = 64;
/// Programs of Jupyter that start kernels.
const PROGRAMS: [&str; 5] =
    ["jupyter-lab", "jupyter-labhub", "jupyter-notebook", "jupyter-server", "jupyterhub-singleuser"];
/// The same as `jupyter WORD`.
const WORDS: [&str; 3] = ["lab", "notebook", "server"];
/// The same as `python -m MODULE`.
const MODULES: [&str; 5] =
    ["jupyterlab", "notebook", "jupyter_server", "jupyterhub.singleuser", "jupyterlab.labhubapp"];

/// The servers of this user, by their process ids, but for those that a gpucheck has started to see whether they start.
pub(super) fn running(root: &Root, uid: u32) -> Vec<Server> {
    let mut pids: Vec<i32> = root.names("/proc").iter().filter_map(|name| name.parse().ok()).collect();
    pids.sort_unstable();
    let listed = pids.into_iter().filter(|pid| is_listed_as(root, *pid, uid));
    let found = listed.filter_map(|pid| server(root, pid, is_server));
    // Linux takes longest to tell this, so of a server alone.
    let own = found.filter(|server| is_own(root, server.pid, uid));
    own.filter(|server| !is_tried(root, server.pid)).take(MOST).collect()
}

/// Whether a process carries the mark of a gpucheck that tries a class, this one or another.
fn is_tried(root: &Root, pid: i32) -> bool {
    let bytes = root.bytes(&format!("/proc/{pid}/environ"), LONGEST).unwrap_or_default();
    let mark = format!("{}=", classroom::MARK);
    bytes.split(|byte| *byte == 0).any(|variable| variable.starts_with(mark.as_bytes()))
}

/// Whether a process is this user's through and through. A program with the setuid bit belongs to its owner by its folder
/// in `/proc`, while another user has chosen its words and its variables.
pub(super) fn is_own(root: &Root, pid: i32, uid: u32) -> bool {
    if !is_listed_as(root, pid, uid) {
        return false;
    }
    if !root.is_this_machine() {
        return true;
    }
    let status = root.bytes(&format!("/proc/{pid}/status"), LONGEST).unwrap_or_default();
    let status = String::from_utf8_lossy(&status);
    let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    uids.is_some_and(|uids| uids.split_whitespace().all(|own| own.parse() == Ok(uid)))
}

/// Whether a process's folder in `/proc` is this user's.
fn is_listed_as(root: &Root, pid: i32, uid: u32) -> bool {
    root.stat(&format!("/proc/{pid}")).is_some_and(|found| found.st_uid == uid)
}

/// A process of this user that is a server whatever its command line is.
pub(super) fn known(root: &Root, pid: i32) -> Option<Server> {
    server(root, pid, |_| true)
}

/// The environment of a process of the asking user, byte for byte. It holds passwords and is no fact.
pub(crate) fn environment_of(root: &Root, pid: i32) -> Option<Vec<(OsString, OsString)>> {
    let bytes = root.bytes(&format!("/proc/{pid}/environ"), LONGEST).ok()?;
    // Whoever has this number by now may be another's.
    let uid = rustix::process::geteuid().as_raw();
    if !is_own(root, pid, uid) {
        return None;
    }
    let variable = |text: &[u8]| {
        let middle = text.iter().position(|byte| *byte == b'=').filter(|at| *at > 0)?;
        let (name, value) = text.split_at_checked(middle)?;
        let text = |bytes: &[u8]| OsString::from_vec(bytes.to_owned());
        Some((text(name), text(value.get(1..)?)))
    };
    Some(bytes.split(|byte| *byte == 0).filter_map(variable).collect())
}

fn server(root: &Root, pid: i32, is_server: fn(&[String]) -> bool) -> Option<Server> {
    let texts = |name: &str| {
        let bytes = root.bytes(&format!("/proc/{pid}/{name}"), LONGEST).ok()?;
        Some(
            bytes
                .split(|byte| *byte == 0)
                .map(|text| String::from_utf8_lossy(text).into_owned())
                .collect::<Vec<_>>(),
        )
    };
    let words = texts("cmdline")?;
    if !is_server(&words) {
        return None;
    }
    let variables = texts("environ")?;
    let kept = variables
        .iter()
        .filter_map(|variable| variable.split_once('='))
        .filter(|(name, _)| KEPT.contains(name));
    let environment: BTreeMap<String, String> =
        kept.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let sessions = Observed::not_probed("it left no note of where it answers");
    Some(Server { pid, program: words.into_iter().next()?, environment, root: None, sessions })
}

/// Whether a command line is that of a server: by its program, by a script that a Python runs, or by `-m`.
fn is_server(words: &[String]) -> bool {
    let name = |index: usize| words.get(index).and_then(|word| word.rsplit('/').next()).unwrap_or_default();
    let word = |index: usize| words.get(index).map(String::as_str).unwrap_or_default();
    let is_program = |index: usize| {
        PROGRAMS.contains(&name(index)) || (name(index) == "jupyter" && WORDS.contains(&word(index + 1)))
    };
    is_program(0)
        || (name(0).starts_with("python")
            && (is_program(1)
                || (word(1) == "-m"
                    && (MODULES.contains(&word(2)) || (word(2) == "jupyter" && WORDS.contains(&word(3)))))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(line: &str) -> bool {
        is_server(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn servers_are_known_by_their_command_lines() {
        for line in [
            "/opt/tljh/user/bin/python /opt/tljh/user/bin/jupyterhub-singleuser --port=4711",
            "/usr/bin/python3 /home/kim/.local/bin/jupyter-notebook",
            "/opt/conda/bin/python3.11 /opt/conda/bin/jupyter lab --no-browser",
            "python3 -m jupyterlab",
            "python -m jupyter notebook",
        ] {
            assert!(says(line), "{line}");
        }
        for line in [
            "",
            "vim jupyter-lab",
            "/usr/bin/python3 -m ipykernel_launcher -f /run/kernel-1.json",
            "jupyter kernelspec list",
            "python3 train.py jupyter-lab",
        ] {
            assert!(!says(line), "{line}");
        }
    }
}

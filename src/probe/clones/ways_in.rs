//! What is there for everybody and leads into one person's home.
//!
//! Invariants: nothing is run; a place is told once, with the first path of its that leads there, a file of shells once for
//! each path. Links that end nowhere lead nowhere. Whether a folder is open goes by its permission bits; lists of access
//! control are not read.

use super::{
    homes::{is_below, shared_folders},
    places::{self, MOST_NAMES, Places},
};
use crate::{
    probe::{notebooks::command_of, passwd::User},
    root::Root,
};
use gpucheck_checks::fact::{ClosedFolder, WayIntoHome, WayKind};
use std::io::ErrorKind;

/// Places that are told at most.
const MOST: usize = 64;
/// Programs of an environment that are started by their names.
const PROGRAMS: [&str; 7] =
    ["jupyter", "jupyter-lab", "jupyter-notebook", "jupyterhub", "ipython", "pip", "conda"];
/// The folder of commands that an administrator adds for everybody.
const COMMANDS: &str = "/usr/local/bin";
/// Commands of it that a class needs, without their versions.
const TOOLS: [&str; 8] =
    ["python", "pip", "ipython", "jupyter", "jupyterhub", "conda", "mamba", "micromamba"];
/// Files of shells that are everybody's, and those that each new home gets.
const SHELL: [&str; 6] = [
    "/etc/environment",
    "/etc/profile",
    "/etc/bash.bashrc",
    "/etc/skel/.bashrc",
    "/etc/skel/.profile",
    "/etc/skel/.bash_profile",
];
/// What leads somewhere: its kind, its place, and where it leads.
type Lead = (WayKind, String, String);

/// What ends a path in a line of a shell's.
const ENDS: [char; 11] = [' ', '\t', '"', '\'', ':', ';', ')', '$', '`', '&', '|'];

/// The places, in the order in which they are met.
pub(super) fn ways_in(root: &Root, places: &Places, people: &[User]) -> Vec<WayIntoHome> {
    let mut leads = Vec::new();
    for folder in shared_folders(places, people) {
        for name in root.some_names(&folder, MOST_NAMES) {
            let folder = format!("{folder}/{name}");
            let words = command_of(root, &folder).unwrap_or_default().into_iter();
            leads.extend(words.map(|word| (WayKind::Kernel, format!("{folder}/kernel.json"), word)));
        }
    }
    for environment in &places.environments {
        let prefix = &environment.prefix;
        let kind = WayKind::Environment;
        leads.extend(leads_of_program(root, kind, &environment.python));
        let base = base_of(&root.configuration(&format!("{prefix}/pyvenv.cfg")).unwrap_or_default());
        leads.extend(base.map(|base| (kind, format!("{prefix}/pyvenv.cfg"), base)));
        let program = PROGRAMS.iter().find_map(|name| {
            leads_of_program(root, kind, &format!("{prefix}/bin/{name}"))
                .into_iter()
                .find(|(_, _, to)| owner(people, to).is_some())
        });
        leads.extend(program);
    }
    let tools = root.some_names(COMMANDS, MOST_NAMES).into_iter().filter(|name| is_tool(name));
    leads.extend(
        tools.flat_map(|name| leads_of_program(root, WayKind::Command, &format!("{COMMANDS}/{name}"))),
    );
    let scripts = places::files(root, "/etc/profile.d", &[".sh"]).into_iter();
    for file in SHELL.map(str::to_owned).into_iter().chain(scripts) {
        let text = root.configuration(&file).unwrap_or_default();
        let to = people.iter().flat_map(|person| named_in(&text, &person.home));
        leads.extend(to.map(|to| (WayKind::Shell, file.clone(), to)));
    }
    told(root, people, leads)
}

/// Whether a command is one of those that a class needs: `pip3.10` is, `backup` is not.
fn is_tool(name: &str) -> bool {
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    TOOLS.contains(&name) || name.starts_with("jupyter-")
}

fn told(root: &Root, people: &[User], leads: Vec<Lead>) -> Vec<WayIntoHome> {
    let mut found: Vec<WayIntoHome> = Vec::new();
    for (kind, place, to) in leads {
        let Some(person) = owner(people, &to).filter(|_| owner(people, &place).is_none()) else { continue };
        let is_known =
            |known: &WayIntoHome| known.place == place && (kind != WayKind::Shell || known.to == to);
        if found.len() < MOST && !found.iter().any(is_known) {
            found.push(WayIntoHome {
                kind,
                closed: closed(root, people, &to),
                user: person.name.clone(),
                place,
                to,
            });
        }
    }
    found
}

/// In whose home a path lies.
fn owner<'a>(people: &'a [User], path: &str) -> Option<&'a User> {
    people.iter().find(|person| is_below(path, &person.home))
}

/// Where a program leads: as a link, and as a script by its first line.
fn leads_of_program(root: &Root, kind: WayKind, path: &str) -> Vec<Lead> {
    let lead = |to: String| (kind, path.to_owned(), to);
    if let Some(link) = root.link(path) {
        return match root.target(path) {
            Ok(target) => [link, target].map(lead).into(),
            // Where it ends is closed to whoever asks, too.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => vec![lead(link)],
            Err(_) => Vec::new(),
        };
    }
    let first = root.value(path).unwrap_or_default();
    let interpreter = first.strip_prefix("#!").and_then(|rest| rest.split_whitespace().next());
    interpreter.map(|to| lead(to.to_owned())).into_iter().collect()
}

/// `home` of a `pyvenv.cfg`: the folder of the Python that it was made with.
fn base_of(configuration: &str) -> Option<String> {
    let mut lines = configuration.lines().filter_map(|line| line.split_once('='));
    lines.find(|(name, _)| name.trim() == "home").map(|(_, value)| value.trim().to_owned())
}

/// The paths below a home that lines name which are no comments.
fn named_in(text: &str, home: &str) -> Vec<String> {
    let below = format!("{home}/");
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let named = lines.flat_map(|line| line.match_indices(&below).map(move |(at, _)| line.split_at(at)));
    // `/mnt/home/kim/` is not `/home/kim/`.
    let is_whole = |before: &str| !before.ends_with(|c: char| c.is_alphanumeric() || "/._-".contains(c));
    let whole = named.filter(|(before, _)| is_whole(before));
    whole.filter_map(|(_, path)| path.split(ENDS).next().map(str::to_owned)).collect()
}

/// The first closed folder on the way to a path, and to where its links end.
fn closed(root: &Root, people: &[User], to: &str) -> Option<ClosedFolder> {
    let real = root.target(to).ok();
    [Some(to), real.as_deref()]
        .into_iter()
        .flatten()
        .find_map(|to| closed_on(root, &owner(people, to)?.home, to))
}

fn closed_on(root: &Root, home: &str, to: &str) -> Option<ClosedFolder> {
    let mut path = home.to_owned();
    for part in to.get(home.len()..)?.split('/') {
        if !part.is_empty() {
            path = format!("{path}/{part}");
        }
        let mode = root.stat(&path)?.st_mode;
        if mode & 0o170_000 != 0o040_000 {
            return None;
        }
        if mode & 0o001 == 0 {
            return Some(ClosedFolder { path, mode: mode & 0o7777 });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_in_lines_of_shells_are_whole() {
        for (text, to) in [
            (
                ". \"/home/kim/miniconda3/etc/profile.d/conda.sh\"\n",
                &["/home/kim/miniconda3/etc/profile.d/conda.sh"][..],
            ),
            ("PATH=/usr/bin:/home/kim/bin:/bin:/home/kim/tf/bin", &["/home/kim/bin", "/home/kim/tf/bin"]),
            ("# PATH=/home/kim/bin", &[]),
            ("X=/mnt/home/kim/bin", &[]),
            ("X=/home/kimono/bin", &[]),
            ("", &[]),
        ] {
            assert_eq!(named_in(text, "/home/kim"), to, "{text}");
        }
    }

    #[test]
    fn commands_of_a_class_are_told_from_others() {
        for name in ["python", "python3", "python3.11", "pip3", "jupyter", "jupyter-lab", "conda", "ipython3"]
        {
            assert!(is_tool(name), "{name}");
        }
        for name in ["backup", "pipewire", "condor_submit", "rustc", "3", ""] {
            assert!(!is_tool(name), "{name}");
        }
    }

    /// As `python3.12 -m venv` and `uv venv` write it.
    #[test]
    fn the_base_of_a_virtual_environment_is_told() {
        let uv = "home = /root/.local/share/uv/python/cpython-3.12.4-linux-x86_64-gnu/bin\nimplementation = CPython\nuv = 0.4.0\n";
        let expected = "/root/.local/share/uv/python/cpython-3.12.4-linux-x86_64-gnu/bin";
        assert_eq!(base_of(uv).as_deref(), Some(expected));
        assert_eq!(base_of("homely = /x\nrubbish"), None);
    }
}

//! Lines that choose GPUs by `CUDA_VISIBLE_DEVICES` or `NVIDIA_VISIBLE_DEVICES`, in whatever language.
//!
//! Invariant: no value is kept, only what it chooses by.

use super::places::{self, MOST_NAMES, Places, SHARED_KERNELS};
use crate::root::Root;
use gpucheck_checks::fact::{ChosenBy, ChosenGpus};
use std::collections::BTreeSet;

const VARIABLES: [&str; 2] = ["CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES"];
/// Files of shells that are for everybody.
const SYSTEM: [&str; 4] = ["/etc/environment", "/etc/profile", "/etc/bash.bashrc", "/etc/zsh/zshrc"];
/// Files of shells that are one person's.
const OWN: [&str; 7] =
    [".bashrc", ".profile", ".bash_profile", ".bash_login", ".zshrc", ".zprofile", ".pam_environment"];
/// Lines that are told at most.
const MOST: usize = 200;

/// The lines, by file.
pub(super) fn variables(root: &Root, places: &Places) -> Vec<ChosenGpus> {
    let mut seen = BTreeSet::new();
    let files = files(root, places).into_iter().filter(|file| {
        let real = root.target(file).unwrap_or_default();
        !real.is_empty() && seen.insert(real)
    });
    let lines = files.flat_map(|file| {
        let text = root.configuration(&file).unwrap_or_default();
        let found = (1..).zip(text.lines()).flat_map(|(at, line)| {
            let chosen = VARIABLES.iter().filter_map(move |name| Some((at, *name, chosen(line, name)?)));
            chosen.collect::<Vec<_>>()
        });
        let found = found.map(|(line, variable, by)| ChosenGpus {
            variable: variable.to_owned(),
            file: file.clone(),
            line,
            by,
        });
        found.collect::<Vec<_>>()
    });
    lines.take(MOST).collect()
}

fn files(root: &Root, places: &Places) -> Vec<String> {
    let mut files: Vec<String> = SYSTEM.map(str::to_owned).into();
    files.extend(places::files(root, "/etc/profile.d", &[".sh"]));
    files.extend(places::files(root, "/etc/environment.d", &[".conf"]));
    files.extend(places.in_homes(&OWN));
    files.extend(places::services(root));
    let kernels = SHARED_KERNELS.map(str::to_owned).into_iter();
    let own = places.in_homes(&[".local/share/jupyter/kernels"]);
    for folder in kernels.chain(own).chain(places.in_prefixes(&["share/jupyter/kernels"])) {
        let names = root.some_names(&folder, MOST_NAMES).into_iter();
        files.extend(names.map(|name| format!("{folder}/{name}/kernel.json")));
    }
    for folder in places.jupyter_folders() {
        files.extend(places::files(root, &folder, &[".py", ".json"]));
    }
    files.extend(places.in_prefixes(&["conda-meta/state", "etc/conda/env_vars.json"]));
    for folder in places.in_prefixes(&["etc/conda/activate.d"]) {
        files.extend(places::files(root, &folder, &[".sh"]));
    }
    for folder in places.in_homes(&[".ipython/profile_default/startup"]) {
        files.extend(places::files(root, &folder, &[".py", ".ipy"]));
    }
    files
}

/// What a line chooses by; none where it sets nothing.
fn chosen(line: &str, variable: &str) -> Option<ChosenBy> {
    let line = line.trim();
    if line.starts_with(['#', ';']) || line.starts_with("//") {
        return None;
    }
    let at = line.match_indices(variable).map(|(at, _)| at).find(|at| begins_name(line, *at))?;
    let rest = line.get(at + variable.len()..)?;
    let value = assigned(rest, line)?;
    Some(by(value.trim_matches(['"', '\'', ' ', '\\'])))
}

/// Whether a name begins here, and is not read: `$NAME`, `${NAME}`, `MY_NAME`.
fn begins_name(line: &str, at: usize) -> bool {
    let before = line.get(..at).unwrap_or_default();
    !before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') && !before.ends_with("${")
}

/// What follows the name, where that is a value: `=0`, `"] = "0"`, `": "0"`, ` DEFAULT=0`, `", "0")` of a setdefault.
fn assigned<'a>(rest: &'a str, line: &str) -> Option<&'a str> {
    let sets_by_call = ["setdefault(", "putenv(", "setenv "].iter().any(|call| line.contains(call));
    let rest = rest.trim_start_matches(['"', '\'', ']', ')', ' ', '\t', '\\']);
    let rest = rest.strip_prefix("DEFAULT").or_else(|| rest.strip_prefix("OVERRIDE")).unwrap_or(rest);
    let value = match rest.chars().next() {
        Some('=') if !rest.starts_with("==") => rest.get(1..)?,
        Some(':') => rest.get(1..)?,
        Some(',') if sets_by_call => rest.get(1..)?,
        Some(c) if line.contains("setenv ") && !matches!(c, '=' | ':') => rest,
        _ => return None,
    };
    let value = value.trim_start().trim_start_matches('\\');
    let end = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => value.get(1..)?.find(quote).map_or(value.len(), |end| end + 1),
        _ => value.find([' ', ';', '"', '\'', ')', '}', '\t']).unwrap_or(value.len()),
    };
    value.get(..end)
}

fn by(value: &str) -> ChosenBy {
    let parts: Vec<&str> = value.split(',').map(str::trim).collect();
    let is_uuid = |part: &&str| part.starts_with("GPU-") || part.starts_with("MIG-");
    let indexes: Option<Vec<u32>> = parts.iter().map(|part| part.parse().ok()).collect();
    if parts.iter().any(is_uuid) {
        ChosenBy::Uuids
    } else if let Some(indexes) = indexes {
        ChosenBy::Indexes(indexes)
    } else if value.is_empty() || value == "-1" || value == "NoDevFiles" || value == "none" || value == "void"
    {
        ChosenBy::Nothing
    } else {
        ChosenBy::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_every_language_are_read() {
        let name = "CUDA_VISIBLE_DEVICES";
        let uuid = "GPU-5a8e9c7d-1111-2222-3333-444455556666";
        for (line, by) in [
            ("export CUDA_VISIBLE_DEVICES=0,1", ChosenBy::Indexes(vec![0, 1])),
            (&format!("CUDA_VISIBLE_DEVICES=\"{uuid}\""), ChosenBy::Uuids),
            (&format!("CUDA_VISIBLE_DEVICES DEFAULT={uuid}"), ChosenBy::Uuids),
            ("Environment=\"PATH=/usr/bin\" \"CUDA_VISIBLE_DEVICES=1\"", ChosenBy::Indexes(vec![1])),
            ("os.environ[\"CUDA_VISIBLE_DEVICES\"] = '0'", ChosenBy::Indexes(vec![0])),
            ("os.environ.setdefault('CUDA_VISIBLE_DEVICES', '2')", ChosenBy::Indexes(vec![2])),
            (&format!("  \"CUDA_VISIBLE_DEVICES\": \"{uuid}\","), ChosenBy::Uuids),
            ("{\"env_vars\": {\"CUDA_VISIBLE_DEVICES\": \"\"}}", ChosenBy::Nothing),
            ("setenv CUDA_VISIBLE_DEVICES 3", ChosenBy::Indexes(vec![3])),
            ("CUDA_VISIBLE_DEVICES=MIG-GPU-5a8e9c7d-1111-2222-3333-444455556666/1/0 ", ChosenBy::Uuids),
            ("export CUDA_VISIBLE_DEVICES=$SLURM_JOB_GPUS", ChosenBy::Other),
            ("export CUDA_VISIBLE_DEVICES=-1", ChosenBy::Nothing),
        ] {
            assert_eq!(chosen(line, name), Some(by), "{line}");
        }
    }

    #[test]
    fn lines_that_read_it_or_take_it_away_set_nothing() {
        for line in [
            "# export CUDA_VISIBLE_DEVICES=0",
            "unset CUDA_VISIBLE_DEVICES",
            "echo $CUDA_VISIBLE_DEVICES",
            "if [ \"${CUDA_VISIBLE_DEVICES}\" = \"0\" ]; then",
            "MY_CUDA_VISIBLE_DEVICES=0",
            "os.environ.get(\"CUDA_VISIBLE_DEVICES\", \"0\")",
            "if os.environ['CUDA_VISIBLE_DEVICES'] == '0':",
            "CUDA_VISIBLE_DEVICES",
        ] {
            assert_eq!(chosen(line, "CUDA_VISIBLE_DEVICES"), None, "{line}");
        }
    }
}

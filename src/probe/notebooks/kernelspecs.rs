//! Kernel specifications: folders with a `kernel.json`.
//!
//! Source: <https://jupyter-client.readthedocs.io/en/stable/kernels.html>, "Kernel specs"; `jupyter_client/kernelspec.py`.

use super::{Environment, KEPT, conda_kernels, environment, places::Place, program};
use crate::root::Root;
use gpucheck_checks::fact::{
    KernelEnvironment, Kernelspec, Observed, ProbeFailure, Program, ProgramState, Spec,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Most specifications that are looked at.
const MOST: usize = 256;
/// Longest `kernel.json`, in bytes.
const LONGEST: u64 = 256 << 10;
/// Most words of a command that are kept, and most characters of each.
const MOST_WORDS: usize = 32;
const LONGEST_WORD: usize = 1024;
/// Most variables of one specification that are handed on.
const MOST_VARIABLES: usize = 256;
/// Most variables whose names are kept, and longest name.
const MOST_NAMES: usize = 64;
const LONGEST_NAME: usize = 128;
const STEP: &str = "read kernel.json";

/// All specifications in these folders, each file once, however many folders lead to it; and how many more folders there
/// are that nobody looked into.
pub(super) fn all(root: &Root, surroundings: &Environment, places: &[Place]) -> (Vec<Kernelspec>, u32) {
    let mut look = Look { root, surroundings, environments: BTreeMap::new() };
    let mut known = BTreeSet::new();
    let (mut found, mut more) = (Vec::new(), 0);
    for place in places {
        for name in root.names(&place.kernels).into_iter().filter(|name| is_name(name)) {
            if found.len() >= MOST {
                more += 1;
                continue;
            }
            let folder = format!("{}/{name}", place.kernels);
            let Ok(file) = root.target(&format!("{folder}/kernel.json")) else { continue };
            if known.insert(file) {
                found.push(look.kernelspec(place, name, folder));
            }
        }
    }
    (found, more)
}

/// What Jupyter takes for the name of a kernel.
fn is_name(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

struct Look<'a> {
    root: &'a Root,
    surroundings: &'a Environment,
    /// By the program, and whether `PYTHONPATH` adds to it: many specifications start the same.
    environments: BTreeMap<(String, bool), Option<KernelEnvironment>>,
}

impl Look<'_> {
    fn kernelspec(&mut self, place: &Place, name: String, folder: String) -> Kernelspec {
        let value = read(self.root, &format!("{folder}/kernel.json"));
        let spec =
            value.clone().and_then(|value| spec(&value).ok_or_else(|| garbled("it has no command, argv")));
        let program = match &spec {
            Ok(spec) => program::of(self.root, self.surroundings, place, &folder, spec),
            Err(_) => Program::Untold { why: "its kernel.json is unreadable".to_owned() },
        };
        let environment = match (&spec, &program) {
            (Ok(spec), Program::File { path, state: ProgramState::Executable }) if spec.is_python() => {
                self.environment(path, value.is_ok_and(|value| sets_python_path(&value)))
            }
            _ => None,
        };
        let offered = Kernelspec {
            name,
            folder,
            spec: Observed::from(spec),
            program,
            environment,
            activates: None,
            user: None,
        };
        match &place.conda {
            Some(conda) => of_conda(offered, conda, place),
            None => offered,
        }
    }

    fn environment(&mut self, program: &str, moved: bool) -> Option<KernelEnvironment> {
        let (root, surroundings) = (self.root, self.surroundings);
        let known = self.environments.entry((program.to_owned(), moved));
        known.or_insert_with(|| environment::of(root, surroundings, program, moved)).clone()
    }
}

/// As `nb_conda_kernels` offers it.
fn of_conda(mut offered: Kernelspec, conda: &str, place: &Place) -> Kernelspec {
    offered.name = conda_kernels::kernel(conda, &offered.name);
    offered.activates.clone_from(&place.prefix);
    offered.spec = offered.spec.map(|mut spec| {
        spec.display_name = spec.display_name.map(|shown| conda_kernels::label(conda, &shown));
        spec
    });
    offered
}

/// The command of the specification in this folder; none where it has none that can be read.
pub(crate) fn command_of(root: &Root, folder: &str) -> Option<Vec<String>> {
    Some(spec(&read(root, &format!("{folder}/kernel.json")).ok()?)?.argv)
}

/// Variables by their names.
type Variables = Vec<(String, String)>;

/// All words of the command of the specification in this folder, and all variables that it sets to a text, none of them
/// cut; none where they cannot be read.
pub(crate) fn all_of(root: &Root, folder: &str) -> Option<(Vec<String>, Variables)> {
    let value = read(root, &format!("{folder}/kernel.json")).ok()?;
    let words = value.get("argv")?.as_array()?.iter().map(|word| Some(word.as_str()?.to_owned()));
    let words: Vec<String> = words.collect::<Option<_>>()?;
    let set = value.get("env").and_then(Value::as_object).into_iter().flatten();
    Some((words, set.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()))
}

fn read(root: &Root, path: &str) -> Result<Value, ProbeFailure> {
    let bytes = root.bytes(path, LONGEST).map_err(|error| ProbeFailure::Refused {
        step: STEP.to_owned(),
        code: 0,
        name: "unreadable".to_owned(),
        message: error.to_string(),
    })?;
    serde_json::from_slice(&bytes).map_err(|error| garbled(&error.to_string()))
}

fn garbled(message: &str) -> ProbeFailure {
    ProbeFailure::Garbled { step: STEP.to_owned(), message: message.to_owned() }
}

/// What is of use; none where there is no command.
fn spec(value: &Value) -> Option<Spec> {
    let text = |name: &str| Some(value.get(name)?.as_str()?.chars().take(LONGEST_WORD).collect::<String>());
    let words = value.get("argv")?.as_array()?.iter().take(MOST_WORDS);
    let argv: Vec<String> =
        words.map(|word| Some(word.as_str()?.chars().take(LONGEST_WORD).collect())).collect::<Option<_>>()?;
    let kept = |name: &str| Some((name.to_owned(), value.get("env")?.get(name)?.as_str()?.to_owned()));
    (!argv.is_empty()).then(|| Spec {
        display_name: text("display_name"),
        language: text("language"),
        argv,
        env: KEPT.into_iter().filter_map(kept).collect(),
        sets: names_set(value, |_| true),
        odd_values: names_set(value, |value| !value.is_string()),
        interrupt_mode: text("interrupt_mode"),
    })
}

/// The variables that the specification in this folder sets: names that an environment can have, values without NUL.
/// They may hold passwords and are no facts.
pub(crate) fn variables_of(root: &Root, folder: &str) -> Vec<(String, String)> {
    let Ok(Value::Object(mut spec)) = read(root, &format!("{folder}/kernel.json")) else { return Vec::new() };
    let Some(Value::Object(set)) = spec.remove("env") else { return Vec::new() };
    let can_be =
        |name: &str, value: &str| !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0');
    let text = |(name, value): (String, Value)| Some((name, value.as_str()?.to_owned()));
    let set = set.into_iter().take(MOST_VARIABLES).filter_map(text);
    set.filter(|(name, value)| can_be(name, value)).collect()
}

/// The names of the variables that it sets to such values.
fn names_set(value: &Value, is_such: impl Fn(&Value) -> bool) -> Vec<String> {
    let env = value.get("env").and_then(Value::as_object).into_iter().flatten();
    let names = env.filter(|(_, value)| is_such(value)).map(|(name, _)| name);
    names.filter(|name| name.len() <= LONGEST_NAME).take(MOST_NAMES).cloned().collect()
}

fn sets_python_path(value: &Value) -> bool {
    value.get("env").is_some_and(|env| env.get("PYTHONPATH").is_some())
}

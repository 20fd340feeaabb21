//! What checks of notebook kernels have in common.

use crate::{
    Finding, Judged, Subject,
    fact::{Facts, Kernelspec, LibraryPlace, Notebooks, Python, Spec},
    judge::quoted,
    wheels,
};
use std::collections::BTreeSet;

/// What to say of a kernel that cannot lose a GPU.
pub(crate) const NO_FRAMEWORK: &str = "no framework that could use a GPU";
/// Folders of conda's own environment, under the names that its installers give them.
const IS_BASE: [&str; 9] = [
    "anaconda",
    "anaconda3",
    "conda",
    "mambaforge",
    "micromamba",
    "miniconda",
    "miniconda3",
    "miniforge3",
    "tljh",
];

/// Names of languages, of frameworks, and of what everybody has.
const TELLS_NOTHING: [&str; 40] = [
    "ai",
    "base",
    "conda",
    "course",
    "cpu",
    "cuda",
    "cudf",
    "cupy",
    "data",
    "default",
    "dev",
    "env",
    "gpu",
    "home",
    "ipykernel",
    "ipython",
    "jax",
    "julia",
    "jupyter",
    "jupyterlab",
    "keras",
    "kernel",
    "lab",
    "labs",
    "main",
    "ml",
    "notebook",
    "notebooks",
    "project",
    "pytorch",
    "rapids",
    "root",
    "system",
    "tensorflow",
    "test",
    "torch",
    "user",
    "venv",
    "work",
    "xpython",
];

/// Judges Jupyter's kernels and servers, where they were looked at.
pub(crate) fn judge(facts: &Facts, judge: impl FnOnce(&Notebooks) -> Judged) -> Judged {
    match facts.notebooks.seen() {
        Some(notebooks) => judge(notebooks),
        None => vec![Finding::unknown(Subject::Host, facts.notebooks.why_not())],
    }
}

/// Judges each Python beside them.
pub(crate) fn each_python(facts: &Facts, judge_python: impl Fn(&Python, &Notebooks) -> Finding) -> Judged {
    judge(facts, |notebooks| facts.pythons().map(|python| judge_python(python, notebooks)).collect())
}

/// The kernels for Python whose `kernel.json` can be read.
pub(crate) fn for_python(notebooks: &Notebooks) -> Vec<&Kernelspec> {
    notebooks.kernelspecs.iter().filter(|kernel| kernel.spec.seen().is_some_and(Spec::is_python)).collect()
}

/// Judges each kernel for Python that can be judged so.
pub(crate) fn each_kernel(
    facts: &Facts,
    judge_kernel: impl Fn(Subject, &Kernelspec, &Spec) -> Option<Finding>,
) -> Judged {
    judge(facts, |notebooks| {
        if notebooks.kernelspecs.is_empty() {
            return vec![Finding::not_applicable(Subject::Host, "no Jupyter kernel is installed")];
        }
        let kernels = for_python(notebooks);
        if kernels.is_empty() {
            return vec![Finding::not_applicable(Subject::Host, "no Jupyter kernel for Python is installed")];
        }
        let judge = |kernel: &Kernelspec| {
            judge_kernel(Subject::Notebook(notebooks.name_of(kernel)), kernel, kernel.spec.seen()?)
        };
        kernels.into_iter().filter_map(judge).collect()
    })
}

/// The kernel that a finding is about.
pub(crate) fn kernel_of<'a>(facts: &'a Facts, subject: &Subject) -> Option<&'a Kernelspec> {
    let Subject::Notebook(name) = subject else { return None };
    let notebooks = facts.notebooks.seen()?;
    notebooks.kernelspecs.iter().find(|kernel| notebooks.name_of(kernel) == *name)
}

/// The kernels that run in this Python's environment.
pub(crate) fn of<'a>(python: &Python, notebooks: &'a Notebooks) -> Vec<&'a Kernelspec> {
    let prefix = prefix(python);
    let runs_here = |kernel: &&Kernelspec| {
        kernel.environment.as_ref().is_some_and(|there| Some(there.prefix.as_str()) == prefix)
    };
    for_python(notebooks).into_iter().filter(runs_here).collect()
}

/// The environment that a Python stands for.
pub(crate) fn prefix(python: &Python) -> Option<&str> {
    python.interpreter.seen().map(|interpreter| interpreter.prefix.as_str())
}

/// The environment that a kernel is named after, where that is another than the one that it runs in.
pub(crate) fn named_after(facts: &Facts, kernel: &Kernelspec) -> Option<String> {
    let own = &kernel.environment.as_ref()?.prefix;
    let name = kernel.name.to_ascii_lowercase();
    let shown = kernel.spec.seen()?.display_name.as_deref().unwrap_or_default().to_ascii_lowercase();
    let own_name = environment_name(own)?;
    if name.contains(&own_name) || shown.contains(&own_name) {
        return None;
    }
    let meant =
        [name.as_str(), environment_in(&shown)].map(|name| Some(name).filter(|name| is_telling(name)));
    let is_named = |prefix: &&String| {
        *prefix != own && environment_name(prefix).is_some_and(|name| meant.contains(&Some(name.as_str())))
    };
    let mut others = environments(facts).into_iter().filter(is_named);
    let other = others.next()?;
    // Two of one name: which of them is meant is not told.
    others.next().is_none().then(|| other.clone())
}

/// The environments of the Pythons and the kernels, each once.
fn environments(facts: &Facts) -> BTreeSet<&String> {
    let pythons = facts.pythons().filter_map(|python| Some(&python.interpreter.seen()?.prefix));
    let kernels = facts.notebooks.seen().into_iter().flat_map(|notebooks| &notebooks.kernelspecs);
    pythons.chain(kernels.filter_map(|kernel| Some(&kernel.environment.as_ref()?.prefix))).collect()
}

/// What people call an environment, in small letters; none for the system's.
pub(crate) fn environment_name(prefix: &str) -> Option<String> {
    let mut parts = prefix.trim_end_matches('/').rsplit('/').filter(|part| !part.is_empty());
    let last = parts.next()?.to_ascii_lowercase();
    match last.as_str() {
        "usr" | "local" => None,
        ".venv" | "venv" | ".env" | "env" => parts.next().map(str::to_ascii_lowercase),
        last if IS_BASE.contains(&last) => Some("base".to_owned()),
        _ => Some(last),
    }
}

/// What stands in the place of an environment in a display name of small letters: `x` of `python (x)`, of
/// `python 3 (x)` and of `python [conda env:x]`, else all of it.
fn environment_in(shown: &str) -> &str {
    let shown = shown.trim();
    let between = |before: &str, after: char| {
        let (name, rest) = shown.strip_prefix(before)?.split_once(after)?;
        matches!(rest, "" | " *").then_some(name)
    };
    let named = between("python (", ')').or_else(|| between("python 3 (", ')'));
    named
        .or_else(|| between("python [conda env:", ']'))
        .or_else(|| shown.strip_prefix("conda env:"))
        .unwrap_or(shown)
}

/// Whether a name can be meant as an environment, and not as what is in it or what it is for.
fn is_telling(name: &str) -> bool {
    let is_version = name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    name.len() > 1 && !is_version && !name.starts_with("python") && !TELLS_NOTHING.contains(&name)
}

/// Adds the command that makes a kernel of this Python; `more` are further arguments.
pub(crate) fn install(finding: Finding, python: &Python, name: &str, more: &str) -> Finding {
    let path = quoted(&python.path);
    let name = quoted(name);
    finding.run(format!(
        "{path} -m pip install ipykernel && {path} -m ipykernel install --user --name {name}{more}"
    ))
}

/// A kernel's name after the folder of its environment; Jupyter takes letters, digits, dots and hyphens.
pub(crate) fn name_after(prefix: &str) -> String {
    let last = prefix.rsplit('/').next().unwrap_or_default();
    let name: String = last.chars().filter(|c| c.is_ascii_alphanumeric() || ".-_".contains(*c)).collect();
    if name.is_empty() || name.starts_with('-') || name == "usr" { "gpu".to_owned() } else { name }
}

/// The `libcudart` of TensorFlow and the folders of `LD_LIBRARY_PATH` that have it, where no other place does.
pub(crate) fn only_by_variable(python: &Python) -> Option<(String, Vec<&str>)> {
    let tensorflow = python.tensorflow.seen()?.as_ref()?;
    let (major, minor) = wheels::version(tensorflow.build.seen()?.cuda_version.as_deref()?)?;
    let library = match major {
        12.. => format!("libcudart.so.{major}"),
        11 => "libcudart.so.11.0".to_owned(),
        _ => format!("libcudart.so.{major}.{minor}"),
    };
    let parts = python.cuda_parts.seen()?;
    let of_conda = ["tensorflow", "tensorflow-base"].iter().any(|name| parts.conda_package(name).is_some());
    let has_it = |name: &str| name == library;
    let mut folders = Vec::new();
    for folder in parts.folders.iter().filter(|folder| folder.names().any(has_it)) {
        match folder.place {
            // conda's own TensorFlow knows this folder by itself.
            LibraryPlace::LibraryPath if of_conda && folder.path.starts_with(prefix(python)?) => return None,
            LibraryPlace::LibraryPath => folders.push(folder.path.as_str()),
            LibraryPlace::Wheel | LibraryPlace::Conda | LibraryPlace::Loader => return None,
            LibraryPlace::Toolkit => {}
        }
    }
    (!folders.is_empty()).then_some((library, folders))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environments_are_called_by_their_folders() {
        for (prefix, name) in [
            ("/opt/conda/envs/TF-gpu", Some("tf-gpu")),
            ("/home/kim/lab3/.venv", Some("lab3")),
            ("/anaconda", Some("base")),
            ("/usr", None),
            ("/usr/local", None),
            ("/", None),
        ] {
            assert_eq!(environment_name(prefix).as_deref(), name, "{prefix}");
        }
    }

    /// Names that ipykernel, conda's nb_conda_kernels and VS Code give, and words that people put into them.
    #[test]
    fn usual_names_are_no_environments() {
        for name in [
            "python3",
            "python",
            "ipykernel",
            "3.11.7",
            "3",
            "conda",
            "env",
            "root",
            "base",
            "gpu",
            "lab",
            "pytorch",
        ] {
            assert!(!is_telling(name), "{name}");
        }
        assert!(is_telling("tf-gpu") && is_telling("lab3") && is_telling("py38_tensorflow"));
    }

    /// `ipykernel install --display-name`, as its documentation writes it, and nb_conda_kernels' `name_format`.
    #[test]
    fn an_environment_stands_in_its_place_in_a_display_name() {
        for (shown, name) in [
            ("python (tf-gpu)", "tf-gpu"),
            ("python 3 (course7)", "course7"),
            ("python [conda env:tf]", "tf"),
            ("python [conda env:tf] *", "tf"),
            ("conda env:tf", "tf"),
            (" tf ", "tf"),
            ("lab 3 (gpu)", "lab 3 (gpu)"),
            ("python (tf) of kim", "python (tf) of kim"),
        ] {
            assert_eq!(environment_in(shown), name, "{shown}");
        }
    }

    #[test]
    fn a_kernel_is_named_after_its_environment() {
        for (prefix, name) in [
            ("/opt/conda/envs/tf", "tf"),
            ("/home/kim/my env", "myenv"),
            ("/usr", "gpu"),
            ("/opt/-x", "gpu"),
            ("", "gpu"),
        ] {
            assert_eq!(name_after(prefix), name, "{prefix}");
        }
    }
}

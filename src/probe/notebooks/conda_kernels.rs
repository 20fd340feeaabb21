//! `nb_conda_kernels`: a server that has it offers the kernels of every conda environment, under names of its own, and
//! activates the environment before it starts one.
//!
//! Source: anaconda/nb_conda_kernels, `nb_conda_kernels/manager.py`, `_all_envs` and `_all_specs`.

use crate::root::Root;
use gpucheck_checks::fact::{Environment, EnvironmentKind};
use std::path::{Path, PathBuf};

/// conda's own prefix, where a server has the distribution.
pub(super) struct Base(Option<String>);

/// Whether one of these servers' environments has it, or one that was found.
pub(super) fn are_offered<'a>(
    root: &Root,
    servers: impl Iterator<Item = &'a PathBuf>,
    environments: &[Environment],
) -> Option<Base> {
    let condas = || environments.iter().filter(|found| found.kinds.contains(&EnvironmentKind::Conda));
    let mut prefixes = servers
        .map(|prefix| prefix.to_string_lossy().into_owned())
        .chain(condas().map(|found| found.prefix.clone()));
    prefixes.find(|prefix| has_it(root, prefix))?;
    let is_base = |prefix: &str| root.exists(&format!("{prefix}/condabin/conda"));
    Some(Base(condas().map(|found| found.prefix.clone()).find(|prefix| is_base(prefix))))
}

fn has_it(root: &Root, prefix: &str) -> bool {
    let names = root.names(&format!("{prefix}/conda-meta"));
    names.iter().any(|name| name.starts_with("nb_conda_kernels-"))
}

/// What it calls a conda environment: `root` is conda's own; one that lies elsewhere than below it has the name of the
/// folder above `envs` before its own.
pub(super) fn name(found: &Environment, Base(base): &Base) -> Option<String> {
    if !found.kinds.contains(&EnvironmentKind::Conda) {
        return None;
    }
    if Some(&found.prefix) == base.as_ref() {
        return Some("root".to_owned());
    }
    let path = Path::new(&found.prefix);
    let parts =
        |above: usize| path.ancestors().nth(above).and_then(Path::file_name).and_then(|name| name.to_str());
    let own = parts(0)?;
    let is_of_base = base.as_ref().is_some_and(|base| path.parent() == Some(&Path::new(base).join("envs")));
    match (parts(1), parts(2)) {
        (Some("envs"), Some(above)) if !is_of_base => Some(format!("{above}-{own}")),
        _ => Some(own.to_owned()),
    }
}

/// What it calls a kernel of an environment: `conda-env-tf-py` for `python3` in `tf`, `conda-root-py` in conda's own.
pub(super) fn kernel(environment: &str, kernel: &str) -> String {
    let kernel = match kernel.to_ascii_lowercase().as_str() {
        "python2" | "python3" => "py".to_owned(),
        "ir" => "r".to_owned(),
        other => other.to_owned(),
    };
    let kind = if environment == "root" { "" } else { "env-" };
    let name = format!("conda-{kind}{environment}-{kernel}");
    name.chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' }).collect()
}

/// What it shows of one: `Python [conda env:tf]` for any that calls itself Python something.
pub(super) fn label(environment: &str, display_name: &str) -> String {
    let language = if display_name.starts_with("Python") { "Python" } else { display_name };
    format!("{language} [conda env:{environment}]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_it_makes_them() {
        // manager.py: `u'conda-{}{}-{}'.format(kernel_prefix, env_name, kernel_name)`; its README shows the label.
        assert_eq!(kernel("tf", "python3"), "conda-env-tf-py");
        assert_eq!(kernel("root", "python3"), "conda-root-py");
        assert_eq!(kernel("r 4", "ir"), "conda-env-r-4-r");
        assert_eq!(label("tf", "Python 3 (ipykernel)"), "Python [conda env:tf]");
        let base = Base(Some("/opt/conda".to_owned()));
        for (prefix, expected) in [
            ("/opt/conda", "root"),
            ("/opt/conda/envs/tf", "tf"),
            ("/home/kim/miniconda3/envs/tf", "miniconda3-tf"),
            ("/srv/tf", "tf"),
        ] {
            let kinds = vec![EnvironmentKind::Conda];
            let found = Environment { prefix: prefix.to_owned(), kinds, ..Environment::default() };
            assert_eq!(name(&found, &base).as_deref(), Some(expected), "{prefix}");
        }
        assert_eq!(name(&Environment::default(), &base), None);
    }
}

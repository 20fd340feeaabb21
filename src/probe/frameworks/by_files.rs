//! An environment's frameworks by its files, whether or not its Python was started.
//!
//! Invariant: nothing is started; the same code takes in what an interpreter said of its path and what
//! [`crate::probe::environments`] found of it.

use super::{Environment, cuda_parts, discover::Candidate, distributions::Installed, packages, tensorflow};
use crate::root::Root;
use gpucheck_checks::fact::{self, FoundBy, Observed, Python};
use std::path::PathBuf;

/// Why the interpreter says nothing.
const UNTRIED: &str = "its files were read, it was not started";

/// The files of one environment.
pub(super) struct Files<'a> {
    /// Where it lies.
    pub(super) root: &'a Root,
    /// The machine's files beside it.
    pub(super) system: &'a Root,
    /// What it inherits.
    pub(super) environment: &'a Environment,
    /// `sys.prefix`.
    pub(super) prefix: &'a str,
    /// `sys.path`.
    pub(super) sys_path: &'a [String],
}

/// Takes in what the files say of all but TensorFlow; gives what is installed.
pub(super) fn note(python: &mut Python, files: &Files<'_>) -> Installed {
    let installed = Installed::on(files.root, files.sys_path);
    python.packages =
        Observed::Seen(packages::among(files.root, files.sys_path, &installed, Some(files.prefix)));
    python.cuda_parts = Observed::Seen(cuda_parts::read(files, &installed));
    python.tensorflow_companions = installed.companions();
    installed
}

/// The frameworks of an environment that was found and not started. `environment` is what it would inherit: of another
/// root's nobody knows, see [`Environment::of_nobody`].
///
/// Where its packages are not all told, what is not among them may be there all the same: it is not told either.
pub fn by_files(root: &Root, environment: &Environment, found: &fact::Environment) -> Python {
    let candidate = Candidate {
        found_by: FoundBy::Environment,
        program: PathBuf::from(&found.python),
        ..Candidate::default()
    };
    let mut python =
        super::unlooked(&candidate, if found.gone { "its interpreter is gone" } else { UNTRIED });
    let files = Files { root, system: root, environment, prefix: &found.prefix, sys_path: &found.folders };
    let installed = note(&mut python, &files);
    let tensorflow = tensorflow::package_in(root, &found.folders, &installed)
        .map(|package| tensorflow::around(root, package, &installed, None));
    python.tensorflow = match (tensorflow, &found.untold) {
        (None, Some(why)) => Observed::not_probed(why.clone()),
        (tensorflow, _) => Observed::Seen(tensorflow),
    };
    if let (Some(why), Some(packages)) = (&found.untold, python.packages.seen())
        && packages.torch.is_none()
        && packages.jax.is_none()
    {
        python.packages = Observed::not_probed(why.clone());
    }
    python
}

impl Environment {
    /// The surroundings of a process that nobody knows: no variable about CUDA is set, nothing is on the path.
    pub fn of_nobody() -> Self {
        let none = cuda_parts::VARIABLES.map(|name| (name.into(), None)).to_vec();
        Self { changes: none, ..Self::default() }
    }
}

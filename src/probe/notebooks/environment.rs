//! The environment of a kernel, by its files.

use super::Environment;
use crate::{
    probe::{
        environments::{self, Surroundings},
        frameworks,
    },
    root::Root,
};
use gpucheck_checks::fact::KernelEnvironment;

/// The environment of the Python at this path; `moved` where `PYTHONPATH` adds to it.
pub(super) fn of(
    root: &Root,
    surroundings: &Environment,
    program: &str,
    moved: bool,
) -> Option<KernelEnvironment> {
    let around = Surroundings {
        home: surroundings.home.clone(),
        user_base: surroundings.user_base.clone(),
        ..Surroundings::default()
    };
    let found = environments::of_program(root, &around, program)?;
    let (tensorflow, tensorflow_has_cuda) = frameworks::tensorflow_in(root, &found.folders);
    Some(KernelEnvironment {
        packages: frameworks::packages::on(root, &found.folders, Some(&found.prefix)),
        prefix: found.prefix,
        untold: if moved { Some("its PYTHONPATH adds to it".to_owned()) } else { found.untold },
        tensorflow,
        tensorflow_has_cuda,
    })
}

//! TensorFlow's facts: what its files say, and the looks that were taken.

use super::{build_info, distributions::Installed};
use crate::root::Root;
use gpucheck_checks::fact::{Look, Observed, ProbeFailure, TensorFlow, TensorFlowBuild};
use std::path::Path;

/// What the files say, around the first look where one was taken.
pub(super) fn around(root: &Root, package: String, installed: &Installed, look: Option<Look>) -> TensorFlow {
    TensorFlow {
        distributions: installed.tensorflows(),
        elsewhere: installed.tensorflows_beyond(&package),
        build: build(root, &package),
        unmet: installed.unmet(),
        cuda_extra: installed.cuda_extra(),
        looks: look.into_iter().collect(),
        package,
    }
}

/// The package that `import tensorflow` would take from these folders: the first folder with `__init__.py`, or the first
/// lone module; where only a folder of this name is left of what is installed, that one.
pub(super) fn package_in(root: &Root, folders: &[String], installed: &Installed) -> Option<String> {
    let whole = folders.iter().find_map(|folder| {
        let [package, module] = ["tensorflow", "tensorflow.py"].map(|name| format!("{folder}/{name}"));
        let is_package = root.is_file(&format!("{package}/__init__.py"));
        if is_package { Some(package) } else { root.is_file(&module).then_some(module) }
    });
    let left =
        || folders.iter().map(|folder| format!("{folder}/tensorflow")).find(|left| root.is_folder(left));
    whole.or_else(|| if installed.tensorflows().is_empty() { None } else { left() })
}

/// Why a bare look is not enough, as a fragment; none where it is.
pub(super) fn doubt(tensorflow: &TensorFlow) -> Option<String> {
    let Some(Observed::Seen(listing)) = tensorflow.looks.last().map(|look| &look.listing) else {
        return Some("the bare look failed".to_owned());
    };
    if let Some(gpu) = listing.gpus().next() {
        // A listed device is not yet a usable one.
        return Some(format!("{} is listed", gpu.name));
    }
    if let Some(unmet) = tensorflow.unmet.first() {
        return Some(format!("an unmet requirement, {unmet}"));
    }
    if !Path::new(&tensorflow.package).join("__init__.py").is_file() {
        return Some("the package has no __init__.py".to_owned());
    }
    match tensorflow.distributions.len() {
        0 => Some("no distribution says what it requires".to_owned()),
        1 => None,
        // pip lets the later one overwrite files of the earlier.
        more => Some(format!("{more} distributions bring a tensorflow package")),
    }
}

/// How TensorFlow was built. 1.15 keeps its modules in a package beside the one that is imported.
fn build(root: &Root, package: &str) -> Observed<TensorFlowBuild> {
    let step = "read build_info.py";
    let file = "python/platform/build_info.py";
    let core = Path::new(package).with_file_name("tensorflow_core");
    let text = root.text(&format!("{package}/{file}"));
    let text = text.or_else(|error| root.text(&format!("{}/{file}", core.display())).map_err(|_| error));
    match text {
        Err(error) => Observed::refused(step, 0, "unreadable", error.to_string()),
        Ok(text) => match build_info::parse(&text) {
            Some(build) => Observed::Seen(build),
            None => Observed::Failed(ProbeFailure::Garbled {
                step: step.to_owned(),
                message: "no build information in it".to_owned(),
            }),
        },
    }
}

//! TensorFlow's facts: what its files say, and the looks that were taken.

use super::{build_info, distributions::Installed, files::read_text, said::Found};
use gpucheck_checks::fact::{Look, Observed, ProbeFailure, TensorFlow, TensorFlowBuild};
use std::path::Path;

/// What the files say, around the first look.
pub(super) fn around(found: &Found, installed: &Installed, look: Look) -> TensorFlow {
    TensorFlow {
        package: found.package.clone(),
        distributions: installed.tensorflows(),
        elsewhere: installed.tensorflows_beyond(Path::new(&found.package)),
        build: build(Path::new(&found.package)),
        unmet: installed.unmet(),
        cuda_extra: installed.cuda_extra(),
        looks: vec![look],
    }
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
fn build(package: &Path) -> Observed<TensorFlowBuild> {
    let step = "read build_info.py";
    let file = "python/platform/build_info.py";
    let core = package.with_file_name("tensorflow_core");
    let text = read_text(&package.join(file)).or_else(|error| read_text(&core.join(file)).map_err(|_| error));
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

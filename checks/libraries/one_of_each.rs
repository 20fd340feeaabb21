//! Of two copies of cuBLAS or cuDNN each framework takes the one that it was made for.
//!
//! # Meaning
//! A toolkit's copy, conda's and the one of NVIDIA's wheels have the same name, `libcudnn.so.9`, and the loader takes the
//! first on its way. An older one from elsewhere is loaded without a word, and lacks what the framework calls.
//!
//! # Detection
//! The file that the framework's loader would take, and the others of its name on the way. It is a warning where the one
//! that is taken comes from outside of the environment's wheels, is older than what the framework asks for by its metadata,
//! and the framework was not seen to compute with it. Copies that nobody takes are no trouble. TensorFlow's cuDNN is judged
//! by `frameworks.tensorflow_fits_cudnn`.
//!
//! # Fix
//! Take the folder of the other copy out of `LD_LIBRARY_PATH`.
//!
//! # Source
//! <https://man7.org/linux/man-pages/man8/ld.so.8.html>, pytorch/pytorch#80637, pytorch/pytorch#20844

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Verdict, Who,
    cuda_libraries::{Library, computes, each, merged, version_of},
    fact::{
        ExtraRequirement, Facts, FoundLibrary, Framework, FrameworkLibraries, LibraryPlace, LoaderRule,
        Python,
    },
    tensorflow,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Frameworks],
    needs: &[],
    severity: Severity::Degraded,
    who: Who::Student,
    judge: judge_all,
};

fn judge_all(facts: &Facts, _: &Knowledge) -> Judged {
    each(facts, |python, libraries| {
        let pairs = libraries.frameworks.iter().flat_map(|of| Library::ALL.map(|library| (of, library)));
        let judged: Vec<Finding> = pairs.filter_map(|(of, library)| judge(python, of, library)).collect();
        let any = libraries.frameworks.iter().any(|of| of.linked.seen().is_some());
        let alone = || any.then(|| Finding::pass(python.subject(), "no second cuBLAS or cuDNN is in reach"));
        merged(judged).or_else(alone)
    })
}

/// Judges one library where there are several copies of it.
fn judge(python: &Python, of: &FrameworkLibraries, library: Library) -> Option<Finding> {
    let taken = library.taken(of)?;
    let (folder, _) = taken.path.rsplit_once('/')?;
    let parts = python.cuda_parts.seen()?;
    let in_reach = parts.folders_with(&taken.name).filter(|other| other.place != LibraryPlace::Toolkit);
    let others: Vec<String> = in_reach
        .filter(|other| other.path != folder)
        .map(|other| format!("{}/{}", other.path, taken.name))
        .collect();
    if others.is_empty() {
        return None;
    }
    let version = version_of(python, library, &taken.path);
    let told = version.map(|(major, minor)| format!(" {major}.{minor}")).unwrap_or_default();
    let summary = format!("{} takes {}{told}: {}", of.framework, library.label(), taken.path);
    let wanted = wanted(python, of.framework, library);
    let is_too_old = version.zip(wanted).is_some_and(|(version, wanted)| version < wanted);
    let finding = if is_too_old && is_foreign(taken) && computes(python, of.framework) != Some(true) {
        let (major, minor) = wanted.unwrap_or_default();
        Finding::new(python.subject(), Verdict::Warn, format!("{summary}, and asks for {major}.{minor}"))
            .with("framework", of.framework.to_string())
            .with("library", library.label())
            .with("folder", folder)
    } else {
        Finding::pass(python.subject(), summary)
    };
    let finding = match taken.rule {
        LoaderRule::LibraryPath if finding.verdict == Verdict::Warn => finding.run("unset LD_LIBRARY_PATH"),
        LoaderRule::LibraryPath
        | LoaderRule::Rpath
        | LoaderRule::Runpath
        | LoaderRule::Cache
        | LoaderRule::Default
        | LoaderRule::Preloaded => finding,
    };
    Some(
        others
            .into_iter()
            .take(4)
            .fold(finding, |finding, path| finding.because(format!("there is also {path}"))),
    )
}

/// Whether the loader was led away from what the framework brings.
fn is_foreign(taken: &FoundLibrary) -> bool {
    let led_away = match taken.rule {
        LoaderRule::LibraryPath | LoaderRule::Cache | LoaderRule::Default => true,
        LoaderRule::Rpath | LoaderRule::Runpath | LoaderRule::Preloaded => false,
    };
    led_away && !taken.path.contains("/site-packages/nvidia/")
}

/// The version that a framework's metadata asks for, major and minor.
fn wanted(python: &Python, framework: Framework, library: Library) -> Option<(i32, i32)> {
    let asked: &[ExtraRequirement] = match (framework, library) {
        (Framework::Torch, _) => &python.packages.seen()?.torch.as_ref()?.requirements,
        (Framework::TensorFlow, Library::Cublas) => &python.tensorflow.seen()?.as_ref()?.cuda_extra,
        (Framework::TensorFlow, Library::Cudnn) | (Framework::Jax | Framework::Cupy, _) => return None,
    };
    let (wheel, ..) = library.package();
    let asked =
        asked.iter().find(|asked| asked.name == wheel || asked.name.starts_with(&format!("{wheel}-cu")))?;
    let mut bounds = asked.versions.split(',').map(str::trim);
    bounds.find_map(|bound| {
        tensorflow::pair(bound.strip_prefix("==").or_else(|| bound.strip_prefix(">="))?.trim())
    })
}

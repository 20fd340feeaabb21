//! PyTorch loads its own CUDA libraries.
//!
//! # Meaning
//! PyTorch's wheels for CUDA come with CUDA's libraries as `nvidia-*` distributions. `LD_LIBRARY_PATH` is searched before
//! those of them that other libraries ask for, `libnvJitLink` above all. An older one from there lacks what the wheel's
//! cuSPARSE needs, and `import torch` ends with `undefined symbol: __nvJitLinkComplete_12_4`.
//!
//! # Detection
//! The first folder of `LD_LIBRARY_PATH` with this library, whose file tells its version by its name, beside the version
//! of the distribution `nvidia-nvjitlink`. PyTorch 2.6 and newer load their own one first; wheels before CUDA 12.4 find
//! theirs by themselves.
//!
//! # Fix
//! `unset LD_LIBRARY_PATH`, and take it out of the file that sets it.
//!
//! # Source
//! pytorch/pytorch#131312, #141063, #152783, infiniflow/ragflow#4466

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who,
    fact::{CudaParts, Facts, LibraryPlace, Python, Torch},
    wheels,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Frameworks],
    needs: &["frameworks.torch_built_with_cuda"],
    severity: Severity::Unusable,
    who: Who::Student,
    judge: judge_all,
};

fn judge_all(facts: &Facts, _: &Knowledge) -> Judged {
    let set_in = facts.frameworks.seen().map(|frameworks| frameworks.library_path_set_in.as_slice());
    let judge = |python: &Python| {
        wheels::torch(python, |subject, torch| judge_path(subject, python, torch, set_in.unwrap_or_default()))
    };
    facts.pythons().map(judge).collect()
}

fn judge_path(subject: Subject, python: &Python, torch: &Torch, set_in: &[String]) -> Finding {
    let Some(parts) = python.cuda_parts.seen() else {
        return Finding::unknown(subject, python.cuda_parts.why_not());
    };
    let Some((major, own)) = own_version(parts) else {
        return Finding::pass(subject, "it brings no libraries that others could take the place of");
    };
    let soname = format!("libnvJitLink.so.{major}");
    let in_path = |folder: &&crate::fact::LibraryFolder| folder.place == LibraryPlace::LibraryPath;
    let Some(folder) = parts.folders_with(&soname).find(in_path) else {
        return Finding::pass(subject, format!("LD_LIBRARY_PATH leads to no {soname}"));
    };
    let there = format!("{soname} of {} comes first", folder.path);
    if folder.path.ends_with("nvidia/nvjitlink/lib") {
        return Finding::pass(subject, format!("{there}, which is a wheel's"));
    }
    let start = format!("{soname}.");
    let Some(other) =
        folder.names().find_map(|name| wheels::version(&format!("{major}.{}", name.strip_prefix(&start)?)))
    else {
        return Finding::unknown(subject, format!("{there}; its version is not told"));
    };
    let versions = format!("{there}: {}.{}, where {}.{} is wanted", other.0, other.1, own.0, own.1);
    if other >= own || loads_own_first(torch) == Some(true) {
        return Finding::pass(subject, versions);
    }
    if loads_own_first(torch).is_none() {
        return Finding::unknown(
            subject,
            format!("{versions}; whether that matters depends on {}", torch.label()),
        );
    }
    let finding =
        Finding::fail(subject, versions).with("folder", folder.path.clone()).with("torch", torch.label());
    set_in
        .iter()
        .fold(finding, |finding, file| finding.because(format!("LD_LIBRARY_PATH is named in {file}")))
        .run("unset LD_LIBRARY_PATH")
}

/// The major version, and major and minor, of the `libnvJitLink` that the environment brings.
fn own_version(parts: &CudaParts) -> Option<(i32, (i32, i32))> {
    let names = ["nvidia-nvjitlink-cu12", "nvidia-nvjitlink-cu13", "nvidia-nvjitlink"];
    let version = names.iter().find_map(|name| parts.distribution(name)).and_then(wheels::version)?;
    Some((version.0, version))
}

/// Whether this PyTorch loads its own `libnvJitLink` before anything asks for another one; none where that is not known.
fn loads_own_first(torch: &Torch) -> Option<bool> {
    let version = wheels::version(torch.version()?)?;
    let cuda = wheels::version(torch.cuda()?)?;
    if version >= (2, 8) || (version >= (2, 6) && cuda <= (12, 6)) {
        Some(true)
    } else if version < (2, 6) && cuda >= (12, 4) {
        Some(false)
    } else {
        None
    }
}

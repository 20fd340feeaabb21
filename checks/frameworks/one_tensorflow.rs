//! One distribution alone brings TensorFlow.
//!
//! # Meaning
//! `tensorflow`, `tensorflow-cpu`, `tensorflow-gpu`, `intel-tensorflow` and `tf-nightly` all bring one and the same
//! package, `tensorflow`. pip lets the one that comes later write over the files of the one before, and says nothing.
//! What is imported is then the last one's, whatever `pip list` shows; taking one off takes files of the other along.
//!
//! # Detection
//! The distributions in the folder that `tensorflow` is imported from. It fails where one of them is for CUDA and the
//! files that lie there are those of a build without; else it warns. `tensorflow` itself asks for some of them
//! (`tensorflow-intel` on Windows, `tensorflow-cpu-aws` on ARM): those of its own version are its parts.
//!
//! # Fix
//! Uninstall all of them, then install one.
//!
//! # Source
//! <https://pypi.org/project/tensorflow-cpu/>, <https://pypi.org/project/intel-tensorflow/>; Requires-Dist in their
//! METADATA; pypa/pip#4625 (files of one distribution written over by another)

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{Distribution, Facts, Python, TensorFlow},
    judge,
    tensorflow::{self, packages},
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Frameworks],
    needs: &["frameworks.python_starts"],
    severity: Severity::Unusable,
    who: Who::Student,
    judge: judge_all,
};

/// Distributions that `tensorflow` of the same version asks for on some systems, or that ask for it.
const PARTS: [&str; 4] = ["tensorflow-aarch64", "tensorflow-cpu-aws", "tensorflow-intel", "tensorflow-macos"];
/// Distributions that have code for CUDA, whatever their version.
const FOR_CUDA: [&str; 4] = ["nvidia-tensorflow", "tensorflow-gpu", "tf-nightly", "tf-nightly-gpu"];

fn judge_all(facts: &Facts, knowledge: &Knowledge) -> Judged {
    let judge = |subject, python: &Python, tensorflow: &TensorFlow| {
        judge_distributions(facts, knowledge, subject, python, tensorflow)
    };
    facts.pythons().map(|python| judge::tensorflow(python, judge)).collect()
}

fn judge_distributions(
    facts: &Facts,
    knowledge: &Knowledge,
    subject: Subject,
    python: &Python,
    tensorflow: &TensorFlow,
) -> Finding {
    let together = together(tensorflow);
    let [first, _, ..] = together.as_slice() else {
        return match tensorflow.distribution() {
            Some(_) => Finding::pass(subject, tensorflow.label()),
            None => Finding::unknown(subject, "no metadata says which distribution brought it"),
        };
    };
    let names: Vec<String> =
        together.iter().map(|found| format!("{} {}", found.name, found.version)).collect();
    let for_cuda = together.iter().find(|found| is_for_cuda(found));
    let overwritten = for_cuda.filter(|_| tensorflow::is_cuda_build(tensorflow) == Some(false));
    let summary = format!("{} bring one package", names.join(" and "));
    let finding = match overwritten {
        Some(_) => Finding::fail(subject, format!("{summary}, and its files are of a build without CUDA")),
        None => Finding::new(subject, Verdict::Warn, summary).variant("works"),
    };
    let finding = finding.because(tensorflow.package.clone()).with("distributions", names.join(", "));
    let names: Vec<&str> = together.iter().map(|found| found.name.as_str()).collect();
    packages::replace(facts, knowledge, python, &names, for_cuda.unwrap_or(first), finding)
}

/// The distributions that wrote to the package, without the parts of another.
fn together(tensorflow: &TensorFlow) -> Vec<&Distribution> {
    let here: Vec<&Distribution> =
        tensorflow.distributions.iter().filter(|found| !tensorflow.elsewhere.contains(&found.name)).collect();
    let is_part = |part: &Distribution| {
        PARTS.contains(&part.name.as_str())
            && here.iter().any(|whole| !PARTS.contains(&whole.name.as_str()) && whole.version == part.version)
    };
    here.iter().copied().filter(|found| !is_part(found)).collect()
}

/// `tensorflow` itself has had code for CUDA since 2.1, and in 1.15.
fn is_for_cuda(found: &Distribution) -> bool {
    let since =
        |version: &str| tensorflow::pair(version).is_some_and(|pair| pair >= (2, 1) || pair == (1, 15));
    FOR_CUDA.contains(&found.name.as_str()) || (found.name == "tensorflow" && since(&found.version))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requires-Dist of tensorflow 2.15.1 and tensorflow-macos 2.16.2, as pip reads them.
    #[test]
    fn parts_of_tensorflow_are_no_second_one() {
        for (installed, left) in [
            (&["tensorflow 2.15.1", "tensorflow-intel 2.15.1"][..], 1),
            (&["tensorflow 2.15.1", "tensorflow-cpu-aws 2.15.1"], 1),
            (&["tensorflow 2.16.2", "tensorflow-macos 2.16.2"], 1),
            (&["tensorflow-intel 2.15.1"], 1),
            (&["tensorflow 2.15.1", "tensorflow-intel 2.13.0"], 2),
            (&["intel-tensorflow 2.14.0", "tensorflow 2.14.0"], 2),
            (&["tensorflow 2.15.1", "tensorflow-cpu 2.15.1", "tf-nightly 2.17.0"], 3),
        ] {
            let distribution = |text: &&str| {
                let (name, version) = text.split_once(' ').unwrap();
                Distribution { name: name.to_owned(), version: version.to_owned() }
            };
            let mut tensorflow = TensorFlow {
                package: String::new(),
                distributions: installed.iter().map(distribution).collect(),
                elsewhere: Vec::new(),
                build: crate::fact::Observed::not_probed(""),
                unmet: Vec::new(),
                cuda_extra: Vec::new(),
                looks: Vec::new(),
            };
            assert_eq!(together(&tensorflow).len(), left, "{installed:?}");
            tensorflow.elsewhere =
                tensorflow.distributions.iter().skip(1).map(|found| found.name.clone()).collect();
            assert_eq!(together(&tensorflow).len(), 1, "{installed:?}");
        }
    }
}

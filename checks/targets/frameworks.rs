//! The frameworks of a Python beside a GPU and a driver that are not here.

use super::{Card, all};
use crate::{
    Finding, Fit, Knowledge, Subject,
    fact::{ArrayLibrary, Facts, Jax, Python, TensorFlow, Torch},
    fits, judge, tensorflow,
    tensorflow::packages,
    wheels::{self, Wanted},
};

/// A framework in a Python.
#[derive(Clone, Copy)]
pub(crate) enum Framework<'a> {
    TensorFlow(&'a TensorFlow),
    Torch(&'a Torch),
    Jax(&'a Jax),
    /// CuPy or cuDF, which bring no code of their own for most of what they do.
    Arrays(&'a ArrayLibrary),
}

/// How a framework's code fits a GPU.
pub(crate) struct Fitting {
    pub(crate) fit: Fit,
    /// What it has code for, in words.
    pub(crate) has: String,
    /// Where that is from; empty where it is the framework itself.
    pub(crate) from: String,
}

/// The frameworks of a Python, as far as its files tell; the reason where they do not.
pub(crate) fn frameworks(python: &Python) -> Result<Vec<Framework<'_>>, String> {
    let tensorflow = match python.tensorflow.seen() {
        Some(found) => found.as_ref().map(Framework::TensorFlow),
        None => return Err(format!("TensorFlow: {}", python.tensorflow.why_not())),
    };
    let Some(packages) = python.packages.seen() else {
        return Err(format!("PyTorch and JAX: {}", python.packages.why_not()));
    };
    let torch = packages.torch.as_ref().map(Framework::Torch);
    let jax = packages.jax.as_ref().filter(|jax| jax.counts()).map(Framework::Jax);
    let cupy = packages.cupy.as_ref().filter(|cupy| cupy.counts()).map(Framework::Arrays);
    let cudf = packages.cudf.as_ref().map(Framework::Arrays);
    Ok([tensorflow, torch, jax, cupy, cudf].into_iter().flatten().collect())
}

impl Framework<'_> {
    pub(crate) fn label(&self) -> String {
        match self {
            Self::TensorFlow(found) => found.label(),
            Self::Torch(found) => found.label(),
            Self::Jax(found) => found.label(),
            Self::Arrays(found) => found.label(),
        }
    }

    /// It was built for CPUs, which is another check's to say.
    pub(crate) fn is_for_cpus(&self) -> bool {
        match self {
            Self::TensorFlow(found) => tensorflow::is_cuda_build(found) == Some(false),
            Self::Torch(found) => found.build.seen().is_some_and(|build| build.cuda.is_none()),
            Self::Jax(found) => !found.has_cuda(),
            Self::Arrays(_) => false,
        }
    }

    /// How its code fits a GPU; none where it does not tell what it has, or has none of its own.
    pub(crate) fn fitting(&self, knowledge: &Knowledge, capability: (i32, i32)) -> Option<Fitting> {
        let listed =
            |code: &[String], from| Some(Fitting { fit: fits(code, capability), has: code.join(" "), from });
        match self {
            Self::TensorFlow(found) => listed(tensorflow::capabilities(knowledge, found)?, String::new()),
            Self::Torch(found) => {
                let (code, from) = wheels::torch_code(found, knowledge)?;
                listed(code, from)
            }
            Self::Jax(found) => {
                let plugin = knowledge.jax(wheels::jax_cuda(found)?)?;
                let (major, minor) = plugin.capability;
                let fit = if capability >= plugin.capability { Fit::MachineCode } else { Fit::No };
                Some(Fitting {
                    fit,
                    has: format!("code from compute capability {major}.{minor} on"),
                    from: String::new(),
                })
            }
            Self::Arrays(_) => None,
        }
    }

    /// The CUDA that it was built with, major and minor; none where that is not told.
    pub(crate) fn cuda(&self, knowledge: &Knowledge) -> Option<(i32, i32)> {
        match self {
            Self::TensorFlow(found) => tensorflow::cuda(knowledge, found),
            Self::Torch(found) => found.cuda().and_then(wheels::version),
            Self::Jax(found) => wheels::jax_cuda(found).map(|major| (major, 0)),
            Self::Arrays(found) => found.distributions.iter().find_map(|found| named_cuda(&found.name)),
        }
    }

    /// Adds how to get one that works on a target, on all of them where there is one that does.
    pub(crate) fn replace(
        &self,
        facts: &Facts,
        knowledge: &Knowledge,
        python: &Python,
        (card, driver): (Card<'_>, Option<&str>),
        finding: Finding,
    ) -> Finding {
        let targets = all(facts, knowledge);
        let every = targets.iter().filter_map(|target| Some(target.card()?.capability)).collect();
        let driver = driver.map(str::to_owned);
        let of_all = Wanted { gpus: every, driver: driver.clone() };
        let own = Wanted { gpus: vec![card.capability], driver };
        match self {
            Self::TensorFlow(_) => install_tensorflow(facts, knowledge, python, card, finding),
            Self::Torch(_) => {
                let wanted = if of_all.has_torch(knowledge) { &of_all } else { &own };
                wheels::install_torch_for(wanted, knowledge, python, finding)
            }
            Self::Jax(jax) => {
                let wanted = if of_all.has_jax(knowledge) { &of_all } else { &own };
                wheels::install_jax_for(wanted, knowledge, python, jax, finding)
            }
            Self::Arrays(_) => finding.see("https://docs.cupy.dev/en/stable/install.html"),
        }
    }
}

/// `cupy-cuda12x`, `cudf-cu12`.
fn named_cuda(name: &str) -> Option<(i32, i32)> {
    let digits = name.rsplit_once("cuda").or_else(|| name.rsplit_once("-cu"))?.1.trim_end_matches('x');
    // Of before 12 the minor stood behind the major: cupy-cuda102.
    let (major, minor) = if digits.len() > 2 { digits.split_at(2) } else { (digits, "0") };
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// The newest TensorFlow that the target can ever use, in this Python where there is one for it.
fn install_tensorflow(
    facts: &Facts,
    knowledge: &Knowledge,
    python: &Python,
    card: Card<'_>,
    finding: Finding,
) -> Finding {
    let told = tensorflow::python_version(python);
    let version = told.or_else(|| wheels::version(facts.environment_of(python)?.version.as_deref()?));
    let newest = version.and_then(|version| {
        let release = knowledge.newest_tensorflow(card.capability, card.architecture, Some(version))?;
        (release.version >= packages::FIRST).then_some(release)
    });
    if let Some(release) = newest {
        let path = judge::quoted(&python.path);
        return finding.run(format!("{path} -m pip install {}", packages::of_release(release)));
    }
    let (name, capability) = (card.target.name.to_owned(), card.capability);
    let gpu = tensorflow::Gpu { address: None, name, capability };
    let advised = tensorflow::install_fitting(knowledge, python, &gpu, Finding::fail(Subject::Host, ""));
    let finding = advised.advice.commands.into_iter().fold(finding, Finding::run);
    advised.advice.url.into_iter().fold(finding, Finding::see)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuda_in_a_name() {
        for (name, cuda) in [
            ("cupy-cuda12x", Some((12, 0))),
            ("cupy-cuda102", Some((10, 2))),
            ("cudf-cu12", Some((12, 0))),
            ("cupy", None),
        ] {
            assert_eq!(named_cuda(name), cuda, "{name}");
        }
    }
}

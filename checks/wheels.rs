//! What checks of PyTorch and JAX have in common: the frameworks that are told by their files.

use crate::{
    Finding, Fit, JaxPlugin, Knowledge, Outcome, Subject, TorchWheel, Verdict, Who,
    fact::{ArrayLibrary, Facts, Jax, Packages, Place, Python, Torch},
    fits,
    judge::{self, quoted},
};

/// Judges PyTorch in a Python; where it is not installed there is nothing to judge.
pub(crate) fn torch(python: &Python, judge: impl FnOnce(Subject, &Torch) -> Finding) -> Finding {
    package(python, |packages| packages.torch.as_ref(), "PyTorch", judge)
}

/// Judges JAX in a Python; where it is not installed, or came along with something else, there is nothing to judge.
pub(crate) fn jax(python: &Python, judge: impl FnOnce(Subject, &Jax) -> Finding) -> Finding {
    let judge = |subject, jax: &Jax| match jax.brought_by.as_deref().filter(|_| !jax.counts()) {
        Some(other) => Finding::not_applicable(subject, format!("{} came with {other}", jax.label())),
        None => judge(subject, jax),
    };
    package(python, |packages| packages.jax.as_ref(), "JAX", judge)
}

/// Judges CuPy in a Python; where it is not installed, or is for AMD's GPUs, there is nothing to judge.
pub(crate) fn cupy(python: &Python, judge: impl FnOnce(Subject, &ArrayLibrary) -> Finding) -> Finding {
    let judge = |subject, cupy: &ArrayLibrary| {
        if cupy.counts() {
            judge(subject, cupy)
        } else {
            Finding::not_applicable(subject, format!("{} is for AMD's GPUs", cupy.label()))
        }
    };
    package(python, |packages| packages.cupy.as_ref(), "CuPy", judge)
}

/// Judges cuDF in a Python; where it is not installed there is nothing to judge.
pub(crate) fn cudf(python: &Python, judge: impl FnOnce(Subject, &ArrayLibrary) -> Finding) -> Finding {
    package(python, |packages| packages.cudf.as_ref(), "cuDF", judge)
}

fn package<T>(
    python: &Python,
    of: impl FnOnce(&Packages) -> Option<&T>,
    name: &str,
    judge: impl FnOnce(Subject, &T) -> Finding,
) -> Finding {
    let subject = python.subject();
    match python.packages.seen() {
        None => Finding::unknown(subject, format!("{name}: {}", python.packages.why_not())),
        Some(packages) => match of(packages) {
            None => Finding::not_applicable(subject, format!("{name} is not installed")),
            Some(found) => judge(subject, found),
        },
    }
}

/// A GPU of the machine, as far as frameworks care.
pub(crate) struct Gpu {
    /// Its name, else its address.
    pub(crate) name: String,
    /// Its compute capability.
    pub(crate) capability: (i32, i32),
}

/// The GPUs whose compute capability is known: by NVML, by CUDA, by their PCI device ids.
pub(crate) fn gpus(facts: &Facts, knowledge: &Knowledge) -> Vec<Gpu> {
    let addresses = facts.gpu_addresses().into_iter();
    let gpu = |address| {
        let nvml = facts.nvml_device(&address);
        let cuda = facts.cuda_device(&address);
        let on_bus = facts.gpus().find(|gpu| gpu.address == address);
        let model = on_bus.and_then(|gpu| knowledge.gpu(gpu.device));
        let told = nvml.and_then(|device| device.compute_capability.seen());
        let told = told.or_else(|| cuda.and_then(|device| device.compute_capability.seen())).copied();
        let name = nvml.and_then(|device| device.name.seen().cloned());
        Some(Gpu {
            name: name.or_else(|| Some(model?.name.clone())).unwrap_or_else(|| address.to_string()),
            capability: told.or_else(|| Some(model?.compute_capability))?,
        })
    };
    addresses.filter_map(gpu).collect()
}

/// The GPUs that code for these capabilities does not run on, and whether it is translated for one of the others.
pub(crate) fn without_code<'a>(gpus: &'a [Gpu], capabilities: &[String]) -> (Vec<&'a Gpu>, bool) {
    let fit = |gpu: &&Gpu| fits(capabilities, gpu.capability);
    let without = gpus.iter().filter(|gpu| fit(gpu) == Fit::No).collect();
    (without, gpus.iter().any(|gpu| fit(&gpu) == Fit::Ptx))
}

/// `Tesla P100-PCIE-16GB (compute capability 6.0)`, each once.
pub(crate) fn named(gpus: &[&Gpu]) -> String {
    let mut names: Vec<String> = gpus
        .iter()
        .map(|gpu| format!("{} (compute capability {}.{})", gpu.name, gpu.capability.0, gpu.capability.1))
        .collect();
    names.dedup();
    names.join(", ")
}

/// The version of the driver: as NVML tells it, else as its module does.
pub(crate) fn driver(facts: &Facts) -> Option<&str> {
    let nvml = facts.nvml.seen().and_then(|nvml| nvml.driver_version.seen());
    nvml.or_else(|| facts.module.seen()?.version.as_ref()).map(String::as_str)
}

/// The newest CUDA that the driver runs, major and minor: as CUDA tells it, else as NVML does.
pub(crate) fn newest_cuda(facts: &Facts) -> Option<(i32, i32)> {
    let cuda = facts.driver.seen().and_then(|driver| driver.version.seen());
    let told = cuda.or_else(|| facts.nvml.seen()?.cuda_version.seen())?;
    Some((told / 1000, told % 1000 / 10))
}

/// Whether a driver that runs this CUDA runs programs built with that one: of the same major version whatever the
/// minor, from CUDA 11 on.
///
/// Source: <https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html>
pub(crate) fn runs(newest: (i32, i32), built_with: (i32, i32)) -> bool {
    newest.0 > built_with.0 || (newest.0 == built_with.0 && (built_with.0 >= 11 || newest.1 >= built_with.1))
}

/// Major and minor of a version such as `12.6`.
pub(crate) fn version(text: &str) -> Option<(i32, i32)> {
    let mut parts = text.split('.');
    let major = parts.next()?.parse().ok()?;
    let minor: String = parts.next().unwrap_or("0").chars().take_while(char::is_ascii_digit).collect();
    Some((major, minor.parse().ok()?))
}

fn capabilities(facts: &Facts, knowledge: &Knowledge) -> Vec<(i32, i32)> {
    gpus(facts, knowledge).iter().map(|gpu| gpu.capability).collect()
}

/// What a wheel has to work on.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// Compute capabilities of the GPUs.
    pub(crate) gpus: Vec<(i32, i32)>,
    /// The version of the driver.
    pub(crate) driver: Option<String>,
}

impl Wanted {
    /// What is on this machine.
    fn here(facts: &Facts, knowledge: &Knowledge) -> Self {
        Self { gpus: capabilities(facts, knowledge), driver: driver(facts).map(str::to_owned) }
    }

    /// Whether there is a PyTorch for all of it.
    pub(crate) fn has_torch(&self, knowledge: &Knowledge) -> bool {
        self.torch(knowledge).is_some()
    }

    /// Whether there is a JAX for all of it.
    pub(crate) fn has_jax(&self, knowledge: &Knowledge) -> bool {
        self.jax(knowledge).is_some()
    }

    fn torch<'a>(&self, knowledge: &'a Knowledge) -> Option<&'a TorchWheel> {
        knowledge.torch_for(&self.gpus, self.driver.as_deref()?)
    }

    fn jax<'a>(&self, knowledge: &'a Knowledge) -> Option<&'a JaxPlugin> {
        knowledge.jax_for(&self.gpus, self.driver.as_deref()?)
    }
}

/// Adds how to get a PyTorch with code for these GPUs: for the driver that there is, else for the newest that there can
/// be. Without one, says so.
pub(crate) fn install_torch(
    facts: &Facts,
    knowledge: &Knowledge,
    python: &Python,
    finding: Finding,
) -> Finding {
    install_torch_for(&Wanted::here(facts, knowledge), knowledge, python, finding)
}

/// The same for GPUs and a driver that may be elsewhere.
pub(crate) fn install_torch_for(
    wanted: &Wanted,
    knowledge: &Knowledge,
    python: &Python,
    finding: Finding,
) -> Finding {
    let ever = || {
        let oldest = wanted.gpus.iter().min()?;
        knowledge.newest_torch(*oldest, knowledge.architecture_of_capability(*oldest)?)
    };
    match wanted.torch(knowledge).or_else(ever).filter(|_| !wanted.gpus.is_empty()) {
        Some(wheel) => finding.run(format!(
            "{} -m pip install --force-reinstall torch --index-url https://download.pytorch.org/whl/{}",
            quoted(&python.path),
            wheel.tag
        )),
        None => finding.see("https://pytorch.org/get-started/previous-versions/"),
    }
}

/// Adds how to get a JAX for these GPUs, in the same way.
pub(crate) fn install_jax(
    facts: &Facts,
    knowledge: &Knowledge,
    python: &Python,
    jax: &Jax,
    finding: Finding,
) -> Finding {
    install_jax_for(&Wanted::here(facts, knowledge), knowledge, python, jax, finding)
}

/// The same for GPUs and a driver that may be elsewhere.
pub(crate) fn install_jax_for(
    wanted: &Wanted,
    knowledge: &Knowledge,
    python: &Python,
    jax: &Jax,
    finding: Finding,
) -> Finding {
    let ever = || {
        let oldest = wanted.gpus.iter().min()?;
        knowledge.newest_jax(*oldest, knowledge.architecture_of_capability(*oldest)?)
    };
    let Some(plugin) = wanted.jax(knowledge).or_else(ever).filter(|_| !wanted.gpus.is_empty()) else {
        return finding.see("https://docs.jax.dev/en/latest/installation.html");
    };
    let path = quoted(&python.path);
    let wanted = format!("jax-cuda{}-", plugin.cuda);
    let others: Vec<&str> = jax
        .distributions
        .iter()
        .map(|found| found.name.as_str())
        .filter(|name| name.starts_with("jax-cuda") && !name.starts_with(&wanted))
        .collect();
    let finding = if others.is_empty() {
        finding
    } else {
        finding.run(format!("{path} -m pip uninstall -y {}", others.join(" ")))
    };
    finding.run(format!("{path} -m pip install -U \"jax[cuda{}]\"", plugin.cuda))
}

/// What a PyTorch carries code for, and where that is from.
pub(crate) fn torch_code<'a>(torch: &'a Torch, knowledge: &'a Knowledge) -> Option<(&'a [String], String)> {
    if let Some(list) = torch.architectures.seen().filter(|list| !list.is_empty()) {
        return Some((list, format!("{}/lib/libtorch_python.so", torch.package)));
    }
    let (_, tag) = torch.version()?.split_once('+')?;
    let wheel = knowledge.torch_wheel(tag)?;
    Some((&wheel.capabilities, format!("what wheels of the kind {tag} are built for")))
}

/// The major version of the CUDA that a JAX is for: of the plugin that fits its jaxlib, else of jaxlib itself.
pub(crate) fn jax_cuda(jax: &Jax) -> Option<i32> {
    let jaxlib = jax.version("jaxlib")?;
    if let Some((_, built)) = jaxlib.split_once("+cuda") {
        return digits(built);
    }
    if let Some(built) = jax.conda_build.as_deref().and_then(|build| build.strip_prefix("cuda")) {
        return digits(built);
    }
    jax_plugins(jax)
        .find(|(_, version)| leading_numbers(version) == leading_numbers(jaxlib))
        .map(|(cuda, _)| cuda)
}

/// The plugins for CUDA, by its major version; the newest first, as JAX takes them.
pub(crate) fn jax_plugins(jax: &Jax) -> impl Iterator<Item = (i32, &str)> {
    jax.distributions.iter().rev().filter_map(|found| {
        let cuda = found.name.strip_prefix("jax-cuda")?.strip_suffix("-plugin")?;
        Some((cuda.parse().ok()?, found.version.as_str()))
    })
}

/// The numbers that a version begins with; JAX compares these.
pub(crate) fn leading_numbers(version: &str) -> Vec<u32> {
    let numeric: String = version.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    numeric.split('.').filter_map(|part| part.parse().ok()).collect()
}

/// The two digits of a major version of CUDA, as in `120py311` and `12.cudnn89`.
fn digits(text: &str) -> Option<i32> {
    text.get(..2)?.parse().ok()
}

/// The Pythons about which a check failed, each with what was found, as a finding to go on with.
pub(crate) fn failed<'a>(
    facts: &'a Facts,
    outcomes: &'a [Outcome],
    id: &'static str,
) -> impl Iterator<Item = (&'a Python, Finding)> {
    let failed = outcomes.iter().filter(move |outcome| outcome.id == id && outcome.verdict == Verdict::Fail);
    failed.filter_map(|outcome| {
        let Subject::Python(path) = &outcome.subject else { return None };
        let python = facts.pythons().find(|python| python.name() == *path)?;
        Some((python, crate::judge::retold(outcome)))
    })
}

/// PyTorch's name and version in a Python; empty where there is none.
pub(crate) fn torch_label(python: &Python) -> String {
    let torch = python.packages.seen().and_then(|packages| packages.torch.as_ref());
    torch.map(Torch::label).unwrap_or_default()
}

/// PyTorch and JAX for a CUDA that is too new for the driver: for the cause of this name.
pub(crate) fn driver_too_old(facts: &Facts, knowledge: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    let here = Wanted::here(facts, knowledge);
    let torch = failed(facts, outcomes, "frameworks.driver_runs_torch").map(|(python, finding)| {
        let finding = finding.with("framework", torch_label(python));
        if here.gpus.is_empty() || here.torch(knowledge).is_some() {
            install_torch(facts, knowledge, python, finding).variant("wheel").by(Who::Student)
        } else {
            newer_driver(facts, knowledge, finding)
        }
    });
    let jax = failed(facts, outcomes, "frameworks.driver_runs_jax").filter_map(|(python, finding)| {
        let jax = python.packages.seen()?.jax.as_ref()?;
        let finding = finding.with("framework", jax.label());
        Some(if here.gpus.is_empty() || here.jax(knowledge).is_some() {
            install_jax(facts, knowledge, python, jax, finding).variant("wheel").by(Who::Student)
        } else {
            newer_driver(facts, knowledge, finding)
        })
    });
    torch.chain(jax).collect()
}

/// Where there are no wheels for this driver.
fn newer_driver(facts: &Facts, knowledge: &Knowledge, finding: Finding) -> Finding {
    if judge::in_container(facts) || facts.place() == Place::Wsl {
        judge::for_place(facts, finding)
    } else {
        judge::install_driver(facts, knowledge, finding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::Observed;

    #[test]
    fn a_driver_runs_every_minor_version_of_its_major() {
        for (newest, built_with, expected) in [
            ((12, 2), (12, 8), true),
            ((12, 2), (13, 0), false),
            ((13, 0), (12, 6), true),
            ((11, 4), (11, 8), true),
            ((11, 4), (12, 1), false),
            ((10, 0), (10, 2), false),
            ((10, 2), (10, 1), true),
        ] {
            assert_eq!(runs(newest, built_with), expected, "{newest:?} {built_with:?}");
        }
    }

    #[test]
    fn versions_are_compared_as_jax_does() {
        assert_eq!(leading_numbers("0.4.34"), leading_numbers("0.4.34.dev20241010"));
        assert_eq!(leading_numbers("0.4.34"), [0, 4, 34]);
        assert_ne!(leading_numbers("0.4.34"), leading_numbers("0.4.35"));
    }

    #[test]
    fn the_cuda_of_a_jax() {
        let cuda = |found: &[(&str, &str)], conda_build: Option<&str>| {
            let distribution = |(name, version): &(&str, &str)| crate::fact::Distribution {
                name: (*name).to_owned(),
                version: (*version).to_owned(),
            };
            jax_cuda(&Jax {
                brought_by: None,
                distributions: found.iter().map(distribution).collect(),
                conda_build: conda_build.map(str::to_owned),
                devices: Observed::not_probed(""),
                operations: Observed::not_probed(""),
                log: String::new(),
                elapsed_ms: 0,
            })
        };
        let (twelve, thirteen) = (("jax-cuda12-plugin", "0.8.0"), ("jax-cuda13-plugin", "0.8.0"));
        assert_eq!(cuda(&[twelve, thirteen, ("jaxlib", "0.8.0")], None), Some(13));
        assert_eq!(cuda(&[twelve, thirteen, ("jaxlib", "0.8.1")], None), None);
        assert_eq!(cuda(&[("jaxlib", "0.4.13+cuda11.cudnn86")], None), Some(11));
        assert_eq!(cuda(&[("jaxlib", "0.4.23")], Some("cuda120py311h5e2d1a8_200")), Some(12));
        assert_eq!(cuda(&[("jaxlib", "0.4.23")], Some("cpu_py311h1")), None);
    }

    #[test]
    fn versions_are_numbers() {
        assert_eq!(version("12.6"), Some((12, 6)));
        assert_eq!(version("2.10.0a0+git"), Some((2, 10)));
        assert_eq!(version("12"), Some((12, 0)));
        assert_eq!((version(""), version("git")), (None, None));
    }
}

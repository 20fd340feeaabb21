//! The report: the contract with everyone who reads gpucheck's answer.

use crate::{
    Drift, Severity, Subject, Verdict, Who,
    class::ClassSummary,
    cost::Cost,
    fact::{ArrayLibrary, Facts, Jax, PciAddress, Python, Torch},
    measured::Measured,
    publish::{Hold, Readiness},
    texts::{self, Language, Texts},
    usable_from::UsableFrom,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The number of this layout of [`Report`]. It grows when a field changes its meaning or goes away.
pub const REPORT_SCHEMA: u32 = 1;

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Layout of this document.
    pub schema: u32,
    /// Version of the gpucheck that looked.
    pub gpucheck: String,
    /// When the looking began, RFC 3339 in UTC.
    pub taken_at: String,
    /// What the report is for: `check`, `slow`, `publish`, `bake`, `drift`.
    pub profile: String,
    /// Whether the GPU is usable.
    pub verdict: MachineVerdict,
    /// What is wrong, worst first; the first is the answer. Empty on a healthy machine.
    pub roots: Vec<Root>,
    /// From which notebook kernels, and from which other Pythons, a GPU can be used.
    #[serde(default)]
    pub usable_from: Vec<UsableFrom>,
    /// What the machine did while it was watched; in the profile `slow` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
    /// Whether a template or an image may leave; in the profiles `publish` and `bake` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readiness: Option<Readiness>,
    /// The machines that the image is meant for, as they were asked for; in the profile `bake` alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
    /// What could not be tried was allowed beforehand (`--allow-unverified`): the verdict is `incomplete` nonetheless.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allowed_unverified: bool,
    /// The class's notebooks and the ways in; in the profile `publish` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<ClassSummary>,
    /// What holds a template back, the gravest first; empty where nothing does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<Hold>,
    /// What the class costs, where that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// What changed against the template's baseline; in the profile `drift` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
    /// Every check for every subject, in the order in which a machine works.
    pub outcomes: Vec<Outcome>,
    /// What could not be told and is nobody's consequence.
    pub unverified: Vec<Unverified>,
    /// The machine in brief.
    pub machine: Machine,
}

/// Whether the GPU is usable; in the profile `slow`, whether something slows it down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MachineVerdict {
    /// Yes, from everywhere that was looked at; nothing slows it down.
    Usable,
    /// From some places or by some GPUs only; it is slow.
    Degraded,
    /// No.
    Unusable,
    /// Nothing failed, and something needed could not be told.
    Incomplete,
}

/// A cause, and its fix. Its texts are English; [`Root::texts`] has them in every language.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Root {
    /// The failed check that it shows in first.
    pub id: String,
    /// The named disease; null where only a check failed.
    pub cause: Option<String>,
    /// What has it.
    pub subject: Subject,
    /// How bad it is.
    pub severity: Severity,
    /// Whose problem it is.
    pub who: Who,
    /// What is wrong, as a clause.
    pub title: String,
    /// What that means.
    pub meaning: String,
    /// What was seen, in technical words.
    pub summary: String,
    /// Lines that prove it.
    pub evidence: Vec<String>,
    /// What to do.
    pub fix: Fix,
    /// Ids of the other checks that fail or cannot be told because of it.
    pub explains: Vec<String>,
    /// How its texts are chosen and filled.
    #[serde(default)]
    pub wording: Wording,
}

/// How the texts of a root are chosen among those of its id, and what fills them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Wording {
    /// The texts for a place of its own; null for the usual ones.
    pub variant: Option<String>,
    /// Values by the names of their placeholders.
    pub values: BTreeMap<String, String>,
    /// The fix is for the machine underneath this container.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub underneath: bool,
}

impl Root {
    /// What `gpucheck explain` is given for it: its cause, or its check where it has none.
    pub fn page(&self) -> &str {
        self.cause.as_deref().unwrap_or(&self.id)
    }

    /// Title, meaning and fix in a language; those of the report where the id has none, as in a report of a newer
    /// gpucheck.
    pub fn texts(&self, language: Language) -> Texts {
        let variant = self.wording.variant.as_deref();
        let texts = match &self.cause {
            Some(cause) => texts::cause(language, cause, variant),
            None => texts::check(language, &self.id, variant),
        };
        let own =
            || Texts { title: self.title.clone(), meaning: self.meaning.clone(), fix: self.fix.text.clone() };
        texts.map_or_else(own, |texts| self.wording.fill(&texts, &self.subject, language))
    }
}

impl Wording {
    /// Fills texts; `{subject}` is always there. A fix that is not for this place says so.
    pub(crate) fn fill(&self, texts: &Texts, subject: &Subject, language: Language) -> Texts {
        let subject = match subject {
            Subject::Host => language.words().machine.this_machine.clone(),
            Subject::Gpu(_) | Subject::Python(_) | Subject::Notebook(_) => subject.to_string(),
        };
        let mut texts = texts.fill(|name| match name {
            "subject" => Some(subject.as_str()),
            name => self.values.get(name).map(String::as_str),
        });
        if self.underneath {
            texts.fix = language.words().heading.underneath.with(&[("fix", &texts.fix)]);
        }
        texts
    }
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Fix {
    /// In words.
    pub text: String,
    /// To paste, one command a line.
    pub commands: Vec<String>,
    /// To read on.
    pub url: Option<String>,
}

/// One check for one subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    /// The check.
    pub id: String,
    /// What it was about.
    pub subject: Subject,
    /// The conclusion.
    pub verdict: Verdict,
    /// What was seen.
    pub summary: String,
    /// Lines that prove it.
    pub evidence: Vec<String>,
    /// The check that it fails because of; its own id where it is a root itself.
    pub root: Option<String>,
}

/// Something that could not be told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Unverified {
    /// The check.
    pub id: String,
    /// What it was about.
    pub subject: Subject,
    /// Why it could not be told.
    pub why: String,
}

impl Unverified {
    /// Something about the whole machine: a check, or a layer.
    pub(crate) fn of_machine(id: &str, why: &str) -> Self {
        Self { id: id.to_owned(), subject: Subject::Host, why: why.to_owned() }
    }
}

/// The machine in brief.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Machine {
    /// The host.
    pub host: HostSummary,
    /// Each GPU.
    pub gpus: Vec<GpuSummary>,
    /// The driver.
    pub driver: DriverSummary,
    /// Each Python that was looked at.
    pub pythons: Vec<PythonSummary>,
    /// Each Jupyter kernel that was looked at.
    pub notebooks: Vec<String>,
}

/// The host in brief.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HostSummary {
    /// Operating system.
    pub os: Option<String>,
    /// Release of the Linux kernel.
    pub linux: Option<String>,
    /// Hypervisor, in systemd's words.
    pub hypervisor: Option<String>,
    /// Kind of container.
    pub container: Option<String>,
    /// Cloud and its name for the size of the machine.
    pub cloud: Option<String>,
}

/// A GPU in brief.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GpuSummary {
    /// PCI address.
    pub address: PciAddress,
    /// Product name.
    pub name: Option<String>,
    /// Memory, in bytes.
    pub memory: Option<u64>,
    /// Compute capability, such as `7.5`.
    pub compute_capability: Option<String>,
}

/// The driver in brief.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DriverSummary {
    /// Version of the loaded module.
    pub module: Option<String>,
    /// Version of the user-space driver, as NVML tells it.
    pub version: Option<String>,
    /// Newest CUDA that the driver runs, such as `12.2`.
    pub cuda: Option<String>,
}

/// A Python in brief.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PythonSummary {
    /// Its name: its path, and what tells it from others there.
    pub name: String,
    /// Its path.
    pub path: String,
    /// Its version.
    pub version: Option<String>,
    /// TensorFlow in it.
    pub tensorflow: Option<TensorFlowSummary>,
    /// PyTorch in it, such as `PyTorch 2.6.0+cu126`.
    pub torch: Option<String>,
    /// JAX in it, such as `JAX 0.4.35`.
    pub jax: Option<String>,
    /// CuPy in it, such as `cupy-cuda12x 13.3.0`.
    #[serde(default)]
    pub cupy: Option<String>,
    /// cuDF in it, such as `cudf-cu12 25.2.0`.
    #[serde(default)]
    pub cudf: Option<String>,
}

/// TensorFlow in brief.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TensorFlowSummary {
    /// The distribution, such as `tensorflow 2.21.0`.
    pub distribution: String,
    /// What `list_local_devices` named, in its order.
    pub devices: Vec<String>,
}

impl Report {
    /// The root that a row of [`Report::usable_from`] names.
    pub fn root_of(&self, row: &UsableFrom) -> Option<&Root> {
        let wanted = row.root.as_ref()?;
        self.roots.iter().find(|root| root.id == wanted.id && root.subject == wanted.subject)
    }
}

impl Machine {
    /// The machine in brief, from its facts.
    pub(crate) fn of(facts: &Facts, name_of: impl Fn(&PciAddress) -> Option<String>) -> Self {
        Self {
            host: HostSummary::of(facts),
            gpus: facts.gpu_addresses().into_iter().map(|gpu| GpuSummary::of(facts, gpu, &name_of)).collect(),
            driver: DriverSummary::of(facts),
            pythons: facts
                .frameworks
                .seen()
                .map(|frameworks| frameworks.pythons.iter().map(PythonSummary::of).collect())
                .unwrap_or_default(),
            notebooks: facts
                .notebooks
                .seen()
                .map(|notebooks| {
                    notebooks.kernelspecs.iter().map(|kernel| notebooks.name_of(kernel)).collect()
                })
                .unwrap_or_default(),
        }
    }
}

impl HostSummary {
    fn of(facts: &Facts) -> Self {
        let Some(platform) = facts.platform.seen() else { return Self::default() };
        let size = platform.cloud.metadata.seen().and_then(|metadata| metadata.vm_size.clone());
        Self {
            os: platform.os.pretty_name.clone(),
            linux: Some(platform.linux_release.clone()).filter(|release| !release.is_empty()),
            hypervisor: platform.hypervisor.clone(),
            container: platform.container.as_ref().map(|container| container.kind.clone()),
            cloud: platform
                .cloud
                .provider
                .map(|cloud| size.map_or_else(|| cloud.to_string(), |size| format!("{cloud} {size}"))),
        }
    }
}

impl GpuSummary {
    fn of(facts: &Facts, address: PciAddress, name_of: impl Fn(&PciAddress) -> Option<String>) -> Self {
        let nvml = facts.nvml_device(&address);
        let cuda = facts.cuda_device(&address);
        let capability = nvml
            .and_then(|device| device.compute_capability.seen())
            .or_else(|| cuda.and_then(|device| device.compute_capability.seen()));
        Self {
            name: nvml
                .and_then(|device| device.name.seen().cloned())
                .or_else(|| cuda.and_then(|device| device.name.seen().cloned()))
                .or_else(|| name_of(&address)),
            memory: nvml
                .and_then(|device| device.memory.seen().map(|memory| memory.total))
                .or_else(|| cuda.and_then(|device| device.memory.seen().copied())),
            compute_capability: capability.map(|(major, minor)| format!("{major}.{minor}")),
            address,
        }
    }
}

impl DriverSummary {
    fn of(facts: &Facts) -> Self {
        let cuda = facts
            .driver
            .seen()
            .and_then(|driver| driver.version.seen())
            .or_else(|| facts.nvml.seen().and_then(|nvml| nvml.cuda_version.seen()));
        Self {
            module: facts.module.seen().and_then(|module| module.version.clone()),
            version: facts.nvml.seen().and_then(|nvml| nvml.driver_version.seen().cloned()),
            cuda: cuda.map(|version| format!("{}.{}", version / 1000, version % 1000 / 10)),
        }
    }
}

impl PythonSummary {
    fn of(python: &Python) -> Self {
        let packages = python.packages.seen();
        Self {
            name: python.name(),
            path: python.path.clone(),
            version: python.interpreter.seen().map(|interpreter| interpreter.version.clone()),
            torch: packages.and_then(|packages| packages.torch.as_ref()).map(Torch::label),
            jax: packages.and_then(|packages| packages.jax.as_ref()).map(Jax::label),
            cupy: packages.and_then(|packages| packages.cupy.as_ref()).map(ArrayLibrary::label),
            cudf: packages.and_then(|packages| packages.cudf.as_ref()).map(ArrayLibrary::label),
            tensorflow: python.tensorflow.seen().and_then(Option::as_ref).map(|tensorflow| {
                TensorFlowSummary {
                    distribution: tensorflow.label(),
                    devices: tensorflow
                        .looks
                        .iter()
                        .rev()
                        .find_map(|look| look.listing.seen())
                        .map(|listing| listing.devices.iter().map(|device| device.name.clone()).collect())
                        .unwrap_or_default(),
                }
            }),
        }
    }
}

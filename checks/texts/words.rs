//! The words of the report itself: verdicts, headings, statuses. They stand in the section `[report]` of a catalogue.

use super::{DriftWords, PageWords, SeatsWords, fill};
use serde::Deserialize;

/// A text with placeholders.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct Phrase(String);

impl Phrase {
    /// With the placeholders filled; one that has no value stays as it is.
    pub fn with(&self, values: &[(&str, &str)]) -> String {
        let value = |name: &str| values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        fill(&self.0, value)
    }
}

/// The words of a report in one language.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// Whether the GPU is usable.
    pub verdict: VerdictWords,
    /// What follows that, where no cause's title does.
    pub answer: AnswerWords,
    /// What slows the machine down.
    pub slow: SlowWords,
    /// Whether a template may be published.
    pub publish: PublishWords,
    /// What changed since a template was saved.
    pub drift: DriftWords,
    /// What is said at a login.
    pub login: LoginWords,
    /// Headings, and lines between them.
    pub heading: HeadingWords,
    /// How a check came out.
    pub status: StatusWords,
    /// Whether a GPU can be used from a kernel or a Python.
    pub usable: UsableWords,
    /// The notebooks of a class, and the ways in.
    pub class: ClassWords,
    /// Many machines.
    pub seats: SeatsWords,
    /// The machine in brief.
    pub machine: MachineWords,
    /// A page to keep, and a summary for a pull request.
    pub page: PageWords,
}

/// Whether the GPU is usable: the first words of the report.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerdictWords {
    /// It is.
    pub usable: String,
    /// From some places or by some GPUs only.
    pub degraded: String,
    /// It is not.
    pub unusable: String,
    /// Nothing failed, and something needed could not be told.
    pub incomplete: String,
}

/// What follows the verdict, where no cause's title does.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerWords {
    /// The one GPU computes, and so do the frameworks on it: `{gpus}`, `{frameworks}`, `{compute}`.
    pub one_gpu: Phrase,
    /// Several GPUs compute, and the frameworks on all of them: `{gpus}`, `{frameworks}`, `{compute}`.
    pub all_gpus: Phrase,
    /// Several GPUs compute, and the frameworks on one at least: `{gpus}`, `{frameworks}`, `{compute}`.
    pub some_gpus: Phrase,
    /// What one framework does.
    pub computes: String,
    /// What several do.
    pub compute: String,
    /// The one GPU computes, and there is no framework: `{gpus}`.
    pub one_gpu_alone: Phrase,
    /// Several GPUs compute, and there is no framework: `{gpus}`.
    pub gpus_alone: Phrase,
    /// Several GPUs of one model: `{count}`, `{name}`.
    pub count: Phrase,
    /// Stands between the last two of a list, blanks included.
    pub and: String,
    /// A check could not be told: `{id}`, `{why}`.
    pub untold: Phrase,
    /// What would prove the GPU was left out.
    pub left_out: String,
    /// Nothing of an image failed, and something was not tried: `{passed}`, `{what}`.
    pub not_tried: Phrase,
    /// The same for machines that it is meant for: `{targets}`.
    pub not_tried_for: Phrase,
    /// Something of an image is to be mended, and something was not tried: `{mend}`, `{what}`.
    pub mend_and_not_tried: Phrase,
    /// All of an image was tried, for machines that are not here, too: `{rest}`, `{targets}`.
    pub and_for: Phrase,
    /// Before what was not tried and was allowed not to be: `{rest}`.
    pub allowed: Phrase,
}

/// What slows the machine down: the first words of the report of `gpucheck slow`, and what follows where no cause's title
/// does.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlowWords {
    /// Something does.
    pub slow: String,
    /// Nothing does.
    pub nothing: String,
    /// It could not be told.
    pub untold: String,
    /// A GPU was at work: `{gpu}`, `{activity}`, `{seconds}`.
    pub at_work: Phrase,
    /// The same with its power: `{watts}`, `{limit}`.
    pub at_work_with_power: Phrase,
    /// No program computed: `{seconds}`.
    pub idle: Phrase,
    /// The program that was asked about did not: `{program}`, `{seconds}`.
    pub program_idle: Phrase,
    /// It ended: `{program}`.
    pub program_ended: Phrase,
}

/// Whether a template may be published: the first words of the report of `gpucheck publish`, what follows where no title
/// does, and its last lines.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishWords {
    /// It may.
    pub ready: String,
    /// It may, and something will cost somebody time.
    pub ready_with_warnings: String,
    /// It may not.
    pub not_ready: String,
    /// Nothing is wrong: `{gpu}` and `{kernels}` are sentences of their own.
    pub nothing_breaks: Phrase,
    /// The one GPU computes: `{gpus}`.
    pub computes: Phrase,
    /// Several do: `{gpus}`.
    pub compute: Phrase,
    /// So many kernels with a framework can use a GPU: `{can}`, `{all}`.
    pub kernels: Phrase,
    /// The same of Pythons, where there is no such kernel: `{can}`, `{all}`.
    pub pythons: Phrase,
    /// There is nothing that could use one.
    pub no_framework: String,
    /// One thing is to be mended: `{title}`.
    pub one_to_mend: Phrase,
    /// Several are: `{count}`, `{title}`.
    pub to_mend: Phrase,
    /// What it costs: `{seats}`, `{hours}`, `{units}`, `{price}`, `{currency}`, `{total}`.
    pub cost: Phrase,
    /// Whose units these are: `{units}`, `{size}`.
    pub units_of_size: Phrase,
    /// Before what comes next.
    pub next: String,
    /// What comes next where it may be published.
    pub next_ready: String,
    /// What comes next where it may not.
    pub next_not_ready: String,
}

/// What is said at a login, in lines of at most 80 columns.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginWords {
    /// The GPU is usable from so many kernels: `{gpus}`, `{can}`, `{all}`, `{seen}`.
    pub usable_from: Phrase,
    /// It is usable, and no kernel has a use for it: `{gpus}`, `{seen}`.
    pub usable: Phrase,
    /// It is not: `{title}`.
    pub unusable: Phrase,
    /// It is in part: `{title}`.
    pub degraded: Phrase,
    /// How to read on: `{id}`, `{seen}`.
    pub more: Phrase,
    /// A kernel that cannot use it: `{name}`, `{title}` (after a colon, or empty), `{id}`.
    pub kernel: Phrase,
    /// Something to mend on a machine that is usable: `{title}` (after a colon, or empty), `{id}`.
    pub to_mend: Phrase,
}

/// Headings, and lines between them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadingWords {
    /// Before the first root where the verdict is no trouble: `{title}`.
    pub to_mend: Phrase,
    /// Before a further root that makes the GPU unusable: `{title}`.
    pub also_unusable: Phrase,
    /// Before a further root that makes it worse: `{title}`.
    pub also_to_mend: Phrase,
    /// Before a further root that will break it: `{title}`.
    pub breaks_later: Phrase,
    /// Before the fix.
    pub fix: FixWords,
    /// Where to read on: `{url}`.
    pub see: Phrase,
    /// Before what was seen.
    pub seen: String,
    /// How to read the manual: `{id}`.
    pub more: Phrase,
    /// Before what could not be told.
    pub untold: String,
    /// Before what could not be tried of an image.
    pub not_tried: String,
    /// Before the kernels, and whether each can use a GPU.
    pub usable_from_notebooks: String,
    /// Before the Pythons that no kernel starts, and whether each can use a GPU.
    pub usable_from_pythons: String,
    /// After what an earlier run saw: `{age}`.
    pub retold: Phrase,
    /// When the daemon looked: `{age}`.
    pub looked: Phrase,
    /// The same, and when it last found nothing against it: `{age}`, `{confirmed}`.
    pub confirmed: Phrase,
    /// After a Python that Visual Studio Code offers.
    pub in_vscode: String,
    /// The notebook that asks.
    pub this_notebook: String,
    /// The program that asks.
    pub this_program: String,
    /// While Pythons are looked at: `{done}`, `{total}`, `{seconds}`, `{name}`.
    pub progress: Phrase,
    /// While all memory of a GPU is tested: `{gpu}`, `{done}`, `{all}`, `{rate}`, `{left}`.
    pub testing: Phrase,
    /// While a GPU works for a time: `{gpu}`, `{done}`, `{rate}`, `{left}`.
    pub soaking: Phrase,
    /// Before the checks of the machine.
    pub checks: String,
    /// Before the checks of a Python: `{python}`.
    pub checks_in: Phrase,
    /// Before the checks of notebook kernels.
    pub checks_of_notebooks: String,
    /// What follows from a root: `{root}`, `{ids}`.
    pub because_of: Phrase,
    /// Before the machine in brief.
    pub machine: String,
    /// Around a fix that a container cannot do for itself: `{fix}`.
    pub underneath: Phrase,
}

/// Before the fix, by whose problem it is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixWords {
    /// The student's.
    pub student: String,
    /// Of who made the template.
    pub instructor: String,
    /// Of who builds the image.
    pub image_baker: String,
    /// Of who runs the hardware or the cloud subscription.
    pub platform: String,
}

/// How a check came out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusWords {
    /// It passed.
    pub ok: String,
    /// It warned.
    pub warning: String,
    /// It failed.
    pub failed: String,
    /// It could not be told.
    pub unknown: String,
    /// It has nothing to be about.
    pub not_applicable: String,
}

impl StatusWords {
    /// All of them.
    pub fn all(&self) -> [&str; 5] {
        [&self.ok, &self.warning, &self.failed, &self.unknown, &self.not_applicable]
    }
}

/// Whether a GPU can be used from a kernel or a Python.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsableWords {
    /// It can.
    pub yes: String,
    /// By some frameworks, or on some GPUs.
    pub in_part: String,
    /// It cannot.
    pub no: String,
    /// It could not be told.
    pub unknown: String,
    /// Nothing in it could.
    pub not_applicable: String,
}

impl UsableWords {
    /// All of them.
    pub fn all(&self) -> [&str; 5] {
        [&self.yes, &self.in_part, &self.no, &self.unknown, &self.not_applicable]
    }
}

/// The notebooks of a class, and the ways in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassWords {
    /// Before the notebooks.
    pub notebooks: String,
    /// Before the ways in.
    pub ways_in: String,
    /// While notebooks are run: `{done}`, `{total}`, `{seconds}`, `{name}`.
    pub progress: Phrase,
    /// Every cell ran.
    pub ran: String,
    /// A cell raised an error.
    pub failed: String,
    /// It was ended after its time.
    pub timed_out: String,
    /// Its kernel ended.
    pub kernel_died: String,
    /// There is no such kernel.
    pub no_kernel: String,
    /// It cannot be read.
    pub unreadable: String,
    /// It was not tried.
    pub not_run: String,
    /// How long it ran: `{seconds}`.
    pub seconds: Phrase,
    /// It used a GPU.
    pub on_gpu: String,
    /// It used a GPU and so much memory: `{mib}`.
    pub on_gpu_with: Phrase,
    /// It used none.
    pub not_on_gpu: String,
    /// Notebooks that were not looked at: `{count}`.
    pub more: Phrase,
    /// A way in that runs and starts at boot.
    pub up: String,
    /// One that starts at boot; whether it runs is not known.
    pub at_boot: String,
    /// One that does not run.
    pub not_up: String,
    /// One that does not start at boot.
    pub not_at_boot: String,
    /// Its port: `{port}`.
    pub port: Phrase,
    /// It listens for this machine alone.
    pub loopback: String,
    /// Nobody listens.
    pub nowhere: String,
}

/// The machine in brief.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachineWords {
    /// What a text calls the machine where it is about the whole of it.
    pub this_machine: String,
    /// Nobody looked.
    pub not_looked_at: String,
    /// It is a virtual machine: `{hypervisor}`.
    pub virtual_machine: Phrase,
    /// The looking took place in a container: `{runtime}`.
    pub container: Phrase,
    /// A GPU: `{name}`, `{address}`.
    pub gpu: Phrase,
    /// What a GPU can compute: `{capability}`.
    pub capability: Phrase,
    /// The driver: `{version}`.
    pub driver: Phrase,
    /// The newest CUDA that the driver runs: `{version}`.
    pub cuda: Phrase,
    /// There is no TensorFlow in a Python.
    pub no_tensorflow: String,
    /// TensorFlow named no devices.
    pub no_devices: String,
    /// TensorFlow named devices: `{devices}`.
    pub lists: Phrase,
}

//! The answer: what is said first, and with `--quiet` alone.

use super::{page::clean, publish};
use gpucheck_checks::{
    AnswerWords, Language, Machine, MachineVerdict, Measured, NothingMeasured, PROOFS, PythonSummary, Report,
    Root, SlowWords, Subject, TensorFlowSummary, Verdict, VerdictWords, layer,
};

/// The answer in one line.
pub fn answer(report: &Report, language: Language) -> String {
    let Answer { verdict, rest } = Answer::of(report, language);
    format!("{verdict}: {rest}")
}

/// The answer in its two parts, without control characters.
pub(super) struct Answer {
    /// The verdict in a few words, such as `NOT USABLE`.
    pub(super) verdict: String,
    /// What it comes from, as a clause.
    pub(super) rest: String,
}

impl Answer {
    pub(super) fn of(report: &Report, language: Language) -> Self {
        let (verdict, rest) = if let Some(measured) = &report.measured {
            why_slow(report, measured, language)
        } else if let Some(readiness) = report.readiness {
            publish::answer(report, readiness, language)
        } else {
            usable_or_not(report, language)
        };
        Self { verdict: clean(verdict), rest: clean(&rest) }
    }
}

/// The root that the answer names: its title need not be said again.
pub(super) fn named(report: &Report) -> Option<&Root> {
    let is_named = match report.readiness {
        Some(readiness) => publish::names_first_root(report, readiness),
        None if report.profile == "bake" => report.verdict != MachineVerdict::Usable,
        None => matches!(report.verdict, MachineVerdict::Unusable | MachineVerdict::Degraded),
    };
    report.roots.first().filter(|_| is_named)
}

fn usable_or_not(report: &Report, language: Language) -> (&'static str, String) {
    let words = language.words();
    let rest = match (report.verdict, report.roots.first()) {
        (MachineVerdict::Unusable | MachineVerdict::Degraded, Some(root)) => root.texts(language).title,
        (MachineVerdict::Incomplete, _) => incomplete(report, language),
        (_, _) => {
            let (rest, targets) = (usable(report, &words.answer), targets(report));
            if targets.is_empty() {
                rest
            } else {
                words.answer.and_for.with(&[("rest", &rest), ("targets", &targets)])
            }
        }
    };
    (verdict(report.verdict, &words.verdict), rest)
}

fn verdict(verdict: MachineVerdict, words: &VerdictWords) -> &str {
    match verdict {
        MachineVerdict::Usable => &words.usable,
        MachineVerdict::Degraded => &words.degraded,
        MachineVerdict::Unusable => &words.unusable,
        MachineVerdict::Incomplete => &words.incomplete,
    }
}

/// The answer to why it is slow.
fn why_slow(report: &Report, measured: &Measured, language: Language) -> (&'static str, String) {
    let words = language.words();
    let title = || report.roots.first().map(|root| root.texts(language).title).unwrap_or_default();
    match report.verdict {
        MachineVerdict::Unusable => (&words.verdict.unusable, title()),
        MachineVerdict::Degraded => (&words.slow.slow, title()),
        MachineVerdict::Incomplete => (&words.slow.untold, untold(report, measured, language)),
        MachineVerdict::Usable => (&words.slow.nothing, at_work(report, measured, &words.slow)),
    }
}

/// Why it could not be told what slows it down.
fn untold(report: &Report, measured: &Measured, language: Language) -> String {
    let words = language.words();
    let seconds = seconds(measured);
    let program = measured.program.as_deref().unwrap_or_default();
    let values = [("program", program), ("seconds", seconds.as_str())];
    match measured.nothing {
        Some(NothingMeasured::Idle) => words.slow.idle.with(&values),
        Some(NothingMeasured::ProgramIdle) => words.slow.program_idle.with(&values),
        Some(NothingMeasured::ProgramEnded) => words.slow.program_ended.with(&values),
        None => {
            let of_load = report.unverified.iter().find(|unverified| unverified.id.starts_with("load."));
            of_load.map_or_else(|| incomplete(report, language), |unverified| unverified.why.clone())
        }
    }
}

/// What the GPU did that worked most.
fn at_work(report: &Report, measured: &Measured, words: &SlowWords) -> String {
    // Of equals the first one.
    let Some(gpu) = measured.gpus.iter().rev().max_by_key(|gpu| gpu.activity) else { return String::new() };
    let known = report.machine.gpus.iter().find(|known| known.address == gpu.address);
    let name = known.and_then(|known| known.name.as_deref()).unwrap_or("NVIDIA GPU");
    let activity = gpu.activity.unwrap_or_default().to_string();
    let seconds = seconds(measured);
    let values = [("gpu", name), ("activity", &activity), ("seconds", &seconds)];
    match (gpu.power_mw, gpu.power_limit_mw) {
        (Some(power), Some(limit)) => {
            let (watts, limit) = ((power / 1000).to_string(), (limit / 1000).to_string());
            let [name, activity, seconds] = values;
            words.at_work_with_power.with(&[name, activity, seconds, ("watts", &watts), ("limit", &limit)])
        }
        (_, _) => words.at_work.with(&values),
    }
}

fn seconds(measured: &Measured) -> String {
    measured.lasted_ms.saturating_add(500).checked_div(1000).unwrap_or_default().to_string()
}

/// The GPUs by their names, those of one model together.
pub(super) fn gpus(report: &Report, words: &AnswerWords) -> String {
    let machine = &report.machine;
    let mut counted: Vec<(&str, usize)> = Vec::new();
    for gpu in &machine.gpus {
        let name = gpu.name.as_deref().unwrap_or("NVIDIA GPU");
        match counted.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => counted.push((name, 1)),
        }
    }
    let names = counted.iter().map(|(name, count)| match count {
        1 => (*name).to_owned(),
        count => words.count.with(&[("count", &count.to_string()), ("name", name)]),
    });
    names.collect::<Vec<_>>().join(&words.and)
}

fn usable(report: &Report, words: &AnswerWords) -> String {
    let machine = &report.machine;
    let gpus = gpus(report, words);
    let mut told: Vec<&str> = Vec::new();
    for framework in machine.pythons.iter().flat_map(|python| frameworks(report, python)) {
        if !told.contains(&framework) {
            told.push(framework);
        }
    }
    let one = machine.gpus.len() == 1;
    let phrase = match (one, told.is_empty()) {
        (true, true) => &words.one_gpu_alone,
        (false, true) => &words.gpus_alone,
        (true, false) => &words.one_gpu,
        (false, false) if report.roots.is_empty() && uses_all(machine) => &words.all_gpus,
        (false, false) => &words.some_gpus,
    };
    let compute = if told.len() == 1 { &words.computes } else { &words.compute };
    phrase.with(&[("gpus", &gpus), ("frameworks", &list(&told, &words.and)), ("compute", compute)])
}

/// Three at most, and whether there are more.
fn list(told: &[&str], and: &str) -> String {
    const MOST: usize = 3;
    match told {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] if told.len() <= MOST => format!("{}{and}{last}", first.join(", ")),
        _ => format!("{}, ...", told.iter().take(MOST).copied().collect::<Vec<_>>().join(", ")),
    }
}

/// Whether every TensorFlow lists as many GPUs as there are: one may be meant to have fewer.
fn uses_all(machine: &Machine) -> bool {
    let lists = |tensorflow: &TensorFlowSummary| {
        let gpus =
            tensorflow.devices.iter().filter(|device| device.contains("GPU:") && !device.contains("XLA"));
        gpus.count() >= machine.gpus.len()
    };
    machine.pythons.iter().filter_map(|python| python.tensorflow.as_ref()).all(lists)
}

/// TensorFlow in a Python, and what else is proven to compute there.
fn frameworks<'a>(report: &'a Report, python: &'a PythonSummary) -> impl Iterator<Item = &'a str> {
    let here = Subject::Python(python.name.clone());
    let passed = move |id: &str| {
        let mut outcomes = report.outcomes.iter();
        outcomes
            .any(|outcome| outcome.id == id && outcome.subject == here && outcome.verdict == Verdict::Pass)
    };
    let torch = python.torch.as_deref().filter(|_| passed("frameworks.torch_computes"));
    let jax = python.jax.as_deref().filter(|_| passed("frameworks.jax_computes"));
    let tensorflow = python.tensorflow.as_ref().map(|tensorflow| tensorflow.distribution.as_str());
    let cupy = python.cupy.as_deref().filter(|_| passed("frameworks.cupy_computes"));
    let cudf = python.cudf.as_deref().filter(|_| passed("frameworks.cudf_computes"));
    [tensorflow, torch, jax, cupy, cudf].into_iter().flatten()
}

/// What could not be told, the most telling of it.
pub(super) fn incomplete(report: &Report, language: Language) -> String {
    if report.profile == "bake" {
        return not_tried(report, language);
    }
    let words = &language.words().answer;
    let proof = report.unverified.iter().find(|unverified| PROOFS.contains(&unverified.id.as_str()));
    match proof.or(report.unverified.first()) {
        Some(first) => words.untold.with(&[("id", &first.id), ("why", &first.why)]),
        None => words.left_out.clone(),
    }
}

/// What holds of an image, or is to be mended in it, and which layers of checks could not be tried or told.
fn not_tried(report: &Report, language: Language) -> String {
    let words = &language.words().answer;
    let passed =
        report.outcomes.iter().filter(|outcome| outcome.verdict == Verdict::Pass).count().to_string();
    let mut layers: Vec<&str> = Vec::new();
    for unverified in &report.unverified {
        let layer = layer(&unverified.id);
        if !layers.contains(&layer) {
            layers.push(layer);
        }
    }
    let (what, targets) = (layers.join(", "), targets(report));
    let values = [("passed", passed.as_str()), ("what", what.as_str())];
    let rest = if !report.roots.is_empty() {
        let mend = publish::to_mend(report, language);
        words.mend_and_not_tried.with(&[("mend", &mend), ("what", &what)])
    } else if targets.is_empty() {
        words.not_tried.with(&values)
    } else {
        let [passed, what] = values;
        words.not_tried_for.with(&[passed, what, ("targets", targets.as_str())])
    };
    if report.allowed_unverified { words.allowed.with(&[("rest", &rest)]) } else { rest }
}

/// The machines that an image was judged for; none where that was left out.
fn targets(report: &Report) -> String {
    let is_judged = report.outcomes.iter().any(|outcome| outcome.id.starts_with("target."));
    if is_judged { report.targets.join(", ") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_are_named_at_most() {
        for (frameworks, answer) in [
            (&[][..], ""),
            (&["a"], "a"),
            (&["a", "b"], "a and b"),
            (&["a", "b", "c"], "a, b and c"),
            (&["a", "b", "c", "d"], "a, b, c, ..."),
        ] {
            assert_eq!(list(frameworks, " and "), answer);
        }
    }
}

//! The answer: what is said first, and with `--quiet` alone.

use super::page::clean;
use gpucheck_checks::{
    AnswerWords, Language, MachineVerdict, PROOFS, PythonSummary, Report, Subject, Verdict, VerdictWords,
};

/// The answer in one line.
pub fn answer(report: &Report, language: Language) -> String {
    let words = language.words();
    let rest = match (report.verdict, report.roots.first()) {
        (MachineVerdict::Unusable | MachineVerdict::Degraded, Some(root)) => root.texts(language).title,
        (MachineVerdict::Incomplete, _) => incomplete(report, &words.answer),
        (_, _) => usable(report, &words.answer),
    };
    clean(&format!("{}: {rest}", verdict(report.verdict, &words.verdict)))
}

fn verdict(verdict: MachineVerdict, words: &VerdictWords) -> &str {
    match verdict {
        MachineVerdict::Usable => &words.usable,
        MachineVerdict::Degraded => &words.degraded,
        MachineVerdict::Unusable => &words.unusable,
        MachineVerdict::Incomplete => &words.incomplete,
    }
}

fn usable(report: &Report, words: &AnswerWords) -> String {
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
    let gpus = names.collect::<Vec<_>>().join(&words.and);
    let frameworks: Vec<&str> =
        machine.pythons.iter().flat_map(|python| frameworks(report, python)).collect();
    let one = machine.gpus.len() == 1;
    let phrase = match (one, frameworks.is_empty()) {
        (true, true) => &words.one_gpu_alone,
        (false, true) => &words.gpus_alone,
        (true, false) => &words.one_gpu,
        (false, false) if report.roots.is_empty() => &words.all_gpus,
        (false, false) => &words.some_gpus,
    };
    phrase.with(&[("gpus", &gpus), ("frameworks", &frameworks.join(&words.and))])
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
    [tensorflow, torch, jax].into_iter().flatten()
}

fn incomplete(report: &Report, words: &AnswerWords) -> String {
    let proof = report.unverified.iter().find(|unverified| PROOFS.contains(&unverified.id.as_str()));
    match proof.or(report.unverified.first()) {
        Some(first) => words.untold.with(&[("id", &first.id), ("why", &first.why)]),
        None => words.left_out.clone(),
    }
}

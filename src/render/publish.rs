//! What is said of a template: the answer's line, what it costs to be wrong, what comes next.

use super::{page::Page, usable_from};
use gpucheck_checks::{Cost, Hold, Language, Phrase, PublishWords, Readiness, Report, Subject, Words};

/// The answer: whether it may be published, and why not.
pub(super) fn answer(report: &Report, readiness: Readiness, language: Language) -> (&'static str, String) {
    let words = language.words();
    match readiness {
        Readiness::Ready => (&words.publish.ready, nothing_breaks(report, &words.publish, words)),
        Readiness::ReadyWithWarnings => (&words.publish.ready_with_warnings, to_mend(report, language)),
        Readiness::NotReady => (&words.publish.not_ready, held_back(report, language)),
    }
}

/// Whether the answer's line names the first root.
pub(super) fn names_first_root(report: &Report, readiness: Readiness) -> bool {
    match readiness {
        Readiness::Ready => false,
        Readiness::ReadyWithWarnings => true,
        Readiness::NotReady => report.holds.first().is_none_or(|hold| hold.failed),
    }
}

fn nothing_breaks(report: &Report, words: &PublishWords, all: &Words) -> String {
    let gpus = super::answer::gpus(report, &all.answer);
    let computes = if report.machine.gpus.len() == 1 { &words.computes } else { &words.compute };
    let gpu = computes.with(&[("gpus", &gpus)]);
    let told = |phrase: &Phrase, can: usize, all: usize| {
        phrase.with(&[("can", &can.to_string()), ("all", &all.to_string())])
    };
    let kernels = match (usable_from::count(report, true), usable_from::count(report, false)) {
        ((_, 0), (_, 0)) => words.no_framework.clone(),
        ((_, 0), (can, all)) => told(&words.pythons, can, all),
        ((can, all), _) => told(&words.kernels, can, all),
    };
    words.nothing_breaks.with(&[("gpu", &gpu), ("kernels", &kernels)])
}

/// How much there is to mend, and the first of it.
pub(super) fn to_mend(report: &Report, language: Language) -> String {
    let words = language.words();
    let Some(first) = report.roots.first() else {
        return super::answer::incomplete(report, language);
    };
    let title = first.texts(language).title;
    match report.roots.len() {
        1 => words.publish.one_to_mend.with(&[("title", &title)]),
        count => words.publish.to_mend.with(&[("count", &count.to_string()), ("title", &title)]),
    }
}

fn held_back(report: &Report, language: Language) -> String {
    let words = language.words();
    match report.holds.first() {
        None | Some(Hold { failed: true, .. }) if !report.roots.is_empty() => {
            report.roots.first().map(|root| root.texts(language).title).unwrap_or_default()
        }
        Some(hold) => {
            let is_it = |id: &str, subject: &Subject| *id == hold.id && *subject == hold.subject;
            let untold = report.unverified.iter().find(|untold| is_it(&untold.id, &untold.subject));
            let why = untold.map(|untold| untold.why.as_str()).unwrap_or_default();
            words.answer.untold.with(&[("id", &hold.id), ("why", why)])
        }
        None => super::answer::incomplete(report, language),
    }
}

/// What it costs to be wrong, where that was asked, and what comes next.
pub(super) fn end(page: &mut Page, report: &Report, readiness: Readiness, language: Language) {
    let words = &language.words().publish;
    if let Some(cost) = &report.cost {
        let (sum, units) = self::cost(cost, words);
        page.heading(&sum);
        if let Some(units) = units {
            page.paragraph(&units);
        }
    }
    page.heading(&words.next);
    let (text, commands) = next(readiness, words);
    page.paragraph(text);
    page.line("");
    for command in commands {
        page.line(&format!("      {command}"));
    }
}

/// What comes next: in words, and the commands.
pub(super) fn next(readiness: Readiness, words: &PublishWords) -> (&str, &'static [&'static str]) {
    match readiness {
        Readiness::Ready | Readiness::ReadyWithWarnings => {
            (&words.next_ready, &["gpucheck", "gpucheck drift"])
        }
        Readiness::NotReady => (&words.next_not_ready, &["sudo gpucheck publish"]),
    }
}

/// What it costs to be wrong, and whose units those are.
pub(super) fn cost(cost: &Cost, words: &PublishWords) -> (String, Option<String>) {
    let seats = cost.seats.to_string();
    let sum = words.cost.with(&[
        ("seats", &seats),
        ("hours", &cost.hours),
        ("units", &cost.units),
        ("price", &cost.unit_price),
        ("currency", &cost.currency),
        ("total", &cost.total),
    ]);
    let of_size = |size: &String| words.units_of_size.with(&[("units", &cost.units), ("size", size)]);
    (sum, cost.units_of.as_ref().map(of_size))
}

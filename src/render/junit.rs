//! JUnit XML, for pipelines: a suite a layer, a case a check and subject.
//!
//! Invariants: each outcome is a case of its own name, counted in its suite; no text of a machine can break the document.
//! Like JSON it is English in every locale, so that a case keeps its name.

use super::{
    outline::{self, Part, about, excerpt, follows, root_in},
    page::clean,
    word::name,
};
use gpucheck_checks::{Language, MachineVerdict, Outcome, Report, Root, Subject, Unverified, Verdict, layer};
use std::{collections::BTreeSet, fmt::Write};

/// Longest text of a machine that is kept, in characters: GitLab reads no file above 30 MB.
const LONGEST: usize = 8_000;

/// The report as JUnit XML.
pub fn junit(report: &Report) -> String {
    let suites = suites(report);
    let all = suites.iter().fold(Counts::default(), |all, suite| all.and(&suite.counts));
    let time = seconds(report.measured.as_ref().map_or(0, |measured| measured.lasted_ms));
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        xml,
        "<testsuites name=\"gpucheck {}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{time}\">",
        escape(&report.profile),
        all.tests,
        all.failures,
        all.errors
    );
    for suite in suites {
        suite.write(&mut xml, report);
    }
    xml.push_str("</testsuites>\n");
    xml
}

/// How many cases there are of each kind.
#[derive(Clone, Copy, Default)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

impl Counts {
    fn and(self, other: &Self) -> Self {
        Self {
            tests: self.tests + other.tests,
            failures: self.failures + other.failures,
            errors: self.errors + other.errors,
            skipped: self.skipped + other.skipped,
        }
    }
}

/// A layer.
#[derive(Default)]
struct Suite {
    layer: String,
    counts: Counts,
    cases: String,
    names: BTreeSet<String>,
}

/// The layers, in the order in which a machine works.
fn suites(report: &Report) -> Vec<Suite> {
    let mut suites: Vec<Suite> = Vec::new();
    for outcome in report.outcomes.iter().cloned().chain(without_outcome(report)) {
        let layer = layer(&outcome.id);
        let place = suites.iter().position(|suite| suite.layer == layer).unwrap_or(suites.len());
        if place == suites.len() {
            suites.push(Suite { layer: layer.to_owned(), ..Suite::default() });
        }
        if let Some(suite) = suites.get_mut(place) {
            suite.add(report, &outcome);
        }
    }
    suites.extend(drift(report));
    suites
}

impl Suite {
    fn add(&mut self, report: &Report, outcome: &Outcome) {
        let (kind, result) = result(report, outcome);
        let name = self.name(outcome);
        self.counts = self.counts.and(&kind.count());
        let head = format!("classname=\"{}\" name=\"{}\" time=\"0\"", escape(&self.layer), escape(&name));
        let _ = match result {
            None => writeln!(self.cases, "    <testcase {head}/>"),
            Some(result) => writeln!(self.cases, "    <testcase {head}>\n{result}    </testcase>"),
        };
    }

    /// Unlike that of any other case: GitLab takes the first of two of one name, and leaves the other out.
    fn name(&mut self, outcome: &Outcome) -> String {
        let id = excerpt(&outcome.id, LONGEST);
        let name = match about(&outcome.subject) {
            None => id,
            Some(subject) => format!("{id} [{}]", excerpt(&subject, LONGEST)),
        };
        let numbered = (2_usize..).map(|number| format!("{name} ({number})"));
        let mut names = std::iter::once(name.clone()).chain(numbered);
        let free = names.find(|name| self.names.insert(name.clone()));
        free.unwrap_or(name)
    }

    fn write(&self, xml: &mut String, report: &Report) {
        let Counts { tests, failures, errors, skipped } = self.counts;
        let time = match &report.measured {
            Some(measured) if self.layer == "load" => seconds(measured.lasted_ms),
            Some(_) | None => seconds(0),
        };
        let _ = write!(
            xml,
            "  <testsuite name=\"{}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" \
             skipped=\"{skipped}\" time=\"{time}\" timestamp=\"{}\">\n{}{}  </testsuite>\n",
            escape(&self.layer),
            escape(timestamp(&report.taken_at)),
            properties(report),
            self.cases
        );
    }
}

/// What changed since the template was saved, as one case that passes: what it breaks is a failure of its own.
fn drift(report: &Report) -> Option<Suite> {
    report.drift.as_ref()?;
    let mut text = String::new();
    for Part { heading, items } in outline::drift(report, Language::English) {
        let _ = writeln!(text, "{}", clean(&heading));
        for (item, below) in items {
            let _ = writeln!(text, "- {}", clean(&excerpt(&item, LONGEST)));
            for line in below {
                let _ = writeln!(text, "  {}", clean(&excerpt(&line, LONGEST)));
            }
        }
    }
    let output = output(&text);
    Some(Suite {
        layer: "drift".to_owned(),
        counts: Kind::Passed.count(),
        cases: format!(
            "    <testcase classname=\"drift\" name=\"drift.changes\" time=\"0\">\n{output}    </testcase>\n"
        ),
        names: BTreeSet::new(),
    })
}

/// What a case counts as.
enum Kind {
    Passed,
    Failed,
    Error,
    Skipped,
}

impl Kind {
    fn count(&self) -> Counts {
        let counts = Counts { tests: 1, ..Counts::default() };
        match self {
            Self::Passed => counts,
            Self::Failed => Counts { failures: 1, ..counts },
            Self::Error => Counts { errors: 1, ..counts },
            Self::Skipped => Counts { skipped: 1, ..counts },
        }
    }
}

/// What stands in a case.
fn result(report: &Report, outcome: &Outcome) -> (Kind, Option<String>) {
    let summary = excerpt(&outcome.summary, LONGEST);
    if let Some(root) = follows(outcome) {
        let why = format!("because of {root}: {summary}");
        return (Kind::Skipped, Some(element("skipped", None, &why, "")));
    }
    let root = root_in(report, outcome);
    let named = root.map(Root::page);
    let kind = named.unwrap_or(&outcome.id);
    let title = root.map_or_else(|| summary.clone(), |root| root.texts(Language::English).title);
    match (outcome.verdict, root) {
        (Verdict::Warn, root) => {
            let text = root.map_or_else(|| seen(&outcome.summary, &outcome.evidence), advice);
            (Kind::Passed, Some(output(&format!("warning: {title}\n\n{text}"))))
        }
        (Verdict::Fail, None) => {
            let text = seen(&outcome.summary, &outcome.evidence);
            (Kind::Failed, Some(element("failure", Some(kind), &title, &text)))
        }
        // A cause may take over what could not be told.
        (Verdict::Fail | Verdict::Unknown, Some(root)) => {
            (Kind::Failed, Some(element("failure", Some(kind), &title, &advice(root))))
        }
        (Verdict::Unknown, None) if counts(report, &outcome.id, &outcome.subject) => {
            (Kind::Error, Some(element("error", Some(kind), &summary, &seen(&summary, &outcome.evidence))))
        }
        (Verdict::Unknown, None) => {
            (Kind::Skipped, Some(element("skipped", None, &format!("could not be told: {summary}"), "")))
        }
        (Verdict::NotApplicable, _) => (Kind::Skipped, Some(element("skipped", None, &summary, ""))),
        (Verdict::Pass, _) => (Kind::Passed, None),
    }
}

/// Whether what could not be told keeps the verdict from being good.
fn counts(report: &Report, id: &str, subject: &Subject) -> bool {
    match report.readiness {
        Some(_) => report.holds.iter().any(|hold| !hold.failed && hold.id == id && hold.subject == *subject),
        None => report.verdict == MachineVerdict::Incomplete && !report.allowed_unverified,
    }
}

/// What could not be told and is no outcome: what was not looked at at all.
fn without_outcome(report: &Report) -> impl Iterator<Item = Outcome> {
    let is_outcome = |untold: &&Unverified| {
        let mut outcomes = report.outcomes.iter();
        outcomes.any(|outcome| outcome.id == untold.id && outcome.subject == untold.subject)
    };
    report.unverified.iter().filter(move |untold| !is_outcome(untold)).map(|untold| Outcome {
        id: untold.id.clone(),
        subject: untold.subject.clone(),
        verdict: Verdict::Unknown,
        summary: untold.why.clone(),
        evidence: Vec::new(),
        root: None,
    })
}

/// Meaning, what was seen, and the fix with its commands.
fn advice(root: &Root) -> String {
    let texts = root.texts(Language::English);
    let mut text =
        format!("{}\n\n{}\nFix:\n{}\n", texts.meaning, seen(&root.summary, &root.evidence), texts.fix);
    for command in &root.fix.commands {
        let _ = writeln!(text, "  {}", excerpt(command, LONGEST));
    }
    if let Some(url) = &root.fix.url {
        let _ = writeln!(text, "See {url}");
    }
    let id = root.page();
    let _ = writeln!(text, "More: gpucheck explain {id}");
    text
}

fn seen(summary: &str, evidence: &[String]) -> String {
    let mut text = format!("Seen: {}\n", clean(&excerpt(summary, LONGEST)));
    for line in evidence {
        let _ = writeln!(text, "- {}", clean(&excerpt(line, LONGEST)));
    }
    text
}

fn element(name: &str, kind: Option<&str>, message: &str, text: &str) -> String {
    let kind = kind.map(|kind| format!(" type=\"{}\"", escape(kind))).unwrap_or_default();
    let head = format!("{name}{kind} message=\"{}\"", escape(&clean(message)));
    if text.is_empty() {
        format!("      <{head}/>\n")
    } else {
        format!("      <{head}>{}</{name}>\n", escape(text))
    }
}

fn output(text: &str) -> String {
    format!("      <system-out>{}</system-out>\n", escape(text))
}

fn properties(report: &Report) -> String {
    let machine = &report.machine;
    let gpus = machine.gpus.iter().map(|gpu| gpu.name.as_deref().unwrap_or("NVIDIA GPU"));
    let gpus = gpus.collect::<Vec<_>>().join(", ");
    let host = [&machine.host.os, &machine.host.linux, &machine.host.cloud];
    let host = host.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(", ");
    let values = [
        ("gpucheck", Some(report.gpucheck.clone())),
        ("taken_at", Some(report.taken_at.clone())),
        ("profile", Some(report.profile.clone())),
        ("verdict", Some(name(&report.verdict))),
        ("readiness", report.readiness.map(|readiness| name(&readiness))),
        ("machine", Some(host).filter(|host| !host.is_empty())),
        ("gpus", Some(gpus).filter(|gpus| !gpus.is_empty())),
    ];
    let mut xml = String::from("    <properties>\n");
    for (name, value) in values {
        let Some(value) = value else { continue };
        let value = escape(&clean(&excerpt(&value, LONGEST)));
        let _ = writeln!(xml, "      <property name=\"{name}\" value=\"{value}\"/>");
    }
    xml.push_str("    </properties>\n");
    xml
}

fn seconds(milliseconds: u64) -> String {
    format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000)
}

/// To the second and without its zone, which is UTC: what readers of JUnit XML take.
fn timestamp(taken_at: &str) -> &str {
    taken_at.get(.."2026-11-26T08:00:00".len()).unwrap_or(taken_at)
}

/// A text as XML 1.0 may have it, in an element and in an attribute between double quotes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_breaks_the_document() {
        assert_eq!(escape("]]>\u{0}\u{1b}\u{ffff}\"&<"), "]]&gt;\u{fffd}\u{fffd}\u{fffd}&quot;&amp;&lt;");
        assert_eq!(escape("a\n\tb"), "a\n\tb");
    }

    #[test]
    fn a_time_is_in_seconds_and_a_date_without_its_zone() {
        assert_eq!([seconds(0), seconds(5_007)], ["0.000", "5.007"]);
        assert_eq!(timestamp("2026-11-26T08:00:01.25Z"), "2026-11-26T08:00:01");
        assert_eq!(timestamp("?"), "?");
    }
}

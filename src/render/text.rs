//! Text, for people: the answer in the first line, then the cause, the fix to paste, the list.
//!
//! Invariants: everything is said in words, colour only repeats it; no control character of a machine's own
//! texts reaches the terminal; commands are never wrapped.

use anstyle::{AnsiColor, Style as Ansi};
use gpucheck_checks::{
    Machine, MachineVerdict, Outcome, PROOFS, PythonSummary, Report, Root, Severity, Subject, Verdict, Who,
};
use textwrap::WordSplitter::NoHyphenation;
use unicode_width::UnicodeWidthStr;

/// Columns that a check's summary gets beside its name; with fewer it goes below.
const NARROWEST_SUMMARY: usize = 40;

/// How to draw.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Columns to stay within.
    pub width: usize,
    /// Use colour.
    pub color: bool,
}

/// The answer: the first line.
pub fn answer(report: &Report) -> String {
    let word = word(report.verdict);
    let rest = match (report.verdict, report.roots.first()) {
        (MachineVerdict::Unusable | MachineVerdict::Degraded, Some(root)) => root.title.clone(),
        (MachineVerdict::Incomplete, _) => incomplete(report),
        (_, _) => usable(report),
    };
    clean(&format!("{word}: {rest}"))
}

fn word(verdict: MachineVerdict) -> &'static str {
    match verdict {
        MachineVerdict::Usable => "USABLE",
        MachineVerdict::Degraded => "USABLE IN PART",
        MachineVerdict::Unusable => "NOT USABLE",
        MachineVerdict::Incomplete => "NOT VERIFIED",
    }
}

fn usable(report: &Report) -> String {
    let machine = &report.machine;
    let mut counted: Vec<(&str, usize)> = Vec::new();
    for gpu in &machine.gpus {
        let name = gpu.name.as_deref().unwrap_or("NVIDIA GPU");
        match counted.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => counted.push((name, 1)),
        }
    }
    let names = counted
        .iter()
        .map(|(name, count)| if *count == 1 { (*name).to_owned() } else { format!("{count} {name}") });
    let names = names.collect::<Vec<_>>().join(" and ");
    let computes = if machine.gpus.len() == 1 { "computes" } else { "compute" };
    let frameworks: Vec<String> = machine
        .pythons
        .iter()
        .filter_map(|python| Some(python.tensorflow.as_ref()?.distribution.clone()))
        .collect();
    if frameworks.is_empty() {
        return format!("{names} {computes}; no TensorFlow was found to try from");
    }
    let them = match machine.gpus.len() {
        1 => "it",
        _ if report.roots.is_empty() => "them",
        _ => "a GPU",
    };
    format!("{names} {computes}, and {} computes on {them}", frameworks.join(" and "))
}

fn incomplete(report: &Report) -> String {
    let proof = report.unverified.iter().find(|unverified| PROOFS.contains(&unverified.id.as_str()));
    match proof.or(report.unverified.first()) {
        Some(first) => format!("{} could not be told: {}", first.id, first.why),
        None => "the checks that would prove the GPU were left out".to_owned(),
    }
}

/// The whole report.
pub fn text(report: &Report, style: Style) -> String {
    let mut page = Page { text: String::new(), style };
    let color = match report.verdict {
        MachineVerdict::Usable => AnsiColor::Green,
        MachineVerdict::Degraded | MachineVerdict::Incomplete => AnsiColor::Yellow,
        MachineVerdict::Unusable => AnsiColor::Red,
    };
    page.line(&page.paint(&answer(report), Ansi::new().bold().fg_color(Some(color.into()))));
    if let Some((first, others)) = report.roots.split_first() {
        let answered = matches!(report.verdict, MachineVerdict::Unusable | MachineVerdict::Degraded);
        if !answered {
            page.heading(&format!("To mend: {}", first.title));
        }
        page.root(first);
        for other in others {
            page.heading(&format!("{}: {}", severity(other.severity), other.title));
            page.root(other);
        }
    }
    page.unverified(report);
    page.checks(report);
    page.machine(&report.machine);
    page.text
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Unusable => "Also not usable",
        Severity::Degraded => "Also to mend",
        Severity::BreaksLater => "Breaks later",
    }
}

struct Page {
    text: String,
    style: Style,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn heading(&mut self, heading: &str) {
        self.line("");
        let options =
            textwrap::Options::new(self.style.width).break_words(false).word_splitter(NoHyphenation);
        for line in textwrap::wrap(&clean(heading), options) {
            self.line(&self.paint(&line, Ansi::new().bold()));
        }
    }

    /// A paragraph, indented by two and wrapped.
    fn paragraph(&mut self, text: &str) {
        self.wrapped("  ", "  ", text);
    }

    fn item(&mut self, text: &str) {
        self.wrapped("  - ", "    ", text);
    }

    fn wrapped(&mut self, first: &str, rest: &str, text: &str) {
        let options = textwrap::Options::new(self.style.width.max(40))
            .initial_indent(first)
            .subsequent_indent(rest)
            .break_words(false)
            .word_splitter(NoHyphenation);
        for line in textwrap::wrap(&clean(text), options) {
            self.line(&line);
        }
    }

    fn paint(&self, text: &str, ansi: Ansi) -> String {
        if self.style.color { format!("{ansi}{text}{ansi:#}") } else { text.to_owned() }
    }

    fn root(&mut self, root: &Root) {
        self.paragraph(&root.meaning);
        self.heading(match root.who {
            Who::Student => "Fix",
            Who::Instructor => "Fix, for whoever made this machine",
            Who::ImageBaker => "Fix, for whoever builds the image",
            Who::Platform => "Fix, for whoever runs the hardware or the cloud",
        });
        self.paragraph(&root.fix.text);
        if !root.fix.commands.is_empty() {
            self.line("");
        }
        for command in &root.fix.commands {
            self.line(&format!("      {}", clean(command)));
        }
        if let Some(url) = &root.fix.url {
            self.paragraph(&format!("See {url}"));
        }
        self.heading("Seen");
        self.item(&root.summary);
        for evidence in &root.evidence {
            self.item(evidence);
        }
        let name = root.cause.as_deref().unwrap_or(&root.id);
        self.paragraph(&format!("More: gpucheck explain {name}"));
    }

    fn unverified(&mut self, report: &Report) {
        if report.verdict != MachineVerdict::Incomplete || report.unverified.is_empty() {
            return;
        }
        self.heading("Could not be told");
        for unverified in &report.unverified {
            let about = match &unverified.subject {
                Subject::Host => String::new(),
                subject @ (Subject::Gpu(_) | Subject::Python(_) | Subject::Notebook(_)) => {
                    format!(" ({subject})")
                }
            };
            self.item(&format!("{}{about}: {}", unverified.id, unverified.why));
        }
    }

    /// What each check found; consequences are only named, after the failure that they follow from.
    fn checks(&mut self, report: &Report) {
        let of_python =
            |outcome: &&Outcome| matches!(outcome.subject, Subject::Python(_) | Subject::Notebook(_));
        let width = report.outcomes.iter().map(|outcome| outcome.id.width()).max().unwrap_or(0);
        let many_gpus = report.machine.gpus.len() > 1;
        if report.outcomes.iter().any(|outcome| !of_python(&outcome)) {
            self.heading("Checks");
        }
        for outcome in report.outcomes.iter().filter(|outcome| !of_python(outcome)) {
            let about = match &outcome.subject {
                Subject::Gpu(address) if many_gpus => format!("{address}: "),
                Subject::Gpu(_) | Subject::Host | Subject::Python(_) | Subject::Notebook(_) => String::new(),
            };
            self.outcome(outcome, width, &about);
        }
        self.not_applicable(report, &Subject::Host);
        for python in &report.machine.pythons {
            let here = Subject::Python(python.path.clone());
            self.heading(&format!("Checks in {}", python.path));
            for outcome in report.outcomes.iter().filter(|outcome| outcome.subject == here) {
                self.outcome(outcome, width, "");
            }
            self.not_applicable(report, &here);
        }
        for root in report.roots.iter().filter(|root| !root.explains.is_empty()) {
            self.line("");
            self.paragraph(&format!(
                "Not judged or failed because of {}: {}",
                root.id,
                root.explains.join(", ")
            ));
        }
    }

    /// What has nothing to be about here, each reason once.
    fn not_applicable(&mut self, report: &Report, subject: &Subject) {
        let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
        for outcome in &report.outcomes {
            if outcome.verdict == Verdict::NotApplicable && outcome.subject == *subject {
                match reasons.iter_mut().find(|(reason, _)| *reason == outcome.summary) {
                    Some((_, ids)) => ids.push(&outcome.id),
                    None => reasons.push((&outcome.summary, vec![&outcome.id])),
                }
            }
        }
        for (reason, ids) in reasons {
            self.wrapped("  n/a      ", "           ", &format!("{reason}: {}", ids.join(", ")));
        }
    }

    fn outcome(&mut self, outcome: &Outcome, width: usize, about: &str) {
        let follows = outcome.root.as_ref().is_some_and(|root| *root != outcome.id);
        if follows || outcome.verdict == Verdict::NotApplicable {
            return;
        }
        let (status, color) = status(outcome);
        let status = self.paint(&format!("{status:7}"), Ansi::new().fg_color(color.map(Into::into)));
        let column = 2 + 7 + 2 + width + 2;
        let head = format!("  {status}  {:width$}", outcome.id);
        let body = format!("{about}{}", outcome.summary);
        if self.style.width < column + NARROWEST_SUMMARY {
            self.line(&head);
            let indent = " ".repeat(11);
            self.wrapped(&indent, &indent, &body);
            return;
        }
        let room = self.style.width - column;
        let options = textwrap::Options::new(room).break_words(false).word_splitter(NoHyphenation);
        for (index, line) in textwrap::wrap(&clean(&body), options).iter().enumerate() {
            let head = if index == 0 { format!("{head}  ") } else { " ".repeat(column) };
            self.line(&format!("{head}{line}"));
        }
    }

    fn machine(&mut self, machine: &Machine) {
        self.heading("Machine");
        let host = &machine.host;
        let linux = host.linux.as_ref().map(|release| format!("Linux {release}"));
        let virtualization = host.hypervisor.as_ref().map(|name| format!("virtual machine ({name})"));
        let container = host.container.as_ref().map(|name| format!("{name} container"));
        let parts = [host.os.clone(), linux, host.cloud.clone(), virtualization, container];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        self.item(&if parts.is_empty() { "not looked at".to_owned() } else { parts.join(", ") });
        for gpu in &machine.gpus {
            let name = gpu.name.as_deref().unwrap_or("NVIDIA GPU");
            let memory = gpu.memory.map(|bytes| format!(", {} MiB", bytes >> 20)).unwrap_or_default();
            let capability = gpu
                .compute_capability
                .as_ref()
                .map(|c| format!(", compute capability {c}"))
                .unwrap_or_default();
            self.item(&format!("{name} at {}{memory}{capability}", gpu.address));
        }
        if let Some(version) = machine.driver.version.as_ref().or(machine.driver.module.as_ref()) {
            let cuda =
                machine.driver.cuda.as_ref().map(|cuda| format!(", CUDA up to {cuda}")).unwrap_or_default();
            self.item(&format!("NVIDIA driver {version}{cuda}"));
        }
        for python in &machine.pythons {
            self.item(&describe(python));
        }
    }
}

fn describe(python: &PythonSummary) -> String {
    let version = python.version.as_ref().map(|version| format!("Python {version}, ")).unwrap_or_default();
    let tensorflow = match &python.tensorflow {
        None => "no TensorFlow seen".to_owned(),
        Some(tensorflow) if tensorflow.devices.is_empty() => {
            format!("{}, no devices listed", tensorflow.distribution)
        }
        Some(tensorflow) => format!("{}, lists {}", tensorflow.distribution, tensorflow.devices.join(" ")),
    };
    format!("{}: {version}{tensorflow}", python.path)
}

fn status(outcome: &Outcome) -> (&'static str, Option<AnsiColor>) {
    match outcome.verdict {
        Verdict::Pass => ("ok", Some(AnsiColor::Green)),
        Verdict::Warn => ("warning", Some(AnsiColor::Yellow)),
        Verdict::Fail => ("FAILED", Some(AnsiColor::Red)),
        Verdict::Unknown => ("unknown", Some(AnsiColor::Yellow)),
        Verdict::NotApplicable => ("", None),
    }
}

/// A text of a machine as a terminal may have it: on one line, without control characters and without those that turn
/// the direction of what follows.
fn clean(text: &str) -> String {
    let turns =
        |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let clean = |c: char| match c {
        '\n' | '\t' => ' ',
        c if c.is_control() || turns(c) => '\u{fffd}',
        c => c,
    };
    text.chars().map(clean).collect()
}

//! Text, for people: the answer first, then the cause, the fix to paste, the list.
//!
//! Invariants: everything is said in words, colour only repeats it; the words are the catalogue's; commands are never
//! wrapped.

use super::{
    answer::{answer, named},
    class, machine, outline,
    page::{Page, Style, blanks, clean, pad},
    publish,
    tone::Tone,
    usable_from, word,
};
use anstyle::{AnsiColor, Style as Ansi};
use gpucheck_checks::{
    HeadingWords, Language, MachineVerdict, Outcome, Report, Root, Severity, StatusWords, Subject, Texts,
    Verdict, Words,
};
use unicode_width::UnicodeWidthStr;

/// Columns that a check's summary gets beside its name; with fewer it goes below.
const NARROWEST_SUMMARY: usize = 40;

/// The whole report.
pub fn text(report: &Report, style: Style, language: Language) -> String {
    let page = Page { text: String::new(), style };
    let mut text = Text { page, language, words: language.words() };
    text.report(report);
    text.page.text
}

/// A report that is being written.
struct Text {
    page: Page,
    language: Language,
    words: &'static Words,
}

impl Text {
    fn report(&mut self, report: &Report) {
        let answer = answer(report, self.language);
        let color = match Tone::of(report) {
            Tone::Good => AnsiColor::Green,
            Tone::Warning => AnsiColor::Yellow,
            Tone::Bad => AnsiColor::Red,
        };
        self.page.painted(&answer, Ansi::new().bold().fg_color(Some(color.into())));
        if let Some(drift) = &report.drift {
            super::drift::write(&mut self.page, report, drift, self.language);
        }
        if let Some((first, others)) = report.roots.split_first() {
            let texts = first.texts(self.language);
            if named(report).is_none() {
                self.page.heading(&self.words.heading.to_mend.with(&[("title", &texts.title)]));
            } else if report.drift.is_some() {
                self.page.line("");
            }
            self.root(first, &texts);
            for other in others {
                let texts = other.texts(self.language);
                self.page.heading(&further(other.severity, &texts.title, &self.words.heading));
                self.root(other, &texts);
            }
        }
        usable_from::write(&mut self.page, report, self.language);
        class::write(&mut self.page, report, self.language);
        self.unverified(report);
        // Whoever asks what changed is told that; `gpucheck` alone lists every check.
        if report.drift.is_none() {
            self.checks(report);
            self.page.heading(&self.words.heading.machine);
            for line in machine::lines(&report.machine, self.language) {
                self.page.item(&line);
            }
        }
        if let Some(readiness) = report.readiness {
            publish::end(&mut self.page, report, readiness, self.language);
        }
    }

    fn root(&mut self, root: &Root, texts: &Texts) {
        let words = &self.words.heading;
        self.page.paragraph(&texts.meaning);
        self.page.heading(word::fix_heading(root.who, &words.fix));
        self.page.paragraph(&texts.fix);
        if !root.fix.commands.is_empty() {
            self.page.line("");
        }
        for command in &root.fix.commands {
            self.page.line(&format!("      {}", clean(command)));
        }
        if let Some(url) = &root.fix.url {
            self.page.paragraph(&words.see.with(&[("url", url)]));
        }
        self.page.heading(&words.seen);
        self.page.item(&root.summary);
        for evidence in &root.evidence {
            self.page.item(evidence);
        }
        let id = root.page();
        self.page.paragraph(&words.more.with(&[("id", id)]));
    }

    fn unverified(&mut self, report: &Report) {
        let of_image = report.profile == "bake";
        // Of a template or an image each counts, and some is no outcome of a check.
        let counts = report.verdict == MachineVerdict::Incomplete || of_image || report.readiness.is_some();
        if report.unverified.is_empty() || !counts {
            return;
        }
        let words = &self.words.heading;
        self.page.heading(if of_image { &words.not_tried } else { &words.untold });
        for line in outline::untold(report) {
            self.page.item(&line);
        }
    }

    /// What each check found; consequences are only named, after the failure that they follow from.
    fn checks(&mut self, report: &Report) {
        let words = &self.words.heading;
        let of_python =
            |outcome: &&Outcome| matches!(outcome.subject, Subject::Python(_) | Subject::Notebook(_));
        let columns = Columns::of(report, &self.words.status);
        let many_gpus = report.machine.gpus.len() > 1;
        if report.outcomes.iter().any(|outcome| !of_python(&outcome)) {
            self.page.heading(&words.checks);
        }
        for outcome in report.outcomes.iter().filter(|outcome| !of_python(outcome)) {
            let about = match &outcome.subject {
                Subject::Gpu(address) if many_gpus => format!("{address}: "),
                Subject::Gpu(_) | Subject::Host | Subject::Python(_) | Subject::Notebook(_) => String::new(),
            };
            self.outcome(outcome, columns, &about);
        }
        self.not_applicable(report, &Subject::Host, columns);
        for python in &report.machine.pythons {
            let here = Subject::Python(python.name.clone());
            self.page.heading(&words.checks_in.with(&[("python", &python.name)]));
            for outcome in report.outcomes.iter().filter(|outcome| outcome.subject == here) {
                self.outcome(outcome, columns, "");
            }
            self.not_applicable(report, &here, columns);
        }
        let of_notebook = |outcome: &&Outcome| matches!(outcome.subject, Subject::Notebook(_));
        let notebooks: Vec<&Outcome> = report.outcomes.iter().filter(of_notebook).collect();
        if notebooks.iter().any(|outcome| outcome.verdict != Verdict::NotApplicable) {
            self.page.heading(&words.checks_of_notebooks);
        }
        for outcome in notebooks {
            self.outcome(outcome, columns, &format!("{}: ", outcome.subject));
        }
        for root in report.roots.iter().filter(|root| !root.explains.is_empty()) {
            self.page.line("");
            let ids = root.explains.join(", ");
            self.page.paragraph(&words.because_of.with(&[("root", &root.id), ("ids", &ids)]));
        }
    }

    /// What has nothing to be about here, each reason once.
    fn not_applicable(&mut self, report: &Report, subject: &Subject, columns: Columns) {
        let here = report.outcomes.iter().filter(|outcome| outcome.subject == *subject);
        let status = pad(&self.words.status.not_applicable, columns.status);
        for (reason, ids) in outline::not_applicable(here) {
            let text = format!("{reason}: {}", ids.join(", "));
            self.page.wrapped(&format!("  {status}  "), &blanks(columns.id()), &text);
        }
    }

    fn outcome(&mut self, outcome: &Outcome, columns: Columns, about: &str) {
        if outline::follows(outcome).is_some() || outcome.verdict == Verdict::NotApplicable {
            return;
        }
        let (status, color) = status(outcome.verdict, &self.words.status);
        let status =
            self.page.paint(&pad(status, columns.status), Ansi::new().fg_color(color.map(Into::into)));
        let body = format!("{about}{}", outcome.summary);
        let width = self.page.style.width;
        let room = width.saturating_sub(columns.summary());
        if room >= NARROWEST_SUMMARY && room >= longest_word(&body) {
            let head = format!("  {status}  {}  ", pad(&outcome.id, columns.name));
            self.page.wrapped(&head, &blanks(columns.summary()), &body);
        } else if width >= columns.id() + columns.name {
            self.page.line(&format!("  {status}  {}", outcome.id));
            let indent = blanks(columns.id());
            self.page.wrapped(&indent, &indent, &body);
        } else {
            self.page.line(&format!("  {}", outcome.id));
            self.page.wrapped(&format!("    {status}  "), &blanks(columns.id() + 2), &body);
        }
    }
}

/// How wide what stands in a line before a check's summary is, in columns of a terminal.
#[derive(Clone, Copy)]
struct Columns {
    status: usize,
    name: usize,
}

impl Columns {
    fn of(report: &Report, words: &StatusWords) -> Self {
        let widest = |widths: &mut dyn Iterator<Item = usize>| widths.max().unwrap_or(0);
        Self {
            status: widest(&mut words.all().iter().map(|word| word.width())),
            name: widest(&mut report.outcomes.iter().map(|outcome| outcome.id.width())),
        }
    }

    /// Where ids begin.
    fn id(self) -> usize {
        2 + self.status + 2
    }

    /// Where summaries begin.
    fn summary(self) -> usize {
        self.id() + self.name + 2
    }
}

fn longest_word(text: &str) -> usize {
    text.split(' ').map(UnicodeWidthStr::width).max().unwrap_or(0)
}

fn further(severity: Severity, title: &str, words: &HeadingWords) -> String {
    let phrase = match severity {
        Severity::Unusable => &words.also_unusable,
        Severity::Degraded => &words.also_to_mend,
        Severity::BreaksLater => &words.breaks_later,
    };
    phrase.with(&[("title", title)])
}

fn status(verdict: Verdict, words: &StatusWords) -> (&str, Option<AnsiColor>) {
    let color = match verdict {
        Verdict::Pass => Some(AnsiColor::Green),
        Verdict::Warn | Verdict::Unknown => Some(AnsiColor::Yellow),
        Verdict::Fail => Some(AnsiColor::Red),
        Verdict::NotApplicable => None,
    };
    (word::status(verdict, words), color)
}

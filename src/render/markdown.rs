//! A summary for a pull request, in Markdown of GitHub's flavour.
//!
//! Invariants: no text of a machine becomes markup, mentions anybody or links anywhere; it is never longer than what GitHub
//! takes, and what is left out is counted.

mod escape;
mod seats;

use super::{
    answer::Answer,
    class, machine,
    outline::{self, Part, about, excerpt, follows},
    page::clean,
    publish,
    tone::Tone,
    usable_from::{self, Table},
    word,
};
use escape::escape;
use gpucheck_checks::{Language, Outcome, Report, Root, Words};
pub use seats::seats_markdown;

/// Longest body of a pull request or of a comment that GitHub takes, in characters. Bytes are never fewer.
const LONGEST_BODY: usize = 65_536;
/// Longest text of a machine that is shown, in characters: as a rule, and where that is too much.
const LONGEST: [usize; 3] = [600, 150, 40];
/// Longest command, in characters; a longer one is left out, for a part of it must not be run.
const LONGEST_COMMAND: usize = 4_000;
/// How long each part may become, in bytes: together less than [`LONGEST_BODY`].
const ROOTS: usize = 10_000;
const COMMANDS: usize = 6_000;
const KERNELS: usize = 8_000;
const NOTEBOOKS: usize = 5_000;
const CHANGES: usize = 3_000;
const OTHER_ROOTS: usize = 8_000;
const UNTOLD: usize = 5_000;
const CHECKS: usize = 7_000;
const MACHINE: usize = 4_000;
/// Until when consequences are named, in bytes of all that stands before.
const CONSEQUENCES: usize = 56_000;

/// The report as Markdown.
pub fn markdown(report: &Report, language: Language) -> String {
    let cut = |longest| whole(report, language, Cut(longest));
    // Only texts of nothing but marks need more room than there is.
    let [usual, short, shortest] = LONGEST;
    [usual, short]
        .into_iter()
        .map(cut)
        .find(|text| text.len() <= LONGEST_BODY)
        .unwrap_or_else(|| cut(shortest))
}

fn whole(report: &Report, language: Language, cut: Cut) -> String {
    let mut summary = Summary { text: String::new(), cut, words: language.words(), language };
    summary.answer(report);
    summary.drift(report);
    summary.roots(report);
    if let Some(root) = first(report) {
        let meaning = root.texts(language).meaning;
        summary.line(&format!("{}\n", cut.short(&meaning)));
        summary.fix(root, COMMANDS);
    }
    summary.usable_from(report);
    summary.class(report);
    summary.rest(report);
    summary.text
}

/// The root whose fix stands in the open: the one that the answer names.
fn first(report: &Report) -> Option<&Root> {
    super::answer::named(report).or(report.roots.first())
}

/// A summary that is being written.
struct Summary {
    text: String,
    cut: Cut,
    language: Language,
    words: &'static Words,
}

impl Summary {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Lines, as long as they have room; then how many more there are.
    fn lines(&mut self, room: usize, lines: impl Iterator<Item = String>, more: impl Fn(&str) -> String) {
        let mut left = room;
        let mut left_out = 0_usize;
        for line in lines {
            match left.checked_sub(line.len() + 1) {
                Some(less) if left_out == 0 => {
                    left = less;
                    self.line(&line);
                }
                Some(_) | None => left_out += 1,
            }
        }
        if left_out > 0 {
            let count = self.words.page.more.with(&[("count", &left_out.to_string())]);
            self.line(&more(&count));
        }
    }

    fn answer(&mut self, report: &Report) {
        let cut = self.cut;
        let Answer { verdict, rest } = Answer::of(report, self.language);
        let mark = match Tone::of(report) {
            Tone::Good => '\u{2705}',
            Tone::Warning => '\u{26a0}',
            Tone::Bad => '\u{274c}',
        };
        let command = word::command(&report.profile);
        self.line(&format!("### {mark} {}: {}\n", cut.short(&command), cut.short(&verdict)));
        self.line(&format!("**{}**\n", cut.short(&rest)));
    }

    fn roots(&mut self, report: &Report) {
        let cut = self.cut;
        let words = &self.words.page;
        if report.roots.is_empty() {
            return;
        }
        self.line(&format!("| {} | {} | {} |\n| --- | --- | --- |", words.when, words.whose, words.what));
        let rows = report.roots.iter().map(|root| {
            let when = word::severity(root.severity, &words.severity);
            let title = root.texts(self.language).title;
            let about = about(&root.subject).filter(|subject| !title.contains(subject.as_str()));
            let about = about.map(|subject| format!(" ({})", cut.short(&subject))).unwrap_or_default();
            format!("| {when} | {} | {}{about} |", word::who(root.who, &words.who), cut.short(&title))
        });
        let rows: Vec<String> = rows.collect();
        self.lines(ROOTS, rows.into_iter(), |count| format!("| | | {count} |"));
        self.line("");
    }

    /// What to do about a root, with the commands in a block of their own.
    fn fix(&mut self, root: &Root, most: usize) {
        let cut = self.cut;
        let texts = root.texts(self.language);
        let heading = word::fix_heading(root.who, &self.words.heading.fix);
        self.line(&format!("**{heading}:** {}\n", cut.short(&texts.fix)));
        let is_whole = |command: &String| command.chars().count() <= LONGEST_COMMAND;
        let commands: Vec<String> = root.fix.commands.iter().map(|command| clean(command)).collect();
        if let Some(commands) = Some(&commands).filter(|commands| commands.iter().any(is_whole)) {
            // Longer than any fence in it.
            let fence =
                "`".repeat(commands.iter().map(|command| backticks(command)).max().unwrap_or(0).max(2) + 1);
            self.line(&format!("{fence}sh"));
            self.lines(most, commands.iter().filter(|command| is_whole(command)).cloned(), |count| {
                format!("# {count}")
            });
            self.line(&format!("{fence}\n"));
        }
        if let Some(url) = &root.fix.url {
            // An address links itself, as long as nothing in it is escaped.
            let is_address =
                url.starts_with("https://") && !url.contains([' ', '<', '>', '|', '`', '@', '\n']);
            let url = if is_address { clean(url) } else { cut.short(url) };
            self.line(&format!("{}\n", self.words.heading.see.with(&[("url", &url)])));
        }
    }

    fn usable_from(&mut self, report: &Report) {
        let cut = self.cut;
        let words = &self.words.page;
        for Table { heading, of_kernels, rows } in usable_from::tables(report, self.language) {
            let head = if of_kernels { &words.kernel } else { &words.python };
            self.line(&format!("**{heading}**\n"));
            self.line(&format!("| {head} | {} | {} |\n| --- | --- | --- |", words.gpu, words.with_what));
            let lines: Vec<String> = rows
                .iter()
                .map(|row| {
                    let name = cut.short(&usable_from::name(row, &rows, self.language));
                    let answer = word::usable(row.usable, &self.words.usable);
                    let body = cut.short(&usable_from::body(report, row, self.language));
                    format!("| {name} | {answer} | {body} |")
                })
                .collect();
            self.lines(KERNELS / 2, lines.into_iter(), |count| format!("| {count} | | |"));
            self.line("");
        }
    }

    fn drift(&mut self, report: &Report) {
        let cut = self.cut;
        for Part { heading, items } in outline::drift(report, self.language) {
            self.line(&format!("**{}**\n", cut.short(&heading)));
            let lines = items.iter().map(|(text, below)| {
                let lines = std::iter::once(cut.item(text)).chain(below.iter().map(|line| cut.short(line)));
                lines.collect::<Vec<_>>().join("<br>")
            });
            self.lines(CHANGES, lines, |count| format!("- {count}"));
            self.line("");
        }
    }

    fn class(&mut self, report: &Report) {
        let cut = self.cut;
        let (words, class_words) = (&self.words.page, &self.words.class);
        if let Some(summary) = report.class.as_ref().filter(|summary| !summary.notebooks.is_empty()) {
            self.line(&format!("**{}**\n", class_words.notebooks));
            self.line(&format!(
                "| {} | {} | {} |\n| --- | --- | --- |",
                words.notebook, words.ran, words.how
            ));
            let rows = summary.notebooks.iter().map(|row| {
                let row = class::notebook(row, class_words);
                format!("| {} | {} | {} |", cut.short(&row.name), cut.short(&row.word), cut.short(&row.rest))
            });
            self.lines(NOTEBOOKS, rows, |count| format!("| {count} | | |"));
            self.line("");
            if summary.more > 0 {
                self.line(&format!("{}\n", class_words.more.with(&[("count", &summary.more.to_string())])));
            }
        }
        if let Some(cost) = &report.cost {
            let (sum, units) = publish::cost(cost, &self.words.publish);
            self.line(&format!("**{}** {}\n", cut.short(&sum), cut.short(&units.unwrap_or_default())));
        }
    }

    fn rest(&mut self, report: &Report) {
        let cut = self.cut;
        let words = self.words;
        self.line(&format!("<details>\n<summary>{}</summary>\n", words.page.rest));
        let shown = first(report);
        let mut others =
            report.roots.iter().filter(|root| !shown.is_some_and(|shown| std::ptr::eq(shown, *root)));
        let start = self.text.len();
        let mut left_out = 0_usize;
        for root in others.by_ref() {
            let room = OTHER_ROOTS.saturating_sub(self.text.len() - start);
            let before = self.text.len();
            self.line(&format!("**{}**\n", cut.short(&root.texts(self.language).title)));
            self.fix(root, COMMANDS);
            if left_out > 0 || self.text.len() - before > room {
                self.text.truncate(before);
                left_out += 1;
            }
        }
        if left_out > 0 {
            let count = words.page.more.with(&[("count", &left_out.to_string())]);
            self.line(&format!("{count}\n"));
        }
        self.unverified(report);
        self.checks(report);
        self.line(&format!("**{}**\n", words.heading.machine));
        let machine = machine::lines(&report.machine, self.language);
        self.lines(MACHINE, machine.iter().map(|line| cut.item(line)), |count| format!("- {count}"));
        let taken = words.page.taken.with(&[("time", &report.taken_at)]);
        let about = cut.short(&format!("{taken}, gpucheck {}", report.gpucheck));
        self.line(&format!("\n</details>\n\n<sub>{about}</sub>"));
    }

    fn unverified(&mut self, report: &Report) {
        let cut = self.cut;
        if report.unverified.is_empty() {
            return;
        }
        let words = &self.words.heading;
        let heading = if report.profile == "bake" { &words.not_tried } else { &words.untold };
        self.line(&format!("**{heading}**\n"));
        let lines = outline::untold(report);
        self.lines(UNTOLD, lines.iter().map(|line| cut.item(line)), |count| format!("- {count}"));
        self.line("");
    }

    /// The checks that came out as something else than well; consequences are only named.
    fn checks(&mut self, report: &Report) {
        let words = &self.words.page;
        let all = words.all_checks.with(&[("count", &report.outcomes.len().to_string())]);
        self.line(&format!("**{all}**\n"));
        let counted = outline::counts(&report.outcomes)
            .into_iter()
            .map(|(verdict, count)| format!("{} {count}", word::status(verdict, &self.words.status)));
        let counted = counted.collect::<Vec<_>>().join(", ");
        self.line(&format!("{counted}\n"));
        let is_told = |outcome: &&Outcome| outline::is_trouble(outcome) && follows(outcome).is_none();
        let troubled: Vec<&Outcome> = report.outcomes.iter().filter(is_told).collect();
        if troubled.is_empty() {
            return;
        }
        self.line(&format!("| {} | {} | {} |\n| --- | --- | --- |", words.check, words.result, words.seen));
        let rows: Vec<String> = troubled.iter().map(|outcome| self.check(outcome)).collect();
        self.lines(CHECKS, rows.into_iter(), |count| format!("| {count} | | |"));
        self.line("");
        for root in report.roots.iter().filter(|root| !root.explains.is_empty()) {
            let ids = root.explains.join(", ");
            let because = self.words.heading.because_of.with(&[("root", &root.id), ("ids", &ids)]);
            self.consequences(&because);
        }
    }

    fn consequences(&mut self, because: &str) {
        let cut = self.cut;
        if self.text.len() < CONSEQUENCES {
            self.line(&format!("{}\n", cut.short(because)));
        }
    }

    fn check(&self, outcome: &Outcome) -> String {
        let cut = self.cut;
        let below =
            about(&outcome.subject).map(|below| format!("<br>{}", cut.short(&below))).unwrap_or_default();
        let status = word::status(outcome.verdict, &self.words.status);
        format!("| {}{below} | {status} | {} |", cut.short(&outcome.id), cut.short(&outcome.summary))
    }
}

/// How much of a text of a machine is shown, in characters.
#[derive(Clone, Copy)]
struct Cut(usize);

impl Cut {
    fn short(self, text: &str) -> String {
        escape(&excerpt(text, self.0))
    }

    fn item(self, text: &str) -> String {
        format!("- {}", self.short(text))
    }
}

/// The longest run of backticks.
fn backticks(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

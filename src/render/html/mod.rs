//! A page to keep, to send and to print: one file that asks for nothing else.
//!
//! Invariants: no other file, no network; without its small script everything can still be read and selected; what colour
//! says, words say too; headings go down by one level, and the tab key goes in the order of reading; the machine's own
//! English is marked as such in a page of another language.

mod banner;
mod changes;
mod checks;
mod class;
mod finding;
mod fragment;
mod markup;
mod policy;
mod seats;
mod tables;

pub use fragment::fragment;

use super::{answer::Answer, machine, outline::excerpt, word};
use gpucheck_checks::{Language, Report, Words};
use markup::{Attribute, Markup};
use policy::policy;
pub use seats::seats_html;

/// How the page looks.
const STYLE: &str = include_str!("page.css");
/// What copies commands.
const SCRIPT: &str = include_str!("page.js");
/// Longest text of a machine that is shown, in characters.
const LONGEST: usize = 1_500;

/// The report as one HTML file.
pub fn html(report: &Report, language: Language) -> String {
    let mut page = Page::new(language, false);
    page.document(report);
    page.markup.into_string()
}

/// A page that is being written.
struct Page {
    markup: Markup,
    language: Language,
    words: &'static Words,
    /// It stands within another page, whose headings and ids are not ours and where no script of ours runs.
    embedded: bool,
}

impl Page {
    fn new(language: Language, embedded: bool) -> Self {
        Self { markup: Markup::default(), language, words: language.words(), embedded }
    }

    fn document(&mut self, report: &Report) {
        let verdict = Answer::of(report, self.language).verdict;
        self.begin(&format!("{verdict} - {} - {}", word::command(&report.profile), report.taken_at));
        self.banner(report);
        self.markup.own("<main>\n");
        self.drift(report);
        self.findings(report);
        self.usable_from(report);
        self.class(report);
        self.measured(report);
        self.unverified(report);
        self.next(report);
        self.machine(report);
        self.checks(report);
        let taken = self.words.page.taken.with(&[("time", &report.taken_at)]);
        self.end(&format!("{taken}, gpucheck {}", report.gpucheck));
    }

    /// The end of the page: where it comes from, and what copies commands.
    fn end(&mut self, about: &str) {
        self.markup.own("</main>\n<footer>\n");
        self.markup.element("p", &[], &excerpt(about, LONGEST));
        self.markup.own("</footer>\n<p class=\"spoken\" role=\"status\" aria-live=\"polite\"></p>\n<script>");
        self.markup.own(SCRIPT);
        self.markup.own("</script>\n</body>\n</html>\n");
    }

    /// The beginning of the page, up to what is shown.
    fn begin(&mut self, title: &str) {
        let policy = policy();
        self.markup.own("<!doctype html>\n");
        self.markup.open("html", &[("lang", code(self.language))]);
        self.markup.own("\n<head>\n<meta charset=\"utf-8\">\n");
        let content = [("http-equiv", "Content-Security-Policy"), ("content", policy.as_str())];
        // A policy holds for what stands after it.
        self.markup.open("meta", &content);
        self.markup.own(
            "\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <meta name=\"referrer\" content=\"no-referrer\">\n\
             <meta name=\"robots\" content=\"noindex\">\n",
        );
        self.markup.element("title", &[], &excerpt(title, LONGEST));
        self.markup.own("<style>");
        self.markup.own(STYLE);
        self.markup.own("</style>\n</head>\n<body>\n");
    }

    fn machine(&mut self, report: &Report) {
        let lines = machine::lines(&report.machine, self.language);
        self.section("machine", &self.words.heading.machine.clone(), |page| {
            page.list("panel", &lines);
        });
    }

    /// A part of the page under a heading of its own.
    fn section(&mut self, id: &'static str, heading: &str, write: impl FnOnce(&mut Self)) {
        if self.embedded {
            self.markup.open("section", &[("aria-label", heading)]);
            self.markup.line();
            self.heading("h2", heading);
        } else {
            self.markup.open("section", &[("aria-labelledby", id)]);
            self.markup.line();
            self.markup.element("h2", &[("id", id)], heading);
        }
        write(self);
        self.markup.close("section");
    }

    /// A heading; within another page a line that looks like one, for that page lists its own.
    fn heading(&mut self, level: &'static str, text: &str) {
        if self.embedded {
            self.markup.open("p", &[("class", level)]);
            self.markup.inline("strong", &[], text);
            self.markup.own("</p>\n");
        } else {
            self.markup.element(level, &[], text);
        }
    }

    fn list(&mut self, class: &'static str, lines: &[String]) {
        self.markup.open("ul", &[("class", class)]);
        self.markup.line();
        for line in lines {
            self.markup.element("li", &[], &excerpt(line, LONGEST));
        }
        self.markup.close("ul");
    }

    /// An element whose text is the machine's own, which is English.
    fn english(&mut self, name: &'static str, attributes: &[Attribute<'_>], text: &str) {
        let lang = [("lang", "en")];
        let lang = if self.language == Language::English { &[][..] } else { &lang[..] };
        self.markup.element(name, &[attributes, lang].concat(), &excerpt(text, LONGEST));
    }
}

/// The language as browsers know it.
fn code(language: Language) -> &'static str {
    match language {
        Language::English => "en",
        Language::Korean => "ko",
    }
}

//! What a notebook shows below its cell: the parts of the page that say whether, from where, why not and what to do.
//!
//! Invariants: it has one element around it, and its style reaches nothing else; no script, no ids, no headings, no other
//! file; its colours are those of the page around it, or such as can be read on light and on dark. Without its style, which
//! a notebook that is not trusted takes away, it reads all the same.

use super::{
    super::{answer::Answer, outline::excerpt, tone::Tone},
    LONGEST, Page, code,
};
use gpucheck_checks::{Language, Report};

/// How it looks.
const STYLE: &str = include_str!("fragment.css");

/// The report as an element to stand in another page.
pub fn fragment(report: &Report, language: Language) -> String {
    let mut page = Page::new(language, true);
    page.fragment(report);
    page.markup.into_string()
}

impl Page {
    fn fragment(&mut self, report: &Report) {
        self.markup.open("div", &[("class", "gpucheck"), ("lang", code(self.language))]);
        self.markup.own("\n<style>");
        self.markup.own(STYLE);
        self.markup.own("</style>\n");
        let answer = Answer::of(report, self.language);
        let class = format!("banner {}", Tone::of(report).class());
        self.markup.open("p", &[("class", &class)]);
        self.markup.inline("strong", &[], &answer.verdict);
        self.markup.own(": ");
        self.markup.text(&excerpt(&answer.rest, LONGEST));
        self.markup.own("</p>\n");
        self.usable_from(report);
        self.measured(report);
        if !report.roots.is_empty() {
            self.findings(report);
        }
        self.unverified(report);
        let taken = self.words.page.taken.with(&[("time", &report.taken_at)]);
        let about = format!("{taken}, gpucheck {}", report.gpucheck);
        self.markup.element("p", &[("class", "small")], &excerpt(&about, LONGEST));
        self.markup.own("</div>\n");
    }
}

//! What is wrong, worst first, each with its fix to copy; and what could not be told.

use super::{
    super::{
        outline::{self, about, excerpt},
        page::clean,
        tone::Tone,
        word,
    },
    LONGEST, Page,
};
use gpucheck_checks::{Report, Root, Severity, Texts};

impl Page {
    pub(super) fn findings(&mut self, report: &Report) {
        let heading = self.words.page.to_mend.clone();
        self.section("to-mend", &heading, |page| {
            for root in &report.roots {
                page.finding(root);
            }
            if report.roots.is_empty() {
                page.markup.element("p", &[], &page.words.page.nothing_to_mend);
            }
        });
    }

    fn finding(&mut self, root: &Root) {
        let texts = root.texts(self.language);
        let words = self.words;
        let tone = match root.severity {
            Severity::Unusable => Tone::Bad,
            Severity::Degraded | Severity::BreaksLater => Tone::Warning,
        };
        self.markup.open("article", &[("class", &format!("finding {}", tone.class()))]);
        self.markup.own("\n<p class=\"when\">");
        if !self.embedded {
            self.markup.own(tone.icon());
        }
        self.markup.inline("span", &[], word::severity(root.severity, &words.page.severity));
        self.markup.own("</p>\n");
        self.heading("h3", &excerpt(&texts.title, LONGEST));
        if let Some(subject) = about(&root.subject) {
            let about = words.page.about.with(&[("subject", &subject)]);
            self.markup.element("p", &[("class", "about")], &excerpt(&about, LONGEST));
        }
        self.markup.element("p", &[], &excerpt(&texts.meaning, LONGEST));
        self.fix(root, &texts);
        self.heading("h4", &words.heading.seen);
        self.markup.own("<ul class=\"seen\">\n");
        for seen in std::iter::once(&root.summary).chain(&root.evidence) {
            self.english("li", &[], seen);
        }
        self.markup.own("</ul>\n");
        let id = root.page();
        let more = words.heading.more.with(&[("id", id)]);
        self.markup.element("p", &[("class", "more")], &excerpt(&more, LONGEST));
        self.markup.close("article");
    }

    /// Who mends it, and how.
    pub(super) fn fix(&mut self, root: &Root, texts: &Texts) {
        self.heading("h4", word::fix_heading(root.who, &self.words.heading.fix));
        self.markup.element("p", &[], &excerpt(&texts.fix, LONGEST));
        self.commands(&root.fix.commands);
        if let Some(url) = &root.fix.url {
            self.link(url);
        }
    }

    /// Commands to copy: what is shown before each is not copied with it.
    pub(super) fn commands(&mut self, commands: &[String]) {
        if commands.is_empty() {
            return;
        }
        let words = &self.words.page;
        self.markup.own("<div class=\"command\">");
        self.markup.open("pre", &[("role", "group"), ("aria-label", &words.commands)]);
        for (index, command) in commands.iter().enumerate() {
            if index > 0 {
                self.markup.line();
            }
            self.markup.own("<span class=\"prompt\"></span>");
            self.markup.text(&clean(command));
        }
        self.markup.own("</pre>");
        if self.embedded {
            self.markup.own("</div>\n");
            return;
        }
        let attributes = [
            ("type", "button"),
            ("data-copy", words.copy.as_str()),
            ("data-copied", words.copied.as_str()),
            ("hidden", ""),
        ];
        self.markup.inline("button", &attributes, &words.copy);
        self.markup.own("</div>\n");
    }

    fn link(&mut self, url: &str) {
        let see = self.words.heading.see.with(&[("url", "\n")]);
        let (before, after) = see.split_once('\n').unwrap_or((&see, ""));
        self.markup.open("p", &[]);
        self.markup.text(before);
        // Only where it leads to a page: anything else is shown and leads nowhere.
        if url.starts_with("https://") || url.starts_with("http://") {
            self.markup.inline("a", &[("href", url), ("rel", "noreferrer")], url);
        } else {
            self.markup.text(url);
        }
        self.markup.text(after);
        self.markup.close("p");
    }

    pub(super) fn unverified(&mut self, report: &Report) {
        if report.unverified.is_empty() {
            return;
        }
        let words = &self.words.heading;
        let heading = if report.profile == "bake" { &words.not_tried } else { &words.untold };
        self.section("untold", heading, |page| {
            page.markup.own("<ul class=\"panel untold\">\n");
            for line in outline::untold(report) {
                page.english("li", &[], &line);
            }
            page.markup.own("</ul>\n");
        });
    }
}

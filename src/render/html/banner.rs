//! What was asked, and the answer.

use super::{
    super::{answer::Answer, machine, outline::excerpt, tone::Tone, word},
    LONGEST, Page,
};
use gpucheck_checks::Report;

const CHECK: &str = "<svg viewBox=\"0 0 24 24\" aria-hidden=\"true\"><circle cx=\"12\" cy=\"12\" r=\"10\"/><path d=\"M7 12.5l3.5 3.5L17 9\"/></svg>";
const TRIANGLE: &str =
    "<svg viewBox=\"0 0 24 24\" aria-hidden=\"true\"><path d=\"M12 3L22 21H2zM12 10v5M12 18v.1\"/></svg>";
const CROSS: &str = "<svg viewBox=\"0 0 24 24\" aria-hidden=\"true\"><circle cx=\"12\" cy=\"12\" r=\"10\"/><path d=\"M8.5 8.5l7 7m0-7l-7 7\"/></svg>";

impl Tone {
    /// By which the style knows it.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Bad => "bad",
        }
    }

    /// What it looks like without colour.
    pub(super) fn icon(self) -> &'static str {
        match self {
            Self::Good => CHECK,
            Self::Warning => TRIANGLE,
            Self::Bad => CROSS,
        }
    }
}

impl Page {
    pub(super) fn banner(&mut self, report: &Report) {
        let Answer { verdict, rest } = Answer::of(report, self.language);
        let question = word::question(&report.profile, &self.words.page.question);
        let asked = format!("{}: {question}", word::command(&report.profile));
        let host = machine::host(&report.machine.host, &self.words.machine);
        self.answer(&asked, Tone::of(report), &verdict, &rest, Some(&host));
    }

    /// What was asked, and the answer; of one machine, what it is.
    pub(super) fn answer(&mut self, asked: &str, tone: Tone, verdict: &str, rest: &str, host: Option<&str>) {
        self.markup.own("<header>\n");
        self.markup.element("p", &[("class", "asked")], &excerpt(asked, LONGEST));
        self.markup.open("div", &[("class", &format!("banner {}", tone.class()))]);
        self.markup.own("\n<h1>");
        self.markup.own(tone.icon());
        self.markup.inline("span", &[], verdict);
        self.markup.own("</h1>\n");
        self.markup.element("p", &[], &excerpt(rest, LONGEST));
        if let Some(host) = host {
            self.markup.element("p", &[("class", "host")], &excerpt(host, LONGEST));
        }
        self.markup.own("</div>\n</header>\n");
    }
}

//! Every check, folded away.

use super::{
    super::{
        outline::{self, about, follows},
        word,
    },
    Page,
    tables::Cell,
};
use gpucheck_checks::{Outcome, Report, Verdict};

impl Page {
    pub(super) fn checks(&mut self, report: &Report) {
        let words = &self.words.page;
        let all = words.all_checks.with(&[("count", &report.outcomes.len().to_string())]);
        self.markup.own("<details>\n");
        self.markup.open("summary", &[]);
        self.markup.inline("h2", &[], &all);
        self.markup.close("summary");
        let status = &self.words.status;
        let counted = outline::counts(&report.outcomes)
            .into_iter()
            .map(|(verdict, count)| format!("{} {count}", word::status(verdict, status)));
        self.markup.element("p", &[], &counted.collect::<Vec<_>>().join(", "));
        let columns = [words.check.as_str(), &words.result, &words.seen];
        for group in outline::groups(report, self.language) {
            self.table(Some(&group.heading), &columns, |page| {
                for outcome in &group.outcomes {
                    page.check(outcome, &columns);
                }
                for (reason, ids) in &group.not_applicable {
                    let word = Cell::new(&status.not_applicable).class("word none");
                    page.row(&ids.join(", "), None, &columns, &[word, Cell::new(reason).english()]);
                }
            });
        }
        self.markup.own("</details>\n");
    }

    fn check(&mut self, outcome: &Outcome, columns: &[&str]) {
        let because = follows(outcome).map(|root| self.words.page.because.with(&[("root", root)]));
        let below = because.or_else(|| about(&outcome.subject).filter(|_| !is_of_python(outcome)));
        let class = match outcome.verdict {
            Verdict::Pass => "word good",
            Verdict::Warn | Verdict::Unknown => "word warning",
            Verdict::Fail => "word bad",
            Verdict::NotApplicable => "word none",
        };
        let status = word::status(outcome.verdict, &self.words.status);
        let cells = [Cell::new(status).class(class), Cell::new(&outcome.summary).english()];
        self.row(&outcome.id, below.as_deref(), columns, &cells);
    }
}

/// The table is about it: its caption says which.
fn is_of_python(outcome: &Outcome) -> bool {
    matches!(outcome.subject, gpucheck_checks::Subject::Python(_))
}

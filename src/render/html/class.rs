//! The class: its notebooks, the ways in, what it costs to be wrong, and what comes next.

use super::{
    super::{
        class::{self, Row},
        outline::excerpt,
        publish,
    },
    LONGEST, Page,
    tables::Cell,
};
use anstyle::AnsiColor;
use gpucheck_checks::Report;

impl Page {
    pub(super) fn class(&mut self, report: &Report) {
        let Some(summary) = &report.class else { return };
        let words = &self.words.class;
        let notebooks: Vec<Row> = summary.notebooks.iter().map(|row| class::notebook(row, words)).collect();
        let ways_in: Vec<Row> = summary.ways_in.iter().map(|way| class::way_in(way, words)).collect();
        let page_words = &self.words.page;
        self.rows(
            "class",
            &words.notebooks,
            [&page_words.notebook, &page_words.ran, &page_words.how],
            &notebooks,
        );
        if summary.more > 0 {
            let more = words.more.with(&[("count", &summary.more.to_string())]);
            self.markup.element("p", &[], &more);
        }
        self.rows(
            "ways-in",
            &words.ways_in,
            [&page_words.way_in, &page_words.is_up, &page_words.how],
            &ways_in,
        );
    }

    fn rows(&mut self, id: &'static str, heading: &str, columns: [&str; 3], rows: &[Row]) {
        if rows.is_empty() {
            return;
        }
        self.section(id, heading, |page| {
            page.table(None, &columns, |page| {
                for row in rows {
                    let cells = [Cell::new(&row.word).class(tone(row)), Cell::new(&row.rest)];
                    page.row(&row.name, None, &columns, &cells);
                }
            });
        });
    }

    /// What it costs to be wrong, where that was asked, and what comes after a template is judged.
    pub(super) fn next(&mut self, report: &Report) {
        let words = &self.words.publish;
        if let Some(cost) = &report.cost {
            let (sum, units) = publish::cost(cost, words);
            self.section("cost", &excerpt(&sum, LONGEST), |page| {
                if let Some(units) = units {
                    page.markup.element("p", &[], &excerpt(&units, LONGEST));
                }
            });
        }
        let Some(readiness) = report.readiness else { return };
        let (text, commands) = publish::next(readiness, words);
        let commands: Vec<String> = commands.iter().map(|command| (*command).to_owned()).collect();
        self.section("next", &words.next, |page| {
            page.markup.element("p", &[], text);
            page.commands(&commands);
        });
    }
}

/// What a terminal paints is a class here.
fn tone(row: &Row) -> &'static str {
    let painted =
        [(AnsiColor::Green, "word good"), (AnsiColor::Red, "word bad"), (AnsiColor::Yellow, "word warning")];
    let found = painted.into_iter().find(|(color, _)| row.color == Some(*color));
    found.map_or("word none", |(_, class)| class)
}

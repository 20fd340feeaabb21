//! Tables. On a phone each row stands as a block, its columns named beside their values; the roles say that it is a table
//! all the same.

use super::{
    super::{outline::excerpt, usable_from, usable_from::Table, word},
    LONGEST, Page,
};
use gpucheck_checks::{MeasuredGpu, Report, Usable, UsableFrom};

/// What stands in a column: a class for the style, and whether the words are the machine's own.
#[derive(Clone, Copy)]
pub(super) struct Cell<'a> {
    pub(super) text: &'a str,
    pub(super) class: &'a str,
    pub(super) english: bool,
}

impl<'a> Cell<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, class: "", english: false }
    }

    pub(super) fn class(self, class: &'a str) -> Self {
        Self { class, ..self }
    }

    pub(super) fn english(self) -> Self {
        Self { english: true, ..self }
    }
}

impl Page {
    /// A table whose first column heads its rows.
    pub(super) fn table(&mut self, caption: Option<&str>, columns: &[&str], write: impl FnOnce(&mut Self)) {
        self.markup.open("table", &[("role", "table")]);
        self.markup.line();
        if let Some(caption) = caption {
            self.markup.element("caption", &[], &excerpt(caption, LONGEST));
        }
        self.markup.own("<thead role=\"rowgroup\"><tr role=\"row\">");
        for column in columns {
            self.markup.inline("th", &[("role", "columnheader"), ("scope", "col")], column);
        }
        self.markup.own("</tr></thead>\n<tbody role=\"rowgroup\">\n");
        write(self);
        self.markup.own("</tbody>\n");
        self.markup.close("table");
    }

    /// A row: what heads it, a smaller line below that, and the cells of the other columns.
    pub(super) fn row(&mut self, head: &str, below: Option<&str>, columns: &[&str], cells: &[Cell<'_>]) {
        self.markup.own("<tr role=\"row\">");
        self.markup.open("th", &[("role", "rowheader"), ("scope", "row")]);
        self.markup.text(&excerpt(head, LONGEST));
        if let Some(below) = below {
            self.markup.inline("span", &[("class", "small")], &excerpt(below, LONGEST));
        }
        self.markup.own("</th>");
        for (cell, column) in cells.iter().zip(columns.iter().skip(1)) {
            let attributes = [("role", "cell"), ("data-column", *column), ("class", cell.class)];
            let kept = if cell.class.is_empty() { &attributes[..2] } else { &attributes[..] };
            if cell.english {
                self.english("td", kept, cell.text);
            } else {
                self.markup.element("td", kept, &excerpt(cell.text, LONGEST));
            }
        }
        self.markup.own("</tr>\n");
    }

    pub(super) fn usable_from(&mut self, report: &Report) {
        let ids = ["kernels", "pythons"];
        for Table { heading, of_kernels, rows } in usable_from::tables(report, self.language) {
            let words = &self.words.page;
            let [kernels, pythons] = ids;
            let (id, head) = if of_kernels { (kernels, &words.kernel) } else { (pythons, &words.python) };
            let columns = [head.as_str(), &words.gpu, &words.with_what];
            self.section(id, heading, |page| {
                page.table(None, &columns, |page| {
                    for row in &rows {
                        page.usable_row(report, row, &rows, &columns);
                    }
                });
            });
        }
    }

    fn usable_row(&mut self, report: &Report, row: &UsableFrom, rows: &[&UsableFrom], columns: &[&str]) {
        let name = usable_from::name(row, rows, self.language);
        let python = row.python.as_deref().filter(|python| *python != name);
        let class = match row.usable {
            Usable::Yes => "word good",
            Usable::InPart | Usable::Unknown => "word warning",
            Usable::No => "word bad",
            Usable::NotApplicable => "word none",
        };
        let answer = word::usable(row.usable, &self.words.usable);
        let body = usable_from::body(report, row, self.language);
        self.row(&name, python, columns, &[Cell::new(answer).class(class), Cell::new(&body)]);
    }

    pub(super) fn measured(&mut self, report: &Report) {
        let Some(measured) = report.measured.as_ref().filter(|measured| !measured.gpus.is_empty()) else {
            return;
        };
        let words = &self.words.page;
        let seconds = (measured.lasted_ms.saturating_add(500) / 1000).to_string();
        let heading = words.measured.with(&[("seconds", &seconds)]);
        let columns = [words.gpu.as_str(), &words.activity, &words.memory_activity, &words.power];
        self.section("measured", &heading, |page| {
            page.table(None, &columns, |page| {
                for gpu in &measured.gpus {
                    page.measured_row(report, gpu, &columns);
                }
            });
        });
    }

    fn measured_row(&mut self, report: &Report, gpu: &MeasuredGpu, columns: &[&str]) {
        let known = report.machine.gpus.iter().find(|known| known.address == gpu.address);
        let name = known.and_then(|known| known.name.as_deref()).unwrap_or("NVIDIA GPU");
        let unknown = || self.words.usable.unknown.clone();
        let percent = |value: Option<u32>| value.map_or_else(unknown, |value| format!("{value} %"));
        let power = match (gpu.power_mw, gpu.power_limit_mw) {
            (Some(power), Some(limit)) => format!("{} / {} W", power / 1000, limit / 1000),
            (Some(power), None) => format!("{} W", power / 1000),
            (None, _) => unknown(),
        };
        let (activity, memory) = (percent(gpu.activity), percent(gpu.memory_activity));
        let cells = [Cell::new(&activity), Cell::new(&memory), Cell::new(&power)];
        self.row(name, Some(gpu.address.as_str()), columns, &cells);
    }
}

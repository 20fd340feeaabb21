//! The class: each notebook and each way in, a line each.
//!
//! Invariant: a line says in words how it is; why and what to do stands with the checks.

use super::page::{Page, blanks, clean, pad};
use anstyle::{AnsiColor, Style as Ansi};
use gpucheck_checks::{
    ClassSummary, ClassWords, Language, NotebookRow, Ran, Report, WayInRow,
    fact::{Listening, WayInKind},
};
use unicode_width::UnicodeWidthStr;

/// Widest name that others are aligned with.
const WIDEST_NAME: usize = 40;

/// Writes what there is of a class.
pub(super) fn write(page: &mut Page, report: &Report, language: Language) {
    let Some(class) = &report.class else { return };
    let words = &language.words().class;
    if !class.notebooks.is_empty() {
        page.heading(&words.notebooks);
        notebooks(page, class, words);
    }
    if !class.ways_in.is_empty() {
        page.heading(&words.ways_in);
        ways_in(page, class, words);
    }
}

fn notebooks(page: &mut Page, class: &ClassSummary, words: &ClassWords) {
    let rows: Vec<Row> = class.notebooks.iter().map(|row| notebook(row, words)).collect();
    table(page, &rows);
    if class.more > 0 {
        page.paragraph(&words.more.with(&[("count", &class.more.to_string())]));
    }
}

fn ways_in(page: &mut Page, class: &ClassSummary, words: &ClassWords) {
    let rows: Vec<Row> = class.ways_in.iter().map(|way| way_in(way, words)).collect();
    table(page, &rows);
}

/// A line: a word of its own colour, a name, the rest.
pub(super) struct Row {
    pub(super) word: String,
    pub(super) color: Option<AnsiColor>,
    pub(super) name: String,
    pub(super) rest: String,
}

fn table(page: &mut Page, rows: &[Row]) {
    let words = rows.iter().map(|row| row.word.width()).max().unwrap_or(0);
    let names = rows.iter().map(|row| clean(&row.name).width()).filter(|width| *width <= WIDEST_NAME);
    let names = names.max().unwrap_or(0);
    for row in rows {
        let word = page.paint(&pad(&row.word, words), Ansi::new().fg_color(row.color.map(Into::into)));
        let name = clean(&row.name);
        let column = 2 + words + 2 + names + 2;
        if name.width() > names || column * 2 > page.style.width {
            page.line(&format!("  {word}  {name}"));
            let indent = blanks(2 + words + 4);
            page.wrapped(&indent, &indent, &row.rest);
        } else {
            page.wrapped(&format!("  {word}  {}  ", pad(&name, names)), &blanks(column), &row.rest);
        }
    }
}

pub(super) fn notebook(row: &NotebookRow, words: &ClassWords) -> Row {
    let (word, color) = match row.ran {
        Ran::Ran => (&words.ran, Some(AnsiColor::Green)),
        Ran::Failed => (&words.failed, Some(AnsiColor::Red)),
        Ran::TimedOut => (&words.timed_out, Some(AnsiColor::Red)),
        Ran::KernelDied => (&words.kernel_died, Some(AnsiColor::Red)),
        Ran::NoKernel => (&words.no_kernel, Some(AnsiColor::Red)),
        Ran::Unreadable => (&words.unreadable, Some(AnsiColor::Yellow)),
        Ran::NotRun => (&words.not_run, None),
    };
    let gpu = match (row.used_gpu, row.peak_memory_bytes) {
        (Some(true), Some(bytes)) => Some(words.on_gpu_with.with(&[("mib", &(bytes >> 20).to_string())])),
        (Some(true), None) => Some(words.on_gpu.clone()),
        (Some(false), _) => Some(words.not_on_gpu.clone()),
        (None, _) => None,
    };
    let time = row.elapsed_ms.map(|time| words.seconds.with(&[("seconds", &seconds(time))]));
    let rest = [row.kernel.clone(), time, gpu, row.why.clone()];
    let rest = rest.into_iter().flatten().collect::<Vec<_>>().join(", ");
    Row { word: word.clone(), color, name: row.path.clone(), rest }
}

/// With a decimal below ten.
fn seconds(milliseconds: u64) -> String {
    match milliseconds {
        0..10_000 => format!("{}.{}", milliseconds / 1000, milliseconds % 1000 / 100),
        _ => (milliseconds / 1000).to_string(),
    }
}

pub(super) fn way_in(way: &WayInRow, words: &ClassWords) -> Row {
    let (word, color) = match (way.enabled, way.running) {
        (true, Some(true)) => (&words.up, Some(AnsiColor::Green)),
        (true, None) => (&words.at_boot, None),
        (true, Some(false)) => (&words.not_up, Some(AnsiColor::Yellow)),
        (false, _) => (&words.not_at_boot, Some(AnsiColor::Yellow)),
    };
    let kind = match way.kind {
        WayInKind::Ssh => "SSH",
        WayInKind::Xrdp => "RDP (xrdp)",
        WayInKind::X2go => "X2Go",
        WayInKind::Jupyter => "Jupyter",
        WayInKind::Jupyterhub => "JupyterHub",
    };
    let port = way.port.map(|port| words.port.with(&[("port", &port.to_string())]));
    let reach = match way.listening {
        Some(Listening::Loopback) => Some(words.loopback.clone()),
        Some(Listening::Nowhere) => Some(words.nowhere.clone()),
        Some(Listening::Everywhere) | None => None,
    };
    let rest = [Some(way.name.clone()), port, reach].into_iter().flatten().collect::<Vec<_>>().join(", ");
    Row { word: word.clone(), color, name: kind.to_owned(), rest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_people_would() {
        for (time, told) in [(40, "0.0"), (1940, "1.9"), (9999, "9.9"), (10_000, "10"), (612_345, "612")] {
            assert_eq!(seconds(time), told);
        }
    }
}

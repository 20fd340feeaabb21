//! The table of kernels and Pythons: which of them can use a GPU, and why not.
//!
//! Invariants: a row says yes, no or unknown in words; why not is the title of the root, the same words as above its fix.

use super::{
    page::{Page, blanks, clean, pad},
    word,
};
use anstyle::{AnsiColor, Style as Ansi};
use gpucheck_checks::{AskedFrom, Language, Report, Subject, Usable, UsableFrom};
use unicode_width::UnicodeWidthStr;

/// Widest name that others are aligned with.
const WIDEST_NAME: usize = 36;

/// Writes the rows: kernels, then Pythons that no kernel starts.
pub(super) fn write(page: &mut Page, report: &Report, language: Language) {
    for Table { heading, rows, .. } in tables(report, language) {
        page.heading(heading);
        table(page, report, language, &rows);
    }
}

/// A table: its heading, and what its rows are about.
pub(super) struct Table<'a> {
    pub(super) heading: &'static str,
    pub(super) of_kernels: bool,
    pub(super) rows: Vec<&'a UsableFrom>,
}

/// The tables that say something.
pub(super) fn tables(report: &Report, language: Language) -> Vec<Table<'_>> {
    let headings = &language.words().heading;
    let is_kernel = |row: &&UsableFrom| {
        matches!(row.subject, Subject::Notebook(_)) || row.asked_from == Some(AskedFrom::Notebook)
    };
    let (kernels, pythons): (Vec<_>, Vec<_>) = report.usable_from.iter().partition(is_kernel);
    let all = [
        Table { heading: &headings.usable_from_notebooks, of_kernels: true, rows: kernels },
        Table { heading: &headings.usable_from_pythons, of_kernels: false, rows: pythons },
    ];
    let tells = |table: &Table| {
        // Where nothing could use a GPU, nobody asks which does; of a lone Python the answer itself tells.
        let lone = report.usable_from.len() == 1 && !table.of_kernels;
        let tells = |row: &&UsableFrom| row.usable != Usable::NotApplicable || row.asked_from.is_some();
        !lone && table.rows.iter().any(tells)
    };
    all.into_iter().filter(tells).collect()
}

fn table(page: &mut Page, report: &Report, language: Language, rows: &[&UsableFrom]) {
    let words = &language.words().usable;
    let answers = words.all().iter().map(|word| word.width()).max().unwrap_or(0);
    let names: Vec<String> = rows.iter().map(|row| name(row, rows, language)).collect();
    let widest = names.iter().map(|name| name.width()).filter(|width| *width <= WIDEST_NAME).max();
    let names_width = widest.unwrap_or(0);
    for (row, name) in rows.iter().zip(&names) {
        let ansi = Ansi::new().fg_color(color(row.usable).map(Into::into));
        let word = page.paint(&pad(word::usable(row.usable, words), answers), ansi);
        let body = body(report, row, language);
        let indent = 2 + answers + 2;
        let column = indent + names_width + 2;
        if indent + name.width() > page.style.width {
            page.line(&format!("  {word}"));
            page.wrapped("    ", "    ", name);
            page.wrapped("      ", "      ", &body);
        } else if name.width() > names_width || column * 2 > page.style.width {
            page.line(&format!("  {word}  {}", clean(name)));
            page.wrapped(&blanks(indent + 2), &blanks(indent + 2), &body);
        } else {
            page.wrapped(&format!("  {word}  {}  ", pad(&clean(name), names_width)), &blanks(column), &body);
        }
    }
}

/// From how many kernels, or Pythons that no kernel starts, a GPU can be used, and how many there are that could use one.
pub(super) fn count(report: &Report, kernels: bool) -> (usize, usize) {
    let is_asked = |row: &&UsableFrom| matches!(row.subject, Subject::Notebook(_)) == kernels;
    let rows = report.usable_from.iter().filter(is_asked).map(|row| row.usable);
    let rows: Vec<Usable> = rows.filter(|usable| *usable != Usable::NotApplicable).collect();
    (rows.iter().filter(|usable| **usable == Usable::Yes).count(), rows.len())
}

/// What Jupyter's menu shows, with the kernel's own name where others are shown the same way.
pub(super) fn name(row: &UsableFrom, rows: &[&UsableFrom], language: Language) -> String {
    let heading = &language.words().heading;
    match row.asked_from {
        Some(AskedFrom::Notebook) => return heading.this_notebook.clone(),
        Some(AskedFrom::Program) => return heading.this_program.clone(),
        None => {}
    }
    let Some(shown) = &row.shown_as else { return row.subject.to_string() };
    let is_one_of_many = rows.iter().filter(|other| other.shown_as.as_ref() == Some(shown)).count() > 1;
    if is_one_of_many { format!("{shown} [{}]", row.subject) } else { shown.clone() }
}

/// Its frameworks, or why it cannot use a GPU.
pub(super) fn body(report: &Report, row: &UsableFrom, language: Language) -> String {
    let why = report.root_of(row).map(|root| root.texts(language).title).or_else(|| row.why.clone());
    let why = why.filter(|_| row.usable != Usable::Yes);
    let seen = seen(row, why);
    let heading = &language.words().heading;
    let retold = row.retold_s.map(|seconds| heading.retold.with(&[("age", &age(seconds))]));
    let notes = [row.vscode.then(|| heading.in_vscode.clone()), retold];
    match notes.into_iter().flatten().collect::<Vec<_>>().join(", ") {
        notes if notes.is_empty() => seen,
        notes => format!("{seen} ({notes})"),
    }
}

/// The frameworks and what is wrong. Where that names one of them itself, it is not told twice; the others are told
/// beside it, where the GPU can be used by those.
fn seen(row: &UsableFrom, why: Option<String>) -> String {
    let Some(why) = why else { return row.frameworks.join(", ") };
    let is_named = |framework: &&String| why.contains(framework.as_str());
    let (named, others): (Vec<&String>, Vec<&String>) = row.frameworks.iter().partition(is_named);
    let others = others.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    match (named.is_empty(), others.is_empty()) {
        (true, false) => format!("{others}: {why}"),
        (false, false) if row.usable == Usable::InPart => format!("{others}; {why}"),
        _ => why,
    }
}

/// Seconds as people count them.
pub(super) fn age(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

fn color(usable: Usable) -> Option<AnsiColor> {
    match usable {
        Usable::Yes => Some(AnsiColor::Green),
        Usable::InPart | Usable::Unknown => Some(AnsiColor::Yellow),
        Usable::No => Some(AnsiColor::Red),
        Usable::NotApplicable => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(usable: Usable, frameworks: &[&str]) -> UsableFrom {
        UsableFrom {
            subject: Subject::Host,
            shown_as: None,
            python: None,
            usable,
            frameworks: frameworks.iter().map(|framework| (*framework).to_owned()).collect(),
            why: None,
            root: None,
            retold_s: None,
            vscode: false,
            asked_from: None,
        }
    }

    #[test]
    fn a_framework_is_named_once() {
        let torch =
            || Some("PyTorch 2.6.0+cu126 in /opt/b/bin/python does not compute on the GPU".to_owned());
        let both = ["tensorflow 2.15.1", "PyTorch 2.6.0+cu126"];
        for (row, told) in [
            (row(Usable::No, &both[1..]), "PyTorch 2.6.0+cu126 in"),
            (row(Usable::No, &both), "PyTorch 2.6.0+cu126 in"),
            (row(Usable::InPart, &both), "tensorflow 2.15.1; PyTorch 2.6.0+cu126 in"),
            (row(Usable::No, &both[..1]), "tensorflow 2.15.1: PyTorch 2.6.0+cu126 in"),
            (row(Usable::No, &[]), "PyTorch 2.6.0+cu126 in"),
        ] {
            let text = seen(&row, torch());
            assert!(text.starts_with(told) && text.matches("PyTorch").count() == 1, "{text}");
        }
        assert_eq!(seen(&row(Usable::Yes, &both), None), "tensorflow 2.15.1, PyTorch 2.6.0+cu126");
    }

    #[test]
    fn ages_are_told_in_the_unit_that_people_would_take() {
        for (seconds, told) in
            [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "119 min"), (7200, "2 h"), (172_800, "2 d")]
        {
            assert_eq!(age(seconds), told);
        }
    }
}

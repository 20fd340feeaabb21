//! Every form of a report in one JSON object, for the Python package: it asks once, and shows it wherever it is.

use super::{Style, answer, fragment, html, markdown, text};
use gpucheck_checks::{Language, Report};
use serde::Serialize;

/// Width of the text, in columns: that of a notebook's output.
const WIDTH: usize = 100;

#[derive(Serialize)]
struct Parts<'a> {
    /// As `--format json` has it.
    report: &'a Report,
    /// The answer in one line.
    answer: String,
    text: String,
    markdown: String,
    /// What a notebook shows below its cell.
    fragment: String,
    /// The whole page.
    page: String,
}

/// The report in every form, on one line.
pub fn parts(report: &Report, language: Language) -> String {
    let parts = Parts {
        report,
        answer: answer(report, language),
        text: text(report, Style { width: WIDTH, color: false }, language),
        markdown: markdown(report, language),
        fragment: fragment(report, language),
        page: html(report, language),
    };
    // A report holds nothing that JSON cannot; an empty object would be refused by every reader.
    serde_json::to_string(&parts).unwrap_or_default() + "\n"
}

//! A page to keep, to send and to print.

use super::{answer, page::clean};
use gpucheck_checks::{Language, Report};

/// The report as one HTML file.
pub fn html(report: &Report, language: Language) -> String {
    let escape = |text: &str| clean(text).replace('&', "&amp;").replace('<', "&lt;");
    let answer = escape(&answer(report, language));
    format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>gpucheck</title>\n<h1>{answer}</h1>\n</html>\n"
    )
}

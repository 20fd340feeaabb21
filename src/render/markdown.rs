//! A summary for a pull request.

use super::answer;
use gpucheck_checks::{Language, Report};

/// The report as Markdown of GitHub's flavour.
pub fn markdown(report: &Report, language: Language) -> String {
    format!("**{}**\n", answer(report, language))
}

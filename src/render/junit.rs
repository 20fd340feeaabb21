//! JUnit XML, for pipelines.

use gpucheck_checks::{Report, Verdict};

/// The report as JUnit XML.
pub fn junit(report: &Report) -> String {
    let failed = report.outcomes.iter().filter(|outcome| outcome.verdict == Verdict::Fail).count();
    let tests = report.outcomes.len();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"gpucheck\" tests=\"{tests}\" failures=\"{failed}\"/>\n"
    )
}

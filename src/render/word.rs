//! The word for each value of a report.

use gpucheck_checks::{
    FixWords, QuestionWords, Severity, SeverityWords, StatusWords, Usable, UsableWords, Verdict, Who,
    WhoWords,
};
use serde::Serialize;

/// A value of the report as JSON has it, such as `not_applicable`; empty for what is no word.
pub(super) fn name(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Heads a fix.
pub(super) fn fix_heading(who: Who, words: &FixWords) -> &str {
    match who {
        Who::Student => &words.student,
        Who::Instructor => &words.instructor,
        Who::ImageBaker => &words.image_baker,
        Who::Platform => &words.platform,
    }
}

/// Who mends it.
pub(super) fn who(who: Who, words: &WhoWords) -> &str {
    match who {
        Who::Student => &words.student,
        Who::Instructor => &words.instructor,
        Who::ImageBaker => &words.image_baker,
        Who::Platform => &words.platform,
    }
}

/// When it hurts.
pub(super) fn severity(severity: Severity, words: &SeverityWords) -> &str {
    match severity {
        Severity::Unusable => &words.unusable,
        Severity::Degraded => &words.degraded,
        Severity::BreaksLater => &words.breaks_later,
    }
}

/// How a check came out.
pub(super) fn status(verdict: Verdict, words: &StatusWords) -> &str {
    match verdict {
        Verdict::Pass => &words.ok,
        Verdict::Warn => &words.warning,
        Verdict::Fail => &words.failed,
        Verdict::Unknown => &words.unknown,
        Verdict::NotApplicable => &words.not_applicable,
    }
}

/// Whether a GPU can be used.
pub(super) fn usable(usable: Usable, words: &UsableWords) -> &str {
    match usable {
        Usable::Yes => &words.yes,
        Usable::InPart => &words.in_part,
        Usable::No => &words.no,
        Usable::Unknown => &words.unknown,
        Usable::NotApplicable => &words.not_applicable,
    }
}

/// The question that a profile answers; that of the plain command for a profile of a newer gpucheck.
pub(super) fn question<'a>(profile: &str, words: &'a QuestionWords) -> &'a str {
    match profile {
        "slow" => &words.slow,
        "publish" => &words.publish,
        "bake" => &words.bake,
        "drift" => &words.drift,
        _ => &words.check,
    }
}

/// How the question is asked.
pub(super) fn command(profile: &str) -> String {
    if profile == "check" { "gpucheck".to_owned() } else { format!("gpucheck {profile}") }
}

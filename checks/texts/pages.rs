//! The words of pages and summaries. They stand in the section `[report.page]` of a catalogue.

use super::Phrase;
use serde::Deserialize;

/// What stands on a page, and in a summary, that a terminal does not show.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageWords {
    /// The question that was asked.
    pub question: QuestionWords,
    /// How bad a root is.
    pub severity: SeverityWords,
    /// Whose problem it is.
    pub who: WhoWords,
    /// Before what is wrong.
    pub to_mend: String,
    /// Where nothing is.
    pub nothing_to_mend: String,
    /// What a finding is about: `{subject}`.
    pub about: Phrase,
    /// On the button that copies commands.
    pub copy: String,
    /// When they are copied.
    pub copied: String,
    /// What a screen reader calls a box of commands.
    pub commands: String,
    /// Column: the kernel.
    pub kernel: String,
    /// Column: the Python.
    pub python: String,
    /// Column: whether a GPU can be used.
    pub gpu: String,
    /// Column: frameworks, or why not.
    pub with_what: String,
    /// Column: the check.
    pub check: String,
    /// Column: how it came out.
    pub result: String,
    /// Column: what was seen.
    pub seen: String,
    /// Column: the class's notebook.
    pub notebook: String,
    /// Column: whether it ran.
    pub ran: String,
    /// Column: the way in.
    pub way_in: String,
    /// Column: whether it is up.
    pub is_up: String,
    /// Column: how it ran, or how it is reached.
    pub how: String,
    /// Column: what is wrong.
    pub what: String,
    /// Column: who mends it.
    pub whose: String,
    /// Column: when it hurts.
    pub when: String,
    /// The link to all checks: `{count}`.
    pub all_checks: Phrase,
    /// What follows from another: `{root}`.
    pub because: Phrase,
    /// Rows that are left out: `{count}`.
    pub more: Phrase,
    /// The rest of a summary.
    pub rest: String,
    /// When the machine was looked at: `{time}`.
    pub taken: Phrase,
    /// Before what was measured: `{seconds}`.
    pub measured: Phrase,
    /// Column: time in which a GPU worked.
    pub activity: String,
    /// Column: time in which its memory was read or written.
    pub memory_activity: String,
    /// Column: power, and its limit.
    pub power: String,
}

/// What a report answers, by its profile.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuestionWords {
    /// `gpucheck`.
    pub check: String,
    /// `gpucheck slow`.
    pub slow: String,
    /// `gpucheck publish`.
    pub publish: String,
    /// `gpucheck bake`.
    pub bake: String,
    /// `gpucheck drift`.
    pub drift: String,
}

/// How bad a root is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeverityWords {
    /// The GPU cannot be used.
    pub unusable: String,
    /// It can, in part or slowly.
    pub degraded: String,
    /// It can, until the next boot, update or clone.
    pub breaks_later: String,
}

/// Whose problem it is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhoWords {
    /// Who sits in front of the notebook.
    pub student: String,
    /// Who made the template.
    pub instructor: String,
    /// Who builds the image.
    pub image_baker: String,
    /// Who runs the hardware or the cloud subscription.
    pub platform: String,
}

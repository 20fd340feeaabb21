//! The evidence that an image keeps: what was verified, where, when, by which gpucheck.
//!
//! Invariants: it is written whole or not at all; a hash over itself shows an edit, though no forgery; it names no person
//! and no machine that built the image.

use crate::{hex, output};
use gpucheck_checks::{MachineVerdict, Outcome, Report, Subject, Unverified, Verdict, fact::Facts};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt,
    path::Path,
};

/// Where an image keeps it.
pub const PLACE: &str = "/var/lib/gpucheck/evidence.json";
/// The number of this layout of [`Evidence`].
pub const SCHEMA: u32 = 1;

/// What was verified of an image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Layout of this document.
    pub schema: u32,
    /// Version of the gpucheck that looked.
    pub gpucheck: String,
    /// SHA-256 of its binary; none where it could not be read.
    pub gpucheck_sha256: Option<String>,
    /// When the looking began, RFC 3339 in UTC.
    pub taken_at: String,
    /// Where it was looked at.
    pub place: Place,
    /// The machines that it is meant for.
    pub targets: Vec<String>,
    /// What came out.
    pub verdict: MachineVerdict,
    /// What holds.
    pub verified: Vec<Item>,
    /// What does not.
    pub failed: Vec<Item>,
    /// What could not be tried or told.
    pub unverified: Vec<Unverified>,
    /// That was allowed beforehand.
    pub allowed_unverified: bool,
    /// SHA-256 of the facts as compact JSON, as `gpucheck record` of the same look would hold them.
    pub facts_sha256: String,
    /// SHA-256 of this document as compact JSON with this field empty.
    pub sha256: String,
}

/// Where an image was looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Its operating system.
    pub os: Option<String>,
    /// The Linux that ran; none where only its files were read.
    pub linux: Option<String>,
    /// `running`: the image itself ran; `root`: its files lay in a folder.
    pub looked_at: String,
    /// A GPU was there.
    pub gpu: bool,
}

/// A check that came out for a subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// The check.
    pub id: String,
    /// What it was about.
    pub subject: Subject,
    /// What was seen.
    pub summary: String,
}

impl Evidence {
    /// Whether nobody has changed the document since.
    pub fn is_whole(&self) -> bool {
        self.hash() == self.sha256
    }

    fn hash(&self) -> String {
        let unhashed = Self { sha256: String::new(), ..self.clone() };
        hex::sha256(&serde_json::to_vec(&unhashed).unwrap_or_default())
    }
}

/// The evidence of a look.
pub fn document(facts: &Facts, report: &Report) -> Evidence {
    let of = |verdict: Verdict| {
        let outcomes = report.outcomes.iter().filter(move |outcome| outcome.verdict == verdict);
        outcomes.map(item).collect()
    };
    let is_root = facts.are_of_image();
    let host = &report.machine.host;
    let mut evidence = Evidence {
        schema: SCHEMA,
        gpucheck: report.gpucheck.clone(),
        gpucheck_sha256: fs::read("/proc/self/exe").ok().map(|binary| hex::sha256(&binary)),
        taken_at: report.taken_at.clone(),
        place: Place {
            os: host.os.clone(),
            linux: host.linux.clone().filter(|_| !is_root),
            looked_at: if is_root { "root" } else { "running" }.to_owned(),
            gpu: !report.machine.gpus.is_empty(),
        },
        targets: report.targets.clone(),
        verdict: report.verdict,
        verified: of(Verdict::Pass),
        failed: of(Verdict::Fail),
        unverified: report.unverified.clone(),
        allowed_unverified: report.allowed_unverified,
        facts_sha256: hex::sha256(&serde_json::to_vec(facts).unwrap_or_default()),
        sha256: String::new(),
    };
    evidence.sha256 = evidence.hash();
    evidence
}

fn item(outcome: &Outcome) -> Item {
    let Outcome { id, subject, summary, .. } = outcome;
    Item { id: id.clone(), subject: subject.clone(), summary: summary.clone() }
}

/// Where it goes: where it was asked for, else into the image that runs.
pub fn place(asked: Option<&Path>, is_here: bool) -> Option<&Path> {
    asked.or_else(|| is_here.then(|| Path::new(PLACE)))
}

/// Writes it, and makes the folder that is its own.
///
/// # Errors
/// The operating system's.
pub fn write(evidence: &Evidence, to: &Path) -> io::Result<()> {
    let mut text = serde_json::to_string_pretty(evidence)?;
    text.push('\n');
    if to == Path::new(PLACE)
        && let Some(folder) = to.parent()
    {
        DirBuilder::new().recursive(true).mode(0o755).create(folder)?;
    }
    output::to_file(&text, to)
}

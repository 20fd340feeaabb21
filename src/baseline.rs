//! The baseline: what a template was when it was published, kept in its image for `gpucheck drift`.
//!
//! The document: `{"schema": 1, "sha256": "...", "baseline": {gpucheck, taken_at, verdict, facts}}`, the facts without what
//! names a card or an owner of a home, the sum over the bytes of `baseline` as they stand there. It tells a file that was cut off or
//! edited from a whole one; it is no signature.
//!
//! Invariants: a baseline is there whole or not at all; one that cannot be kept costs no report; of a file never more
//! than a report may hold is read.

use crate::{
    cli::{BaselineArgs, Cli},
    error::Error,
    hex,
    layout::{self, LARGEST},
    output,
    redact::redact,
    root::Root,
};
use gpucheck_checks::{
    MachineVerdict, Report, Selection,
    fact::{FACTS_SCHEMA, Facts, Observed},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Where a template keeps it.
pub const PLACE: &str = "/var/lib/gpucheck/baseline.json";
/// The number of this layout.
const SCHEMA: u64 = 1;

/// What a template was.
#[derive(Debug, Deserialize)]
pub struct Baseline {
    /// Version of the gpucheck that recorded it.
    pub gpucheck: String,
    /// When it was recorded, RFC 3339 in UTC.
    pub taken_at: String,
    /// Whether its GPU was usable, as it was judged then.
    pub verdict: MachineVerdict,
    /// What was seen, redacted.
    pub facts: Facts,
}

#[derive(Serialize)]
struct Content<'a> {
    gpucheck: &'a str,
    taken_at: &'a str,
    verdict: MachineVerdict,
    facts: Value,
}

#[derive(Deserialize)]
struct Document<'a> {
    sha256: String,
    #[serde(borrow)]
    baseline: &'a RawValue,
}

/// Keeps the baseline of a machine that was looked at, where the command line does not say otherwise. Where nobody asked
/// for a place and the usual one cannot be written, standard error says so, and that is all.
///
/// # Errors
/// The place that was asked for cannot be written.
pub fn keep(asked: &BaselineArgs, cli: &Cli, facts: &Facts, report: &Report) -> Result<(), Error> {
    let is_whole = crate::ask::selection(&cli.look)? == Selection::default();
    let is_here = Root::new(&cli.look.root).is_this_machine();
    match &asked.baseline {
        _ if asked.no_baseline => Ok(()),
        Some(path) => {
            save(facts, report, path).map_err(|source| Error::SaveBaseline { path: path.clone(), source })
        }
        None if !is_here => Ok(()),
        None if !is_whole => {
            output::note("checks were chosen, so the baseline for `gpucheck drift` is not saved");
            Ok(())
        }
        None => {
            if let Err(error) = save(facts, report, Path::new(PLACE)) {
                output::note(&format!(
                    "{PLACE}: {error}; the baseline for `gpucheck drift` is not saved: run `sudo gpucheck publish`, or choose a place with --baseline FILE"
                ));
            }
            Ok(())
        }
    }
}

/// Writes a baseline that everybody can read, its folder as well where there is none.
///
/// # Errors
/// The operating system's.
pub fn save(facts: &Facts, report: &Report, path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.exists()) {
        fs::DirBuilder::new().recursive(true).mode(0o755).create(folder)?;
        // Whatever umask root has: students are to read it.
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    }
    let text = document(facts, report).map_err(io::Error::other)?;
    output::to_file(&text, path)?;
    if fs::metadata(path)?.is_file() {
        fs::set_permissions(path, fs::Permissions::from_mode(0o644))
    } else {
        Ok(())
    }
}

fn document(facts: &Facts, report: &Report) -> serde_json::Result<String> {
    let mut facts = facts.clone();
    if let Observed::Seen(inventory) = &mut facts.inventory {
        // What was done before is nobody's business after.
        inventory.history = Observed::not_probed("a baseline has none");
    }
    let content = Content {
        gpucheck: &report.gpucheck,
        taken_at: &report.taken_at,
        verdict: report.verdict,
        // Without names beyond those of homes: a folder of the image that is called like somebody is to stay the same folder.
        facts: redact(&facts, &[]),
    };
    let content = serde_json::to_string_pretty(&content)?;
    let sum = hex::sha256(content.as_bytes());
    Ok(format!("{{\n\"schema\": {SCHEMA},\n\"sha256\": \"{sum}\",\n\"baseline\": {content}\n}}\n"))
}

/// Reads a baseline.
///
/// # Errors
/// There is none, or the file is something else, cut off, changed, or of a newer gpucheck.
pub fn load(path: &Path) -> Result<Baseline, Error> {
    let unreadable = |source| Error::ReadBaseline { path: path.to_owned(), source };
    let no_baseline = |message: String| Error::NoBaseline { path: path.to_owned(), message };
    let absolute = std::path::absolute(path).map_err(unreadable)?;
    // Never waits for a pipe, and takes nothing but a regular file.
    let bytes = Root::new("/").bytes(&absolute.to_string_lossy(), LARGEST + 1).map_err(unreadable)?;
    let (text, schema) = layout::read(bytes).map_err(no_baseline)?;
    if schema > SCHEMA {
        return Err(Error::NewerBaseline { path: path.to_owned(), schema, known: SCHEMA });
    }
    let document: Document<'_> =
        serde_json::from_str(&text).map_err(|error| no_baseline(error.to_string()))?;
    let content = document.baseline.get();
    if hex::sha256(content.as_bytes()) != document.sha256 {
        return Err(no_baseline("its content does not have the sum that it says".to_owned()));
    }
    let baseline: Baseline = serde_json::from_str(content).map_err(|error| no_baseline(error.to_string()))?;
    if baseline.facts.schema > FACTS_SCHEMA {
        let schema = baseline.facts.schema.into();
        return Err(Error::NewerBaseline { path: path.to_owned(), schema, known: FACTS_SCHEMA.into() });
    }
    Ok(baseline)
}

/// The place that was asked for, else the usual one.
pub fn place(asked: Option<&Path>) -> PathBuf {
    asked.unwrap_or(Path::new(PLACE)).to_owned()
}

//! `gpucheck bake`: the gate of a pipeline that builds an image.
//!
//! Invariants: it asks nobody anything; the report comes out whatever becomes of the evidence; of another root nothing is
//! written.

use crate::{
    ask,
    cli::{BakeArgs, Cli},
    collect,
    error::Error,
    evidence,
    exit::Exit,
    knowledge, output,
    root::Root,
    show,
};
use gpucheck_checks::{Knowledge, MachineVerdict, Profile};
use std::{io, path::Path};

/// Looks at an image and judges it.
///
/// # Errors
/// The command line makes no sense, or a file cannot be read or written.
pub fn run(asked: &BakeArgs, cli: &Cli) -> Result<Exit, Error> {
    let profile = Profile::Bake;
    let selection = ask::selection(&cli.look)?;
    let knowledge = knowledge::read(cli.look.knowledge.as_deref())?;
    let targets = targets(&asked.target, &knowledge)?;
    let mut options = ask::options(&cli.look, &cli.show, profile, &selection)?;
    if !is_image(&options.root) {
        return Err(Error::NoImage { path: cli.look.root.clone() });
    }
    options.targets = targets;
    options.needs_memory = asked.needs_memory;
    let facts = collect::collect(&options);
    let mut report = profile.judge(&facts, &knowledge, &selection);
    report.allowed_unverified = asked.allow_unverified && report.verdict == MachineVerdict::Incomplete;
    let is_here = options.root.is_this_machine();
    // What is written after the report cannot cost it.
    let exit = show::report(&report, &cli.show)?;
    let place = evidence::place(asked.evidence.as_deref(), is_here);
    let Some(place) = place else { return Ok(exit) };
    let document = evidence::document(&facts, &report);
    match evidence::write(&document, place) {
        Ok(()) => Ok(exit),
        Err(error) if asked.evidence.is_none() => {
            note(place, &error);
            Ok(exit)
        }
        Err(source) => Err(Error::WriteEvidence { path: place.display().to_string(), source }),
    }
}

/// The targets that were asked for, each once.
fn targets(asked: &[String], knowledge: &Knowledge) -> Result<Vec<String>, Error> {
    let mut targets: Vec<String> = Vec::new();
    for name in asked.iter().map(|name| name.trim()) {
        let known = knowledge.target(name);
        if known.is_none() {
            return Err(Error::unknown_target(name, &knowledge.target_names(name)));
        }
        if !targets.iter().any(|other| other.eq_ignore_ascii_case(name)) {
            targets.push(name.to_owned());
        }
    }
    Ok(targets)
}

/// Whether there is anything to look at: in an empty folder nothing would fail.
fn is_image(root: &Root) -> bool {
    ["/etc", "/usr", "/bin", "/lib"].iter().any(|folder| root.is_folder(folder))
}

/// That nothing was kept in the image, for whoever reads the log of the pipeline.
fn note(place: &Path, error: &io::Error) {
    let place = place.display();
    output::note(&format!(
        "{place}: {error}; what was verified is in the report, and no evidence is left in the image: run as root, or choose a place with --evidence"
    ));
}

//! `gpucheck publish`: the gate before a template is published.

use crate::{
    ask,
    cli::{Cli, PublishArgs},
    collect,
    error::Error,
    exit::Exit,
    knowledge,
    probe::classroom::Class,
    show,
};
use gpucheck_checks::Profile;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// Looks at a template and judges it.
///
/// # Errors
/// The command line makes no sense, or a file cannot be read or written.
pub fn run(asked: &PublishArgs, cli: &Cli) -> Result<Exit, Error> {
    let profile = Profile::Publish;
    let selection = ask::selection(&cli.look)?;
    let knowledge = knowledge::read(cli.look.knowledge.as_deref())?;
    let mut options = ask::options(&cli.look, &cli.show, profile, &selection)?;
    options.class = Class {
        notebooks: folder(asked, &cli.look.root)?,
        run: asked.run_notebooks,
        deadline: Some(Duration::from_secs(asked.notebook_timeout)),
        jupyter_deadline: asked.jupyter_deadline_ms.map(Duration::from_millis),
    };
    let facts = collect::collect(&options);
    show::report(&profile.judge(&facts, &knowledge, &selection), &cli.show)
}

/// The folder of notebooks, wherever this process goes.
fn folder(asked: &PublishArgs, root: &Path) -> Result<Option<PathBuf>, Error> {
    let Some(folder) = &asked.notebooks else { return Ok(None) };
    let unreadable = |source| Error::Notebooks { path: folder.clone(), source };
    let absolute = std::path::absolute(folder).map_err(unreadable)?;
    if root == Path::new("/") {
        std::fs::read_dir(&absolute).map_err(unreadable)?;
    }
    Ok(Some(absolute))
}

//! `gpucheck publish`: the gate before a template is published.

use crate::{
    ask, baseline,
    cli::{Cli, PublishArgs},
    collect,
    error::Error,
    exit::Exit,
    knowledge,
    probe::classroom::Class,
    show,
};
use gpucheck_checks::Profile;

/// Looks at a template and judges it.
///
/// # Errors
/// The command line makes no sense, or a file cannot be read or written.
pub fn run(asked: &PublishArgs, cli: &Cli) -> Result<Exit, Error> {
    let profile = Profile::Publish;
    let selection = ask::selection(&cli.look)?;
    let knowledge = knowledge::read(cli.look.knowledge.as_deref())?;
    let mut options = ask::options(&cli.look, &cli.show, profile, &selection)?;
    options.class = Class { notebooks: asked.notebooks.clone(), run: asked.run_notebooks };
    let facts = collect::collect(&options);
    let report = profile.judge(&facts, &knowledge, &selection);
    let exit = show::report(&report, &cli.show)?;
    baseline::keep(&asked.baseline, cli, &facts, &report).map(|()| exit)
}

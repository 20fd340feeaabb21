//! `gpucheck bake`: the gate of a pipeline that builds an image.

use crate::{
    ask,
    cli::{BakeArgs, Cli},
    collect,
    error::Error,
    exit::Exit,
    knowledge, show,
};
use gpucheck_checks::Profile;

/// Looks at an image and judges it.
///
/// # Errors
/// The command line makes no sense, or a file cannot be read or written.
pub fn run(asked: &BakeArgs, cli: &Cli) -> Result<Exit, Error> {
    let profile = Profile::Bake;
    let selection = ask::selection(&cli.look)?;
    let knowledge = knowledge::read(cli.look.knowledge.as_deref())?;
    let mut options = ask::options(&cli.look, &cli.show, profile, &selection)?;
    options.targets.clone_from(&asked.target);
    let facts = collect::collect(&options);
    show::report(&profile.judge(&facts, &knowledge, &selection), &cli.show)
}

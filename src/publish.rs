//! `gpucheck publish`: the gate before a template is published.

use crate::{
    ask, baseline,
    cli::{Cli, CostArgs, PublishArgs},
    collect::{self, Options},
    error::Error,
    exit::Exit,
    knowledge,
    probe::classroom::Class,
    show,
};
use gpucheck_checks::{self as checks, Cost, CostError, Knowledge, Profile, fact::Observed};
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
        needs_memory: asked.needs_memory,
        run: asked.run_notebooks,
        deadline: Some(Duration::from_secs(asked.notebook_timeout)),
        jupyter_deadline: asked.jupyter_deadline_ms.map(Duration::from_millis),
    };
    options.student.clone_from(&asked.student);
    let cost = cost(&asked.cost, &options, &knowledge)?;
    let facts = collect::collect(&options);
    let mut report = profile.judge(&facts, &knowledge, &selection);
    report.cost = cost;
    let exit = show::report(&report, &cli.show)?;
    baseline::keep(&asked.baseline, cli, &facts, &report).map(|()| exit)
}

/// What the class costs, where that is asked: told before the look, which takes minutes that a wrong option would waste.
fn cost(asked: &CostArgs, options: &Options, knowledge: &Knowledge) -> Result<Option<Cost>, Error> {
    let (Some(seats), Some(hours)) = (asked.seats, asked.hours) else { return Ok(None) };
    let price = asked.unit_price.map(|price| (price, asked.currency.clone()));
    let class = checks::Class { seats, hours, units: asked.units, price };
    let size = match asked.units {
        Some(_) => None,
        None => size(options),
    };
    let cost = class.cost(size.as_deref(), knowledge).map_err(|error| match error {
        CostError::UnknownUnits { size } => Error::UnknownUnits { size },
        CostError::TooMuch => Error::TooMuch,
    })?;
    Ok(Some(cost))
}

/// The size of this machine, as the cloud tells it.
fn size(options: &Options) -> Option<String> {
    match collect::look_at_platform(options).take() {
        Observed::Seen(platform) | Observed::Interrupted { seen: platform, .. } => {
            platform.cloud.metadata.seen()?.vm_size.clone()
        }
        Observed::Failed(_) | Observed::NotProbed { .. } => None,
    }
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

//! `gpucheck drift`: this machine beside the template that it was made from.

use crate::{
    ask, baseline,
    baseline::Baseline,
    cli::{Cli, DriftArgs},
    collect,
    error::Error,
    exit::Exit,
    facts_file, knowledge,
    probe::inventory::{Ask, Compared},
    redact::{OwnHome, redact},
    show,
};
use gpucheck_checks::{Drift, Knowledge, Profile, Report, drift, fact::Facts};

/// Looks at a machine, judges it, and says what changed.
///
/// # Errors
/// There is no baseline to compare with; the command line makes no sense, or a file cannot be read or written.
pub fn run(asked: &DriftArgs, cli: &Cli) -> Result<Exit, Error> {
    let selection = ask::selection(&cli.look)?;
    let knowledge = knowledge::read(cli.look.knowledge.as_deref())?;
    let baseline = baseline::load(&baseline::place(asked.baseline.as_deref()))?;
    let home = OwnHome::of_this_process();
    let facts = if let Some(path) = &asked.facts {
        facts_file::read(path)?
    } else {
        let mut options = ask::options(&cli.look, &cli.show, Profile::Drift, &selection)?;
        options.inventory = wanted(&baseline, &home);
        collect::collect(&options)
    };
    let report = Profile::Drift.judge(&facts, &knowledge, &selection);
    let drift = compared(&baseline, &facts, &knowledge, &home);
    show::report(&Report { drift: Some(drift), ..report }, &cli.show)
}

/// What to take stock of: the environments that there were, and what logs have noted since.
fn wanted(baseline: &Baseline, home: &OwnHome) -> Ask {
    let environments = baseline.facts.inventory.seen().map(|inventory| inventory.environments.keys());
    let since = day_before(&baseline.taken_at);
    let environments = environments.into_iter().flatten().map(|name| home.shown(name)).collect();
    Ask { compared: Some(Compared { since, environments }) }
}

/// The day before, for logs have local times and nobody knows whose; empty where that is no time.
fn day_before(at: &str) -> String {
    let day = at
        .parse::<jiff::Timestamp>()
        .ok()
        .and_then(|at| at.checked_sub(jiff::SignedDuration::from_hours(24)).ok());
    day.map(|day| day.strftime("%Y-%m-%d").to_string()).unwrap_or_default()
}

/// The comparison, of facts that were made fit to be shown alike; a person's own home has its name again at the end.
fn compared(baseline: &Baseline, facts: &Facts, knowledge: &Knowledge, home: &OwnHome) -> Drift {
    let redacted = serde_json::from_value(redact(facts, &[]));
    let drift = drift(&baseline.facts, redacted.as_ref().unwrap_or(facts), knowledge);
    let shown = serde_json::to_value(&drift).map(|value| home.shown_in(value));
    shown.and_then(serde_json::from_value).unwrap_or(drift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_are_read_from_the_day_before() {
        assert_eq!(day_before("2026-11-20T09:00:00Z"), "2026-11-19");
        assert_eq!(day_before("2026-03-01T00:30:00Z"), "2026-02-28");
        assert_eq!(day_before("yesterday"), "");
    }
}

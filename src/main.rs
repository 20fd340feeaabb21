//! The command: read the command line, call the stages, end with a status.

use clap::Parser;
use gpucheck::{
    ask, bake,
    cli::{Cli, Command, LookArgs, Question, WATCH_SECONDS},
    collect, daemon, drift,
    error::Error,
    exit::Exit,
    facts_file, knowledge, motd, output, publish,
    redact::{own_names, redact},
    render, seats, show,
    slow::{self, Asked},
    worker,
};
use gpucheck_checks::{CAUSES, CHECKS, Profile, Selection, Source};
use std::{
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

/// Characters kept of the beginning of a message that is too long.
const MESSAGE_HEAD: usize = 600;
/// Characters kept of its end, where the advice is.
const MESSAGE_TAIL: usize = 200;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().collect();
    if let [_, own, rest @ ..] = args.as_slice() {
        match own.to_str() {
            Some("__probe") => return worker::run(rest),
            Some(daemon::COMMAND) => return daemon::run(rest),
            Some(daemon::look::COMMAND) => return daemon::look::run(rest),
            Some(_) | None => {}
        }
    }
    gpucheck::child::mend_what_was_inherited();
    let cli = Cli::parse();
    log(cli.show.verbose);
    gpucheck::child::end_children_on_signals();
    match run(&cli) {
        Ok(exit) => exit.into(),
        Err(error) => {
            let _ = writeln!(io::stderr(), "gpucheck: {}", one_line(&error.to_string()));
            error.exit().into()
        }
    }
}

/// A message on one line, without control characters and not without end: it may repeat what stands in a file that
/// somebody sent.
fn one_line(message: &str) -> String {
    let clean = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let length = message.chars().count();
    if length <= MESSAGE_HEAD + MESSAGE_TAIL {
        return message.chars().map(clean).collect();
    }
    let head: String = message.chars().take(MESSAGE_HEAD).map(clean).collect();
    let tail: String = message.chars().skip(length - MESSAGE_TAIL).map(clean).collect();
    format!("{head} [...] {tail}")
}

fn run(cli: &Cli) -> Result<Exit, Error> {
    let (look, show) = (&cli.look, &cli.show);
    if let Some(command) = makes_none(cli.command.as_ref()).filter(|_| !show.report.is_empty()) {
        return Err(Error::NoReport { command });
    }
    match &cli.command {
        None => {
            if let Some(found) = daemon::ask::report(look) {
                return show::retold(&found.report, found.retold, show);
            }
            let selection = ask::selection(look)?;
            let knowledge = knowledge::read(look.knowledge.as_deref())?;
            let facts = collect::collect(&ask::options(look, show, Profile::Check, &selection)?);
            show::report(&Profile::Check.judge(&facts, &knowledge, &selection), show)
        }
        Some(Command::Motd) => {
            // Whatever comes of it, it is no reason for a login to fail.
            let message = motd::message(&look.root, show::language(show));
            let _ = output::write(&message, show.output.as_deref());
            Ok(Exit::Usable)
        }
        Some(Command::Daemon(asked)) => match asked.ask {
            None => daemon::start(asked, look),
            Some(question) => {
                output::write(&daemon::ask::question(question, &look.socket)?, show.output.as_deref())?;
                Ok(Exit::Usable)
            }
        },
        Some(Command::Publish(asked)) => publish::run(asked, cli),
        Some(Command::Bake(asked)) => bake::run(asked, cli),
        Some(Command::Drift(asked)) => drift::run(asked, cli),
        Some(Command::Class(asked)) => seats::run(asked, &cli.show),
        Some(Command::Slow(asked)) => {
            look_alone(look)?;
            let selection = Selection::default();
            let knowledge = knowledge::read(look.knowledge.as_deref())?;
            let time = Duration::from_secs(asked.seconds.into());
            let options = ask::options(look, show, Profile::Slow, &selection)?;
            let facts = slow::facts(&options, &(&asked.whom).into(), time)?;
            show::report(&Profile::Slow.judge(&facts, &knowledge, &selection), show)
        }
        Some(Command::Record { profile, seconds, whom }) => {
            let profile = match profile {
                Question::Check => Profile::Check,
                Question::Publish => Profile::Publish,
                Question::Bake => Profile::Bake,
            };
            let mut options = ask::options(look, show, profile, &ask::selection(look)?)?;
            // Facts are to show what is there now.
            options.fresh = true;
            if options.sources.contains(&Source::Compute) {
                options.sources.insert(Source::Work);
            }
            let asked = Asked::from(whom);
            let is_asked = asked != Asked::Machine;
            let facts = match seconds.or(is_asked.then_some(WATCH_SECONDS)) {
                Some(seconds) => slow::facts(&options, &asked, Duration::from_secs(seconds.into()))?,
                None => collect::collect(&options),
            };
            output::write(&render::json(&redact(&facts, &own_names())), show.output.as_deref())?;
            Ok(Exit::Usable)
        }
        Some(Command::Judge { facts }) => {
            let selection = ask::selection(look)?;
            let knowledge = knowledge::read(look.knowledge.as_deref())?;
            let facts = facts_file::read(facts)?;
            // Where checks are chosen, the question is whether the GPU is usable, whatever was looked at.
            let profile = Profile::of(&facts);
            let all = selection == Selection::default();
            let profile = if profile == Profile::Slow && !all { Profile::Check } else { profile };
            show::report(&profile.judge(&facts, &knowledge, &selection), show)
        }
        Some(Command::Explain { id }) => {
            let known = CHECKS.iter().map(|check| check.id).chain(CAUSES.iter().map(|cause| cause.id));
            let page = render::manual(id, show::language(show), show::style(show).width);
            let page = page.ok_or_else(|| Error::unknown_id(id, known))?;
            output::write(&page, show.output.as_deref())?;
            Ok(Exit::Usable)
        }
        Some(Command::List) => {
            output::write(&render::list(), show.output.as_deref())?;
            Ok(Exit::Usable)
        }
    }
}

/// The name of a command that makes no report.
fn makes_none(command: Option<&Command>) -> Option<&'static str> {
    match command? {
        Command::Record { .. } => Some("record"),
        Command::Explain { .. } => Some("explain"),
        Command::List => Some("list"),
        Command::Motd => Some("motd"),
        Command::Daemon(_) => Some("daemon"),
        Command::Slow(_)
        | Command::Publish(_)
        | Command::Bake(_)
        | Command::Drift(_)
        | Command::Class(_)
        | Command::Judge { .. } => None,
    }
}

/// What makes a machine slow is one question: no check is left out of it, and no GPU put to work meanwhile.
fn look_alone(look: &LookArgs) -> Result<(), Error> {
    let given = [
        ("--only", !look.only.is_empty()),
        ("--skip", !look.skip.is_empty()),
        ("--deep", look.deep),
        ("--soak", look.soak.is_some()),
    ];
    match given.into_iter().find(|(_, is_given)| *is_given) {
        Some((option, _)) => Err(Error::NotWithSlow { option }),
        None => Ok(()),
    }
}

/// Logs go to standard error, for whoever asks for them; the report alone has standard output.
fn log(verbose: u8) {
    let level = match verbose {
        0 => tracing::level_filters::LevelFilter::OFF,
        1 => tracing::level_filters::LevelFilter::INFO,
        2 => tracing::level_filters::LevelFilter::DEBUG,
        _ => tracing::level_filters::LevelFilter::TRACE,
    };
    tracing_subscriber::fmt().with_max_level(level).with_writer(io::stderr).init();
}

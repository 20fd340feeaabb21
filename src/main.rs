//! The command: read the command line, call the stages, end with a status.

use clap::Parser;
use gpucheck::{
    cli::{Cli, Color, Command, Format, LookArgs, ShowArgs, WATCH_SECONDS},
    collect::{self, Options},
    error::Error,
    exit::Exit,
    knowledge, locale, output,
    probe::cuda::work::Wish,
    progress::{Line, Progress},
    redact::redact,
    render::{self, Style},
    root::Root,
    slow::{self, Asked},
    worker,
};
use gpucheck_checks::{
    CAUSES, CHECKS, Knowledge, Language, Report, Selection, Source, UnknownId, diagnose,
    fact::{FACTS_SCHEMA, Facts, Level},
    is_watched, slow_sources,
};
use std::{
    fs::File,
    io::{self, IsTerminal, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

/// Largest facts file that is read, in bytes; a recorded one has some ten thousand.
const LARGEST_FACTS: u64 = 64 << 20;
/// Characters kept of the beginning of a message that is too long.
const MESSAGE_HEAD: usize = 600;
/// Characters kept of its end, where the advice is.
const MESSAGE_TAIL: usize = 200;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().collect();
    if let [_, probe, rest @ ..] = args.as_slice()
        && probe == "__probe"
    {
        return worker::run(rest);
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
    match &cli.command {
        None => {
            let selection = selection(look)?;
            let knowledge = knowledge::read(look.knowledge.as_deref())?;
            report(
                &collect::collect(&options(look, &selection, language(show))?),
                &knowledge,
                &selection,
                show,
            )
        }
        Some(Command::Slow(asked)) => {
            look_alone(look)?;
            let knowledge = knowledge::read(look.knowledge.as_deref())?;
            let time = Duration::from_secs(asked.seconds.into());
            let mut options = options(look, &Selection::default(), language(show))?;
            options.sources = slow_sources();
            let facts = slow::facts(&options, &(&asked.whom).into(), time)?;
            report(&facts, &knowledge, &Selection::default(), show)
        }
        Some(Command::Record { seconds, whom }) => {
            let mut options = options(look, &selection(look)?, language(show))?;
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
            let selection = selection(look)?;
            let knowledge = knowledge::read(look.knowledge.as_deref())?;
            report(&read_facts(facts)?, &knowledge, &selection, show)
        }
        Some(Command::Explain { id }) => {
            let known = CHECKS.iter().map(|check| check.id).chain(CAUSES.iter().map(|cause| cause.id));
            let page = render::manual(id, language(show), style(show).width);
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

/// By which the asking person may be told in a path: as a user, and as the folder that is their home.
fn own_names() -> Vec<String> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let folder = home.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let user = ["USER", "LOGNAME", "SUDO_USER"].into_iter().filter_map(|name| std::env::var(name).ok());
    user.chain(folder).collect()
}

fn selection(look: &LookArgs) -> Result<Selection, Error> {
    Selection::new(look.only.clone(), look.skip.clone()).map_err(|UnknownId(name)| {
        let layers = CHECKS.iter().filter_map(|check| check.id.split_once('.')).map(|(layer, _)| layer);
        Error::unknown_id(&name, CHECKS.iter().map(|check| check.id).chain(layers))
    })
}

fn options(look: &LookArgs, selection: &Selection, language: Language) -> Result<Options, Error> {
    let words = move |line: Line<'_>| render::progress(line, language);
    let wish = Wish { deep: look.deep, soak_s: look.soak, small: look.small_work };
    let mut sources = selection.sources();
    if wish.level() != Level::Usual {
        // Whoever asks for it gets it, and what decides how much of it there may be.
        sources.extend([Source::Nvml, Source::Driver, Source::Compute, Source::Work]);
    }
    Ok(Options {
        root: root(&look.root)?,
        sources,
        cloud_metadata: (!look.no_cloud_metadata).then(|| look.cloud_metadata_url.clone()),
        full: look.full,
        fresh: look.fresh,
        progress: Progress::on_terminal(words),
        exercise: !look.no_exercise,
        work: wish,
        this_pythons: look.this_pythons,
        this_notebooks: look.this_notebooks,
        driver_deadline: look.driver_deadline_ms.map(Duration::from_millis),
    })
}

/// A root that can be looked at; otherwise everything in it would seem to be missing.
fn root(path: &Path) -> Result<Root, Error> {
    let unreadable = |source| Error::Root { path: path.to_owned(), source };
    std::fs::read_dir(path).map_err(unreadable)?;
    let root = Root::new(path);
    match root.list("/") {
        Ok(_) => Ok(root),
        // Containers of old refuse the system calls that they do not know.
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM)) => {
            Err(Error::RootNeedsNewerLinux { path: path.to_owned() })
        }
        Err(error) => Err(unreadable(error)),
    }
}

/// The one field that every layout of facts has.
#[derive(serde::Deserialize)]
struct Layout {
    schema: u64,
}

fn read_facts(path: &Path) -> Result<Facts, Error> {
    let name = path.display().to_string();
    let unreadable = |source| Error::ReadFacts { path: name.clone(), source };
    let mut text = Vec::new();
    let source: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).map_err(unreadable)?)
    };
    source.take(LARGEST_FACTS + 1).read_to_end(&mut text).map_err(unreadable)?;
    let no_facts = |message: String| Error::NoFacts { path: name.clone(), message };
    if text.len() as u64 > LARGEST_FACTS {
        return Err(no_facts(format!("more than {LARGEST_FACTS} bytes")));
    }
    let text = String::from_utf8(text).map_err(|error| no_facts(error.to_string()))?;
    let layout: Layout = serde_json::from_str(&text).map_err(|error| no_facts(error.to_string()))?;
    if layout.schema > u64::from(FACTS_SCHEMA) {
        return Err(Error::NewerFacts { path: name, schema: layout.schema, known: FACTS_SCHEMA });
    }
    serde_json::from_str(&text).map_err(|error| no_facts(error.to_string()))
}

fn report(
    facts: &Facts,
    knowledge: &Knowledge,
    selection: &Selection,
    show: &ShowArgs,
) -> Result<Exit, Error> {
    // Facts of a machine that was watched are those of `gpucheck slow`, unless checks are chosen.
    let why_slow = is_watched(facts) && *selection == Selection::default();
    let report = if why_slow {
        gpucheck_checks::slow(facts, knowledge)
    } else {
        diagnose(facts, knowledge, selection)
    };
    output::write(&render(&report, show), show.output.as_deref())?;
    Ok(Exit::of(&report, show.strict))
}

fn render(report: &Report, show: &ShowArgs) -> String {
    match show.format {
        Format::Json => render::json(report),
        Format::Text if show.quiet => format!("{}\n", render::answer(report, language(show))),
        Format::Text => render::text(report, style(show), language(show)),
    }
}

/// The language that was asked for, else that of the locale.
fn language(show: &ShowArgs) -> Language {
    let variable = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    show.lang.map_or_else(|| locale::language(variable), Language::from)
}

fn style(show: &ShowArgs) -> Style {
    let to_terminal = show.output.is_none() && io::stdout().is_terminal();
    let color = match show.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            to_terminal && anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
        }
    };
    let terminal = to_terminal.then(|| rustix::termios::tcgetwinsize(io::stdout()).ok()).flatten();
    let columns = terminal.map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0);
    let asked = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    Style { width: columns.or(asked).unwrap_or(100).clamp(40, 160), color }
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

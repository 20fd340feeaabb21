//! The command line.

mod daemon;
mod seats;
mod template;

use crate::probe::frameworks::Asker;
use clap::{Args, Parser, Subcommand, ValueEnum};
pub use daemon::{DaemonArgs, DaemonAsk};
use gpucheck_checks::Language;
pub use seats::ClassArgs;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
pub use template::{BakeArgs, BaselineArgs, CostArgs, DriftArgs, PublishArgs};

/// Says whether this machine's NVIDIA GPU is usable, and if not, the one cause and the one fix.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Exit status: 0 usable (of publish and bake: ready), 1 not, 2 usage, 3 something needed could not be told, 4 gpucheck's own error"
)]
pub struct Cli {
    /// What to do; without a command: look at this machine and say whether its GPU is usable.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// What to look at.
    #[command(flatten)]
    pub look: LookArgs,
    /// What to show.
    #[command(flatten)]
    pub show: ShowArgs,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Watch this machine for some seconds, and say what makes it slow
    Slow(SlowArgs),
    /// Say whether this template is ready to be published: today, after the next boot, and on each clone
    Publish(Box<PublishArgs>),
    /// Say whether this image is good for the machines that it is meant for; on a builder without a GPU, too
    Bake(BakeArgs),
    /// Say whether the GPU is usable, and what changed since this machine's template was saved
    Drift(DriftArgs),
    /// Say in a line or two what the daemon's last report says, for a login; nothing where it says nothing
    Motd,
    /// Look at boot, on trouble and from time to time, and answer `gpucheck` at once; or ask the daemon that runs
    Daemon(DaemonArgs),
    /// Merge the reports of many machines into one answer: how many seats of a class are ready, and why the others are not
    Class(ClassArgs),
    /// Look, and write down the facts (JSON, without serial numbers and user names) instead of judging them
    Record {
        /// The question whose facts are taken down, for `gpucheck judge` to answer anywhere
        #[arg(long, value_enum, default_value_t = Question::Check, hide_default_value = true, conflicts_with_all = ["seconds", "pid", "notebook"])]
        profile: Question,
        /// Watch the machine for so many seconds, too: what `gpucheck slow` judges
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=LONGEST_WATCH))]
        seconds: Option<u16>,
        /// Whom to watch.
        #[command(flatten)]
        whom: WhomArgs,
    },
    /// Judge recorded facts, of any machine
    Judge {
        /// A file that `gpucheck record` wrote; - is standard input. Recorded with --seconds: what makes that machine slow
        facts: PathBuf,
    },
    /// Show the manual page of a check or a cause
    Explain {
        /// Its id, as reports and `gpucheck list` show it
        id: String,
    },
    /// List every check and every cause
    List,
}

/// A question that facts can be taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Question {
    /// Is the GPU usable?
    Check,
    /// Is this template ready to be published? As root: as each of its users sees it
    Publish,
    /// Is this image good?
    Bake,
}

/// Time to watch where none is given, in seconds.
pub const WATCH_SECONDS: u16 = 5;
/// Longest time to watch, in seconds.
const LONGEST_WATCH: i64 = 600;

/// What to watch, and for how long.
#[derive(Debug, Args)]
pub struct SlowArgs {
    /// Seconds to watch
    #[arg(long, value_name = "N", default_value_t = WATCH_SECONDS, value_parser = clap::value_parser!(u16).range(1..=LONGEST_WATCH))]
    pub seconds: u16,
    /// Whom to watch.
    #[command(flatten)]
    pub whom: WhomArgs,
}

/// Whom to watch; nobody: the whole machine.
#[derive(Debug, Args)]
pub struct WhomArgs {
    /// Ask about this process, not about the whole machine
    #[arg(long, value_name = "PID", conflicts_with = "notebook")]
    pub pid: Option<u32>,
    /// Ask about this notebook: its path, its name, or the id of its kernel
    #[arg(long, value_name = "NAME")]
    pub notebook: Option<String>,
}

/// What to look at.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Looking")]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct LookArgs {
    /// Look at the machine in this folder (its /proc, /sys, /dev, /lib, ...) instead of this one; no Python is run
    #[arg(long, global = true, value_name = "DIR", default_value = "/")]
    pub root: PathBuf,
    /// Judge these checks or layers only, with what they need; repeatable, or separated by commas
    #[arg(long, global = true, value_name = "ID", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Leave these checks or layers out; repeatable, or separated by commas
    #[arg(long, global = true, value_name = "ID", value_delimiter = ',')]
    pub skip: Vec<String>,
    /// Judge by the tables in this folder (gpus.toml, drivers.toml, ...); those that it lacks are gpucheck's own
    #[arg(long, global = true, value_name = "DIR")]
    pub knowledge: Option<PathBuf>,
    /// Import frameworks in full, as a notebook does, even where a cheap look raises no doubt
    #[arg(long, global = true)]
    pub full: bool,
    /// Look at every Python anew, also where nothing has changed since the last look
    #[arg(long, global = true)]
    pub fresh: bool,
    /// Import frameworks and list their GPUs, but compute nothing
    #[arg(long, global = true)]
    pub no_exercise: bool,
    /// Test all free memory of the GPUs, by every pattern: up to some minutes, in which other programs find none
    #[arg(long, global = true)]
    pub deep: bool,
    /// Do that again and again for so long: 90s, 10m, 2h
    #[arg(long, global = true, value_name = "DURATION", value_parser = seconds)]
    pub soak: Option<u64>,
    /// Do not ask the cloud's metadata service for the size of this machine
    #[arg(long, global = true)]
    pub no_cloud_metadata: bool,
    /// Where the metadata service answers
    #[arg(long, global = true, hide = true, value_name = "URL", default_value = crate::probe::platform::AZURE_METADATA)]
    pub cloud_metadata_url: String,
    /// With --root: look at the Pythons of this machine as if they were the root's
    #[arg(long, global = true, hide = true)]
    pub this_pythons: bool,
    /// With --root: look at the kernels and servers of Jupyter of this machine as if they were the root's
    #[arg(long, global = true, hide = true)]
    pub this_notebooks: bool,
    /// Milliseconds for each of the driver's libraries to answer, instead of their own deadlines
    #[arg(long, global = true, hide = true, value_name = "MS")]
    pub driver_deadline_ms: Option<u64>,
    /// A list of users in the form of /etc/passwd, in its place
    #[arg(long, global = true, hide = true, value_name = "FILE")]
    pub users_list: Option<PathBuf>,
    /// Milliseconds to look as one user
    #[arg(long, global = true, hide = true, value_name = "MS")]
    pub user_deadline_ms: Option<u64>,
    /// What the Python says of itself from within which the package `gpucheck` calls this program
    #[arg(long, global = true, hide = true, value_name = "JSON", value_parser = Asker::parse)]
    pub asking: Option<Asker>,
    /// Put the GPUs to as little work as proves that all of it is done: for simulated ones
    #[arg(long, global = true, hide = true)]
    pub small_work: bool,
    /// Where the daemon listens
    #[arg(long, global = true, hide = true, value_name = "PATH", default_value = crate::daemon::wire::SOCKET)]
    pub socket: PathBuf,
}

/// Longest time for work that goes on: a week, in seconds.
const LONGEST: u64 = 7 * 24 * 60 * 60;

/// Reads a time as a number and its unit.
pub(crate) fn seconds(text: &str) -> Result<u64, String> {
    let wrong = || "a time is a number and s, m or h: 90s, 10m, 2h".to_owned();
    let units = [('s', 1), ('m', 60), ('h', 60 * 60)];
    let (number, unit) = units
        .into_iter()
        .find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))
        .ok_or_else(wrong)?;
    let is_number = !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit());
    let number: u64 = if is_number { number.parse().map_err(|_| wrong())? } else { return Err(wrong()) };
    match number.saturating_mul(unit) {
        0 => Err("no time at all".to_owned()),
        seconds if seconds > LONGEST => Err("more than a week".to_owned()),
        seconds => Ok(seconds),
    }
}

/// What to show.
#[derive(Debug, Args)]
#[command(next_help_heading = "Showing")]
pub struct ShowArgs {
    /// Form of the report
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Write the report to this file, too, in the form of its ending: .txt, .json, .xml (JUnit), .html, .md, .prom
    /// (Prometheus); repeatable
    #[arg(long, global = true, value_name = "FILE", value_parser = ReportFile::parse)]
    pub report: Vec<ReportFile>,
    /// Write the report to this file instead of standard output
    #[arg(short, long, global = true, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// End with 1 also where the GPU is usable or the template ready, and something is to be mended, or has changed since it was
    /// saved
    #[arg(long, global = true)]
    pub strict: bool,
    /// Print the answer's line alone
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Language of text, HTML and Markdown; otherwise that of the locale (`LC_ALL`, `LC_MESSAGES`, `LANG`)
    #[arg(long, global = true, value_enum)]
    pub lang: Option<Lang>,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    /// Log what is done to standard error; twice: in detail
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// Form of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For programs
    Json,
    /// For pipelines: JUnit XML
    Junit,
    /// A page to keep, to send and to print
    Html,
    /// For a pull request
    Markdown,
    /// For node_exporter's textfile collector: Prometheus's text
    Prometheus,
    /// All of these and what a notebook shows, as one JSON object: for the Python package
    #[value(hide = true)]
    Parts,
}

impl Format {
    /// As the command line names it.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// The endings of report files, and the form that each asks for.
const ENDINGS: [(&str, Format); 6] = [
    ("txt", Format::Text),
    ("json", Format::Json),
    ("xml", Format::Junit),
    ("html", Format::Html),
    ("md", Format::Markdown),
    ("prom", Format::Prometheus),
];

/// A file for the report, and the form that its ending asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportFile {
    /// Where.
    pub path: PathBuf,
    /// In which form.
    pub format: Format,
}

impl ReportFile {
    fn parse(text: &str) -> Result<Self, String> {
        let path = PathBuf::from(text);
        let is_folder = text.ends_with('/');
        let ending = path
            .extension()
            .filter(|_| !is_folder)
            .map(|ending| ending.to_string_lossy().to_ascii_lowercase());
        let known = ENDINGS.into_iter().find(|(known, _)| ending.as_deref() == Some(*known));
        let format = known.map(|(_, format)| format).ok_or(
            "the ending tells the form: .txt for text, .json, .xml for JUnit, .html, .md for Markdown or .prom for Prometheus",
        )?;
        Ok(Self { path, format })
    }
}

/// Language of the text report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Lang {
    /// English
    En,
    /// Korean (한국어)
    Ko,
}

impl From<Lang> for Language {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::En => Self::English,
            Lang::Ko => Self::Korean,
        }
    }
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn a_time_has_a_unit() {
        let read = [("90s", 90), ("10m", 600), ("2h", 7200), ("168h", 7 * 24 * 3600)];
        for (text, expected) in read {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for text in ["90", "s", "", "-5s", "+5s", "1.5h", "5 m", "0s", "169h", "99999999999999999999s", "5d"]
        {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_ending_of_a_file_tells_its_form() {
        for (path, format) in
            [("a.xml", Format::Junit), ("/b/c.d.HTML", Format::Html), ("e.md", Format::Markdown)]
        {
            assert_eq!(ReportFile::parse(path), Ok(ReportFile { path: path.into(), format }));
        }
        for path in ["", "report", "report.", ".html", "report.pdf", "report.html/", "report.html.gz", "-"] {
            let message = ReportFile::parse(path).unwrap_err();
            assert!(message.contains(".txt") && message.contains(".xml"), "{path}: {message}");
        }
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}

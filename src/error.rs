//! gpucheck's own troubles: what was seen, what it means, what to do next. The machine's are values.

use crate::exit::Exit;
use std::{io, path::PathBuf};

/// Why gpucheck gives no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An id that nothing has.
    #[error("there is no check, cause or layer {name:?}{}; `gpucheck list` shows all", nearest(.near))]
    UnknownId {
        /// The name.
        name: String,
        /// Names that look like it.
        near: Vec<String>,
    },
    /// A machine that nobody knows.
    #[error("--target {name}: no size of Azure's and no GPU that gpucheck knows{}; give a size such as Standard_NC4as_T4_v3 or a GPU such as T4", nearest(.near))]
    UnknownTarget {
        /// The name.
        name: String,
        /// Names that look like it.
        near: Vec<String>,
    },
    /// A folder that holds no system.
    #[error("--root {}: none of /etc, /usr, /bin and /lib is in it, so it is no image of a machine; mount the image, and give the folder that holds its /etc, /usr, ...", .path.display())]
    NoImage {
        /// The folder.
        path: PathBuf,
    },
    /// An option that has no meaning where it is asked what is slow.
    #[error(
        "{option} is not for `gpucheck slow`, which watches and names what slows the machine down; leave it out"
    )]
    NotWithSlow {
        /// The option.
        option: &'static str,
    },
    /// A process that is not there.
    #[error("there is no process {pid}; `gpucheck slow` without --pid watches the whole machine")]
    NoProcess {
        /// Its number.
        pid: u32,
    },
    /// A notebook that nobody has open, or whose name several have.
    #[error("--notebook {name}: {what}{}", notebooks(.open))]
    NoNotebook {
        /// What was asked for.
        name: String,
        /// Why it is not watched, as a clause.
        what: String,
        /// The notebooks that there are to choose from.
        open: Vec<String>,
    },
    /// What the class costs cannot be told.
    #[error(
        "what the class costs cannot be told: {}; say with --units how many units an hour of one machine is billed with", .size.as_ref().map_or_else(|| "no cloud tells the size of this machine".to_owned(), |size| format!("no table has the units of {size}"))
    )]
    UnknownUnits {
        /// The size of this machine.
        size: Option<String>,
    },
    /// The class costs more than can be counted.
    #[error("what the class costs has more digits than gpucheck counts; give smaller numbers")]
    TooMuch,
    /// The root to look at is no folder.
    #[error("--root {}: {source}; give the folder that holds the machine's /proc, /sys, /lib, ...", .path.display())]
    Root {
        /// The folder.
        path: PathBuf,
        /// The operating system's words.
        source: io::Error,
    },
    /// The system call that keeps inside another root is missing.
    #[error("--root {}: --root needs Linux 5.6 or newer, and a container that allows openat2; look from another machine", .path.display())]
    RootNeedsNewerLinux {
        /// The folder.
        path: PathBuf,
    },
    /// The folder of notebooks cannot be looked at.
    #[error("--notebooks {}: {source}; give the folder that holds the notebooks of the class", .path.display())]
    Notebooks {
        /// The folder.
        path: PathBuf,
        /// The operating system's words.
        source: io::Error,
    },
    /// A facts file that cannot be read.
    #[error("{path}: {source}; give a file that `gpucheck record` wrote, or - for standard input")]
    ReadFacts {
        /// The file.
        path: String,
        /// The operating system's words.
        source: io::Error,
    },
    /// A facts file that holds something else.
    #[error("{path}: not facts of gpucheck: {message}; it may be cut off or edited: record it again")]
    NoFacts {
        /// The file.
        path: String,
        /// What is wrong, with line and column.
        message: String,
    },
    /// A facts file of a newer gpucheck.
    #[error(
        "{path}: facts of layout {schema}, this gpucheck reads up to {known}: judge them with a newer one"
    )]
    NewerFacts {
        /// The file.
        path: String,
        /// Its layout.
        schema: u64,
        /// The newest known one.
        known: u32,
    },
    /// There is nothing to compare with.
    #[error("{}: {source}; {}", .path.display(), without_baseline(.source))]
    ReadBaseline {
        /// The file.
        path: PathBuf,
        /// The operating system's words.
        source: io::Error,
    },
    /// What was to be compared with is none, or not what was saved.
    #[error(
        "{}: not a baseline that `gpucheck publish` saved: {message}; it may be cut off or edited: save it again on the template, or name another one with --baseline FILE", .path.display()
    )]
    NoBaseline {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// A baseline of a newer gpucheck.
    #[error(
        "{}: a baseline of layout {schema}, this gpucheck reads up to {known}: use the gpucheck that saved it, or a newer one", .path.display()
    )]
    NewerBaseline {
        /// The file.
        path: PathBuf,
        /// Its layout.
        schema: u64,
        /// The newest known one.
        known: u64,
    },
    /// A baseline cannot be kept where it was asked for.
    #[error("--baseline {}: {source}; the report is not lost, the baseline is not saved: choose another place", .path.display())]
    SaveBaseline {
        /// The file.
        path: PathBuf,
        /// The operating system's words.
        source: io::Error,
    },
    /// The answer cannot be written.
    #[error("{path}: {source}; the report is not written, choose another --output")]
    Write {
        /// Where.
        path: String,
        /// The operating system's words.
        source: io::Error,
    },
    /// What was verified cannot be kept.
    #[error("--evidence {path}: {source}; the report is written, the evidence is not: choose another place")]
    WriteEvidence {
        /// Where.
        path: String,
        /// The operating system's words.
        source: io::Error,
    },
    /// A further report cannot be written; everything else is.
    #[error("{path}: {source}; this report is not written, choose another place with --report")]
    WriteReport {
        /// Where.
        path: String,
        /// The operating system's words.
        source: io::Error,
    },
    /// Several documents cannot be written.
    #[error("{}", each(.0))]
    Several(Vec<Self>),
    /// Reports are asked of a command that makes none.
    #[error(
        "--report is not for `gpucheck {command}`, which makes no report; leave it out, or write to a file with --output"
    )]
    NoReport {
        /// The command.
        command: &'static str,
    },
    /// The daemon cannot run.
    #[error("the daemon cannot run: {0}; it is meant to be started as a service: systemctl start gpucheckd")]
    Daemon(String),
    /// The daemon cannot be asked.
    #[error("{}: {message}; is the service up? systemctl status gpucheckd", .path.display())]
    NoDaemon {
        /// Its socket.
        path: PathBuf,
        /// What came of it.
        message: String,
    },
    /// The daemon does not do what it is asked for.
    #[error("the daemon says: {0}")]
    Refused(String),
    /// Nothing to merge.
    #[error("{}: no report in it; give reports that `gpucheck --format json` wrote, or folders that hold them as SEAT.json or SEAT/gpucheck.json", .0.join(", "))]
    NoReports(Vec<String>),
    /// What seats were to be compared with is nothing that they can be.
    #[error("--baseline {}: neither a report in JSON nor what `gpucheck publish` saved: {message}", .path.display())]
    NoTemplate {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// A form that says of one machine what a class has many of.
    #[error(
        "the form {format} is not for `gpucheck class`; take json for programs, or text, html or markdown"
    )]
    NotOfClass {
        /// Its name on the command line.
        format: String,
    },
    /// A table that this gpucheck was built with is broken.
    #[error("gpucheck's own table {0}; this is a bug in gpucheck, please report it")]
    OwnKnowledge(String),
    /// A folder of tables that cannot be read.
    #[error("--knowledge {}: {source}; give a folder that holds tables such as gpus.toml", .path.display())]
    ReadKnowledge {
        /// The folder, or the table in it.
        path: PathBuf,
        /// The operating system's words.
        source: io::Error,
    },
    /// A table of that folder that is none.
    #[error("--knowledge {}: {message}; mend the table, or take it away to use gpucheck's own", .path.display())]
    NoKnowledge {
        /// The table.
        path: PathBuf,
        /// What is wrong, with line and column.
        message: String,
    },
}

fn without_baseline(source: &io::Error) -> &'static str {
    if source.kind() == io::ErrorKind::NotFound {
        "no template was saved here, so there is nothing to compare with: `gpucheck publish` on the template saves it, `gpucheck` alone looks at this machine, --baseline FILE names another one"
    } else {
        "there is nothing to compare with: give the file that `gpucheck publish` saved with --baseline FILE"
    }
}

fn notebooks(open: &[String]) -> String {
    if open.is_empty() {
        "; no notebook of yours has a kernel that runs: open it, or name its process with --pid".to_owned()
    } else {
        format!("; these have a kernel that runs: {}", open.join(", "))
    }
}

fn each(errors: &[Error]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn nearest(near: &[String]) -> String {
    if near.is_empty() { String::new() } else { format!(" (did you mean {}?)", near.join(" or ")) }
}

impl Error {
    /// The exit status that goes with it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::UnknownId { .. }
            | Self::UnknownTarget { .. }
            | Self::NoImage { .. }
            | Self::NoReport { .. }
            | Self::NotOfClass { .. }
            | Self::NotWithSlow { .. }
            | Self::NoProcess { .. }
            | Self::NoNotebook { .. }
            | Self::UnknownUnits { .. }
            | Self::TooMuch
            | Self::Root { .. }
            | Self::RootNeedsNewerLinux { .. }
            | Self::Notebooks { .. } => Exit::Usage,
            Self::ReadFacts { .. }
            | Self::NoFacts { .. }
            | Self::NewerFacts { .. }
            | Self::ReadBaseline { .. }
            | Self::NoBaseline { .. }
            | Self::NewerBaseline { .. }
            | Self::SaveBaseline { .. }
            | Self::Write { .. }
            | Self::WriteEvidence { .. }
            | Self::WriteReport { .. }
            | Self::Several(_)
            | Self::Daemon(_)
            | Self::NoDaemon { .. }
            | Self::Refused(_)
            | Self::NoReports(_)
            | Self::NoTemplate { .. }
            | Self::OwnKnowledge(_)
            | Self::ReadKnowledge { .. }
            | Self::NoKnowledge { .. } => Exit::OwnError,
        }
    }

    /// A [`Error::UnknownId`] with the names among `known` that look like it.
    pub fn unknown_id(name: &str, known: impl IntoIterator<Item = &'static str>) -> Self {
        Self::UnknownId { name: name.to_owned(), near: near(name, known) }
    }

    /// A [`Error::UnknownTarget`] with the names among `known` that look like it.
    pub fn unknown_target(name: &str, known: &[String]) -> Self {
        Self::UnknownTarget { name: name.to_owned(), near: near(name, known.iter().map(String::as_str)) }
    }
}

/// The two names that look most like this one, of those that look like it at all.
fn near<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let small = name.to_lowercase();
    let distance = |id: &str| strsim::damerau_levenshtein(&small, &id.to_lowercase());
    let mut near: Vec<(usize, &str)> = known
        .into_iter()
        .map(|id| (distance(id), id))
        .filter(|(distance, id)| *distance <= id.len().max(3) / 3 || (!name.is_empty() && id.contains(name)))
        .collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().take(2).map(|(_, id)| id.to_owned()).collect()
}

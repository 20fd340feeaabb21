//! Running gpucheck on a simulated machine.
//!
//! The machine's files lie in a temporary folder, which is what `--root` names; the simulated libraries lie in it too,
//! and `LD_LIBRARY_PATH` leads there. Nothing else of this machine's is to be seen: the environment is cleared, `PATH`
//! leads nowhere, so that there is no Python unless the machine's file brings one into reach.

use crate::{
    error::Error,
    expect::{ExpectedRoot, Got},
    file::{Question, Surroundings},
    machine::Machine,
    metadata::Metadata,
    scenario, stage,
    tree::{Tree, driver},
};
use gpucheck_checks::{Outcome, Report, Root, Verdict};
use gpucheck_sim::Scenario;
use std::{
    ffi::{OsStr, OsString},
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// A machine whose files lie in a folder.
pub struct Staged {
    folder: TempDir,
    environment: Vec<(String, OsString)>,
    arguments: Vec<OsString>,
    question: Vec<OsString>,
    user: Option<u32>,
    /// It answers for as long as it is there.
    metadata: Option<Metadata>,
}

/// What became of a run.
#[derive(Debug)]
pub enum Ran {
    /// gpucheck said this, after this time.
    Got(Got, Duration),
    /// The machine cannot be simulated here, and why.
    Skipped(String),
}

/// Why a machine cannot be simulated by whoever runs this; none where it can.
pub fn reason_to_skip(machine: &Machine) -> Option<String> {
    let is_root = rustix::process::geteuid().is_root();
    let user = machine.host.user.filter(|_| !is_root)?;
    Some(format!("only root can ask as user {user}"))
}

impl Staged {
    /// Lays a machine's files into a folder.
    ///
    /// # Errors
    /// The libraries cannot be linked, or a file cannot be written.
    pub fn new(machine: &Machine) -> Result<Self, Error> {
        let wrong =
            |what: &str, error: &dyn std::fmt::Display| Error::of(&machine.name, format!("{what}: {error}"));
        let folder =
            TempDir::with_prefix("gpucheck-machine-").map_err(|error| wrong("temporary folder", &error))?;
        let files = |error: std::io::Error| wrong("its files", &error);
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).map_err(files)?;
        let root = folder.path().join("root");
        fs::create_dir(&root).map_err(files)?;
        let libraries = machine.libraries().map(gpucheck_sim::libraries).transpose();
        let libraries = libraries.map_err(|error| wrong("libraries", &error))?;
        stage::lay(&Tree::of(machine), &root, libraries.as_deref()).map_err(files)?;
        for overlay in &machine.overlays {
            stage::overlay(overlay, &root).map_err(files)?;
        }
        let mut staged = Self {
            environment: environment(machine, &root),
            arguments: vec!["--root".into(), root.into(), "--this-pythons".into(), "--small-work".into()],
            question: question(machine),
            user: machine.host.user,
            folder,
            metadata: None,
        };
        staged.add_scenario(machine).map_err(files)?;
        staged.add_metadata(machine).map_err(|error| wrong("metadata service", &error))?;
        if let Some(deadline) = machine.host.deadline_ms {
            staged.arguments.extend(["--driver-deadline-ms".into(), deadline.to_string().into()]);
        }
        Ok(staged)
    }

    fn add_scenario(&mut self, machine: &Machine) -> std::io::Result<()> {
        let Some(scenario) = scenario::of(machine) else { return Ok(()) };
        let path = self.scenario();
        fs::write(&path, serde_json::to_vec_pretty(&scenario)?)?;
        self.environment.push((gpucheck_sim::scenario::VARIABLE.to_owned(), path.into()));
        Ok(())
    }

    fn add_metadata(&mut self, machine: &Machine) -> std::io::Result<()> {
        match &machine.host.size {
            Some(size) if machine.place() == Surroundings::Azure => {
                let metadata = Metadata::telling(size)?;
                self.arguments.extend(["--cloud-metadata-url".into(), metadata.address().into()]);
                self.metadata = Some(metadata);
            }
            Some(_) | None => self.arguments.push("--no-cloud-metadata".into()),
        }
        Ok(())
    }

    /// The machine's folder.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    fn scenario(&self) -> PathBuf {
        self.folder.path().join("scenario.json")
    }

    /// From now on NVML lists every process that has a context of this machine's CUDA. The folder in which they are noted:
    /// once it is gone, NVML refuses to list any.
    ///
    /// # Errors
    /// The machine has no driver, or a file cannot be written.
    pub fn list_contexts(&self) -> std::io::Result<PathBuf> {
        let mut scenario: Scenario = serde_json::from_slice(&fs::read(self.scenario())?)?;
        let contexts = self.folder.path().join("contexts");
        fs::create_dir(&contexts)?;
        fs::set_permissions(&contexts, fs::Permissions::from_mode(0o1777))?;
        scenario.contexts = Some(contexts.clone());
        fs::write(self.scenario(), serde_json::to_vec_pretty(&scenario)?)?;
        Ok(contexts)
    }

    /// Leaves the files where they are and says where.
    pub fn keep(self) -> PathBuf {
        self.folder.keep()
    }

    /// gpucheck, about to be asked this machine's question.
    ///
    /// # Errors
    /// As for [`Staged::command`].
    pub fn question(&self, gpucheck: &Path) -> std::io::Result<Command> {
        let mut command = self.command(gpucheck)?;
        command.args(&self.question);
        Ok(command)
    }

    /// gpucheck, about to look at this machine.
    ///
    /// # Errors
    /// The program cannot be put where the asking user may run it.
    pub fn command(&self, gpucheck: &Path) -> std::io::Result<Command> {
        let mut command = match self.user {
            None => Command::new(gpucheck),
            Some(user) => {
                // The folder that cargo builds into may be closed to others.
                let own = self.folder.path().join("gpucheck");
                if !own.exists() {
                    stage::same_file(gpucheck, &own)?;
                }
                let mut command = Command::new(own);
                command.uid(user).gid(user);
                command
            }
        };
        command.env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.args(&self.arguments).stdin(Stdio::null());
        Ok(command)
    }
}

/// The command that asks a machine's question, with what it takes.
fn question(machine: &Machine) -> Vec<OsString> {
    let targets = machine.targets.iter().flat_map(|target| ["--target".into(), target.into()]);
    match machine.profile {
        Question::Check => Vec::new(),
        Question::Publish => vec!["publish".into()],
        Question::Bake => std::iter::once("bake".into()).chain(targets).collect(),
    }
}

/// The variables that gpucheck is started with.
fn environment(machine: &Machine, root: &Path) -> Vec<(String, OsString)> {
    let folder = if machine.place() == Surroundings::Wsl { driver::WSL_LIBRARIES } else { driver::LIBRARIES };
    let mut variables: Vec<(String, OsString)> = vec![
        ("PATH".to_owned(), "/nowhere".into()),
        ("LD_LIBRARY_PATH".to_owned(), root.join(folder.trim_start_matches('/')).into()),
    ];
    let root = root.to_string_lossy();
    variables.extend(
        machine.environment.iter().map(|(name, value)| (name.clone(), value.replace("{root}", &root).into())),
    );
    variables
}

/// Runs gpucheck on a machine and takes in what it says.
///
/// # Errors
/// The machine cannot be laid out, or gpucheck cannot be run or gives no report.
pub fn check(machine: &Machine, gpucheck: &Path) -> Result<Ran, Error> {
    if let Some(why) = reason_to_skip(machine) {
        return Ok(Ran::Skipped(why));
    }
    // Linked once for all machines of a branch, which is no part of a machine's time.
    let _ = machine.libraries().map(gpucheck_sim::libraries);
    let start = Instant::now();
    let staged = Staged::new(machine)?;
    let run = || staged.question(gpucheck)?.args(["--format", "json"]).output();
    let output = run().map_err(|error| Error::of(&machine.name, error))?;
    let got = got(&output).map_err(|error| Error::of(&machine.name, error))?;
    Ok(Ran::Got(got, start.elapsed()))
}

/// Judges recorded facts by the program.
///
/// # Errors
/// gpucheck cannot be run or gives no report.
pub fn judge(name: &str, facts: &[u8], gpucheck: &Path) -> Result<(Got, Duration), Error> {
    let wrong = |error: &dyn std::fmt::Display| Error::of(name, error);
    let start = Instant::now();
    let folder = TempDir::with_prefix("gpucheck-facts-").map_err(|error| wrong(&error))?;
    let file = folder.path().join("facts.json");
    fs::write(&file, facts).map_err(|error| wrong(&error))?;
    let arguments = [OsStr::new("judge"), file.as_os_str(), OsStr::new("--format"), OsStr::new("json")];
    let output = Command::new(gpucheck).args(arguments).output().map_err(|error| wrong(&error))?;
    Ok((got(&output).map_err(|error| wrong(&error))?, start.elapsed()))
}

fn got(output: &Output) -> Result<Got, String> {
    let report: Report = serde_json::from_slice(&output.stdout).map_err(|error| {
        format!("no report ({error}): {}", String::from_utf8_lossy(&output.stderr).trim())
    })?;
    Ok(Got {
        verdict: report.verdict,
        readiness: report.readiness,
        exit: output.status.code().and_then(|code| u8::try_from(code).ok()),
        roots: report.roots.iter().map(root).collect(),
        loose: report.outcomes.iter().filter(|outcome| is_loose(outcome)).map(line).collect(),
    })
}

fn root(root: &Root) -> ExpectedRoot {
    ExpectedRoot {
        id: root.id.clone(),
        cause: root.cause.clone(),
        subject: root.subject.to_string(),
        explains: root.explains.clone(),
    }
}

/// A failure or a warning that hangs on no root.
fn is_loose(outcome: &Outcome) -> bool {
    matches!(outcome.verdict, Verdict::Fail | Verdict::Warn) && outcome.root.is_none()
}

fn line(outcome: &Outcome) -> String {
    format!("{}: {}", outcome.id, outcome.summary)
}

//! Workers: this program once more, as the process in which a driver library is loaded.
//!
//! Invariants: a worker's whole instruction is its command line, `__probe SOURCE ASK` (the one that sweeps has its own
//! from standard input, which no other user can read); its whole answer is its trail; it leaves without running anything
//! that the library wanted run at exit.

use crate::{
    child::{self, Follower, Hears, Job, Trail},
    probe::{classroom, cuda, libraries, library::Search, nvml, users},
};
use gpucheck_checks::fact::{Observed, ProbeFailure};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

/// Exit status of a worker that cannot read its command line, or that nobody listens to.
const USAGE: u8 = 2;

/// Changes to a worker's environment; none removes the variable.
pub(crate) type Variables = Vec<(&'static str, Option<OsString>)>;

/// What a worker is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// Where the library is looked for.
    pub search: Search,
    /// Why the library shall be opened and not initialized; none where it shall be initialized.
    pub hold_init: Option<String>,
    /// Whether the library may make device nodes and load modules.
    pub may_make_nodes: bool,
}

/// How a worker is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    /// The program that understands `__probe`.
    pub program: OsString,
    /// Time until it must have answered.
    pub deadline: Duration,
}

/// What a worker starts with; as this process has it where nothing else is said.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The environment in the place of this process's.
    pub base: Option<child::Variables>,
    /// Changes to it.
    pub changes: Vec<(child::Name, Option<OsString>)>,
    /// Its working directory.
    pub folder: Option<PathBuf>,
    /// Whom to become first.
    pub identity: Option<child::Identity>,
    /// Whether it may make device nodes and load modules.
    pub may_make_nodes: bool,
}

impl Worker {
    /// This very program.
    pub fn own(deadline: Duration) -> Self {
        Self { program: "/proc/self/exe".into(), deadline }
    }

    /// Runs a worker for a source, with so many bytes of memory, and waits for what becomes of it.
    pub(crate) fn ask<T: DeserializeOwned>(
        &self,
        source: &str,
        ask: &Ask,
        memory: u64,
        env: Variables,
    ) -> Observed<T> {
        self.ask_and_follow(source, ask, (ask, memory, env), &mut Hears(&|_| {}))
    }

    /// The same with a question of the source's own, which is asked of this library, and somebody who follows the worker.
    pub(crate) fn ask_and_follow<Q: Serialize, T: DeserializeOwned>(
        &self,
        source: &str,
        question: &Q,
        (library, memory, env): (&Ask, u64, Variables),
        follower: &mut dyn Follower,
    ) -> Observed<T> {
        let changes = env.into_iter().chain(library.search.environment());
        let around = Surroundings {
            changes: changes.map(|(name, value)| (name.into(), value)).collect(),
            may_make_nodes: library.may_make_nodes,
            ..Surroundings::default()
        };
        self.run(source, question, (memory, around), follower)
    }

    /// The same in surroundings of its own.
    pub(crate) fn run<Q: Serialize, T: DeserializeOwned>(
        &self,
        source: &str,
        question: &Q,
        (memory, around): (u64, Surroundings),
        follower: &mut dyn Follower,
    ) -> Observed<T> {
        let asked = match serde_json::to_string(question) {
            Ok(asked) => asked,
            Err(error) => return Observed::Failed(ProbeFailure::NotStarted { message: error.to_string() }),
        };
        let job = Job {
            program: self.program.clone(),
            args: vec!["__probe".into(), source.into(), asked.into()],
            base: around.base,
            env: around.changes,
            folder: around.folder,
            deadline: self.deadline,
            memory,
            files: Vec::new(),
            identity: around.identity,
            may_make_nodes: around.may_make_nodes,
            stack_at_deadline: false,
        };
        let finished = child::run_followed(job, follower);
        tracing::debug!(source, elapsed_ms = finished.elapsed_ms, log = finished.log, "worker ended");
        finished.observed
    }
}

/// Does a worker's work; `args` is what follows `__probe`. Returns only where it cannot read them or nobody listens.
pub fn run(args: &[OsString]) -> ExitCode {
    if args == [classroom::SWEEP] {
        return classroom::sweep();
    }
    let [source, ask] = args else { return ExitCode::from(USAGE) };
    match source.to_str() {
        Some(nvml::SOURCE) => answer(ask, nvml::look),
        Some(nvml::WATCH) => answer(ask, nvml::sample),
        Some(nvml::HOLDERS) => answer(ask, nvml::tell_holders),
        Some(cuda::SOURCE) => answer(ask, cuda::look),
        Some(cuda::COUNT) => answer(ask, cuda::count),
        Some(cuda::work::SOURCE) => answer(ask, cuda::work::look),
        Some(libraries::SOURCE) => answer(ask, libraries::look),
        Some(users::SOURCE) => answer(ask, users::look),
        Some(_) | None => ExitCode::from(USAGE),
    }
}

/// Looks, answers, and is gone: a driver library's destructors have crashed and hung before.
fn answer<Q: DeserializeOwned, T: Serialize>(
    ask: &OsStr,
    look: impl FnOnce(&Q, &mut Trail) -> T,
) -> ExitCode {
    let Some(ask) = ask.to_str().and_then(|ask| serde_json::from_str(ask).ok()) else {
        return ExitCode::from(USAGE);
    };
    // SAFETY: sets the default action. Rust's own handler turns a stack overflow in foreign code into SIGABRT.
    unsafe {
        libc::signal(libc::SIGSEGV, libc::SIG_DFL);
        libc::signal(libc::SIGBUS, libc::SIG_DFL);
    }
    let Some(mut trail) = Trail::from_parent() else { return ExitCode::from(USAGE) };
    let seen = look(&ask, &mut trail);
    trail.answer(&seen);
    // SAFETY: ends the process at once; nothing of this program's waits to be written.
    unsafe { libc::_exit(0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreadable_command_line_is_a_usage_error() {
        let ask = r#"{"search":"loader","hold_init":null,"may_make_nodes":false}"#;
        assert!(serde_json::from_str::<Ask>(ask).is_ok());
        for args in [&[][..], &["nvml"], &["nvml", "{"], &["other", ask], &["nvml", ask, "more"]] {
            let args: Vec<OsString> = args.iter().map(OsString::from).collect();
            assert_eq!(format!("{:?}", run(&args)), format!("{:?}", ExitCode::from(USAGE)), "{args:?}");
        }
    }
}

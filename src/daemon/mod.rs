//! The daemon: it looks when there is a reason to, keeps the last report, and answers `gpucheck` at once.
//!
//! ```text
//!  kernel's log ─┐                                                  ┌─▶ report.json, state.json
//!  uevents ──────┤    one     look due   ┌─────────────────────┐    │
//!  sleep ────────┼──▶ poll ─────────────▶│ gpucheck __look     │────┘
//!  timer ────────┤    loop    one line   │ (a child: NVML,     │
//!  those who ask ┘      ◀────────────────│ CUDA, Pythons)      │
//!                                        └─────────────────────┘
//! ```
//!
//! Invariants: this process looks at nothing but a few short files, so that it stays small and nothing foreign can take it
//! along; it sleeps until there is something to do; one look at a time; a look that crashes, hangs or says nonsense is told,
//! and costs no report; nobody who asks waits for anybody else.

mod agent;
pub mod ask;
mod clock;
pub mod config;
mod footprint;
mod journal;
pub mod look;
mod peer;
mod schedule;
mod service;
mod signals;
mod socket;
mod state;
mod triggers;
mod uevents;
mod under_way;
pub mod view;
pub mod wire;

use crate::{
    cli::{DaemonArgs, LookArgs},
    error::Error,
    exit::Exit,
    root::Root,
};
use agent::Agent;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::Mode,
    process::{Resource, Rlimit, getrlimit, setrlimit},
};
use serde::{Deserialize, Serialize};
use signals::Heard;
use socket::Clients;
pub(crate) use state::REPORT;
use std::{
    ffi::OsString,
    fs,
    io::{self, Write},
    os::{fd::OwnedFd, unix::process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Duration,
};

/// What this program is called with to be the daemon.
pub const COMMAND: &str = "__daemon";
/// Files that may be open: one for each client, and some.
const FILES: u64 = 4096;

/// What the command line says.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Settings {
    config: PathBuf,
    state: PathBuf,
    look: LookArgs,
    looker: Option<PathBuf>,
    look_deadline_ms: Option<u64>,
    gap_ms: Option<u64>,
}

/// Becomes the daemon. The program starts once more in this very process: what reads a command line is not needed any more.
///
/// # Errors
/// It cannot be started.
pub fn start(args: &DaemonArgs, look: &LookArgs) -> Result<Exit, Error> {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut look = look.clone();
    (look.socket, look.root) = (absolute(&look.socket), absolute(&look.root));
    let settings = Settings {
        config: absolute(&args.config),
        state: absolute(&args.state),
        look,
        looker: args.looker.clone(),
        look_deadline_ms: args.look_deadline_ms,
        gap_ms: args.gap_ms,
    };
    let settings = serde_json::to_string(&settings).map_err(|error| Error::Daemon(error.to_string()))?;
    let error = Command::new("/proc/self/exe").arg0("gpucheckd").arg(COMMAND).arg(settings).exec();
    Err(Error::Daemon(error.to_string()))
}

/// Is the daemon; `args` is what follows [`COMMAND`].
pub fn run(args: &[OsString]) -> ExitCode {
    let settings: Option<Settings> = match args {
        [settings] => settings.to_str().and_then(|settings| serde_json::from_str(settings).ok()),
        _ => None,
    };
    let Some(settings) = settings else { return Exit::Usage.into() };
    match serve(settings) {
        Ok(()) => Exit::Usable.into(),
        Err(error) => {
            let error = Error::Daemon(error.to_string());
            let _ = writeln!(io::stderr(), "gpucheck: {error}");
            error.exit().into()
        }
    }
}

fn serve(settings: Settings) -> io::Result<()> {
    // It was started by a path that says nothing.
    let _ = rustix::thread::set_name(c"gpucheckd");
    crate::child::mend_what_was_inherited();
    allow_files();
    // Whatever mask it was started with: what it keeps is for everybody to read.
    rustix::process::umask(Mode::from_raw_mode(0o022));
    let signals = signals::hear()?;
    for folder in [Some(settings.state.as_path()), settings.look.socket.parent()].into_iter().flatten() {
        let told = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", folder.display()));
        fs::create_dir_all(folder).map_err(told)?;
    }
    let clients = Clients::listen(&settings.look.socket)?;
    let agent = Agent::new(settings);
    Loop { agent, clients, signals }.run()
}

fn allow_files() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.map_or(FILES, |maximum| maximum.min(FILES));
    if current.is_some_and(|current| current < wanted) {
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum });
    }
}

struct Loop {
    agent: Agent,
    clients: Clients,
    signals: OwnedFd,
}

impl Loop {
    fn run(mut self) -> io::Result<()> {
        self.agent.begin(&mut self.clients);
        loop {
            self.agent.act(clock::now());
            let ready = self.wait(clock::now())?;
            let now = clock::now();
            while let Some(heard) = signals::next(&self.signals) {
                match heard {
                    Heard::End => {
                        self.agent.end();
                        return Ok(());
                    }
                    Heard::Reload => self.agent.reload(&mut self.clients),
                    // What came of it is seen to below.
                    Heard::Child => {}
                }
            }
            self.agent.notice(now);
            let agent = &mut self.agent;
            self.clients.serve(now, ready, &mut |asked| agent.answer(asked, now));
        }
    }

    /// Waits until there is something to do; for each client, whether there is something to be done for it.
    fn wait(&self, now: Duration) -> io::Result<Vec<bool>> {
        let mut polled = vec![PollFd::new(&self.signals, PollFlags::IN)];
        polled.extend(self.agent.waited_for(now).map(|file| PollFd::new(file, PollFlags::IN)));
        let before = polled.len() + self.clients.doors();
        self.clients.polled(&mut polled);
        let next = [self.agent.next(now), self.clients.next()].into_iter().flatten().min();
        // Up to the next millisecond, as poll counts: one too early would come again and again.
        let left = next.map(|at| at.saturating_sub(now) + Duration::from_millis(1));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut polled, left.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(polled.iter().skip(before).map(|client| !client.revents().is_empty()).collect())
    }
}

/// The root that is looked at.
fn root(settings: &Settings) -> Root {
    Root::new(&settings.look.root)
}

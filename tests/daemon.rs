//! The daemon: the real one, as systemd and those who ask it meet it.

mod answers;
mod clients;
mod events;
mod looks;
mod pythons;
mod service;

use crate::stage::within;
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::{
        fs::{PermissionsExt, symlink},
        net::{UnixDatagram, UnixStream},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

/// Time for what takes moments on a machine that has nothing else to do.
const PATIENCE: Duration = Duration::from_secs(30);

/// A daemon, and the folder in which it lives.
struct Daemon {
    folder: tempfile::TempDir,
    child: Child,
}

/// How one is started.
struct Start {
    folder: tempfile::TempDir,
    command: Command,
    /// Milliseconds between looks that are called for.
    gap: &'static str,
}

impl Start {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Other users are to reach the socket.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(folder.path().join("home")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_gpucheck"));
        command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", folder.path().join("home"));
        command.current_dir(folder.path().join("home"));
        let at = |name: &str| folder.path().join(name);
        command.arg("daemon").arg("--state").arg(at("state")).arg("--socket").arg(at("socket"));
        command.arg("--config").arg(at("gpucheckd.toml"));
        command.arg("--no-cloud-metadata");
        command.stdin(Stdio::null()).stdout(Stdio::null());
        Self { folder, command, gap: "0" }
    }

    /// One whose looks are a script: `SAY ANSWER` says that the report, whose text is `{}`, has this answer.
    fn with_looks(act: &str) -> Self {
        let mut start = Self::new();
        let here = start.folder.path();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/daemon/looker.sh");
        symlink(script, here.join("looker")).unwrap();
        start.act(act);
        start.command.arg("--looker").arg(start.folder.path().join("looker"));
        start
    }

    fn act(&self, act: &str) {
        write_act(self.folder.path(), act);
    }

    fn args(mut self, args: &[&str]) -> Self {
        self.command.args(args);
        self
    }

    fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    fn config(self, text: &str) -> Self {
        fs::write(self.folder.path().join("gpucheckd.toml"), text).unwrap();
        self
    }

    fn run(mut self) -> Daemon {
        self.command.args(["--gap-ms", self.gap]);
        let log = fs::File::create(self.folder.path().join("log")).unwrap();
        // A test that fails leaves none behind.
        // SAFETY: between fork and exec the closure makes one system call.
        unsafe {
            self.command.pre_exec(|| {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                Ok(())
            });
        }
        let child = self.command.stderr(log).spawn().unwrap();
        let daemon = Daemon { folder: self.folder, child };
        assert!(within(PATIENCE, || UnixStream::connect(daemon.at("socket")).is_ok()), "{}", daemon.log());
        daemon
    }
}

fn write_act(folder: &Path, act: &str) {
    let state = folder.join("state");
    let said = said("$1").to_string().replace('"', "\\\"");
    let say = format!("SAY() {{ printf '{{}}' > {}/report.json.new; echo \"{said}\"; }}\n", state.display());
    fs::write(folder.join("act"), format!("{say}{act}\n")).unwrap();
}

/// What a look says of a report with this answer.
fn said(answer: &str) -> Value {
    json!({
        "gpucheck": env!("CARGO_PKG_VERSION"), "written": true, "full": true, "confirms": false,
        "verdict": "usable", "answer": answer, "held_back": null, "view": null
    })
}

impl Daemon {
    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.at("log")).unwrap()
    }

    fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    fn signal(&self, signal: i32) {
        // SAFETY: a system call on numbers; the child is this test's.
        assert_eq!(unsafe { libc::kill(self.pid(), signal) }, 0);
    }

    /// Waits until the log has this.
    fn logs(&self, text: &str) {
        assert!(within(PATIENCE, || self.log().contains(text)), "{text} is not in\n{}", self.log());
    }

    fn ask(&self, ask: &str) -> Value {
        answer(&self.at("socket"), &question(ask)).0
    }

    /// Waits for a report with this answer.
    fn knows(&self, expected: &str) -> Value {
        let known = || self.ask("status")["known"]["answer"].as_str().unwrap_or_default().contains(expected);
        assert!(within(PATIENCE, known), "{expected}: {}\n{}", self.ask("status"), self.log());
        self.ask("status")
    }

    /// Asks for a look, and waits until it is over.
    fn look(&self) -> Value {
        assert!(within(PATIENCE, || self.ask("look")["refused"].is_null()), "{}", self.ask("look"));
        let is_over = || {
            let status = self.ask("status");
            status["looking"] == json!(false) && status["next_s"].as_u64().is_some_and(|left| left > 60)
        };
        assert!(within(PATIENCE, is_over), "{}", self.log());
        self.ask("status")
    }

    /// Ends it as systemd does.
    fn end(mut self) -> ExitStatus {
        self.signal(libc::SIGTERM);
        assert!(within(Duration::from_secs(5), || self.child.try_wait().unwrap().is_some()));
        self.child.wait().unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn question(ask: &str) -> Vec<u8> {
    format!("{{\"protocol\":1,\"ask\":\"{ask}\"}}\n").into_bytes()
}

/// The first line of an answer, and what follows it.
fn answer(socket: &Path, question: &[u8]) -> (Value, Vec<u8>) {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(question).unwrap();
    take(stream)
}

fn take(stream: UnixStream) -> (Value, Vec<u8>) {
    let mut reader = BufReader::new(stream);
    let (mut line, mut rest) = (String::new(), Vec::new());
    reader.read_line(&mut line).unwrap();
    reader.read_to_end(&mut rest).unwrap();
    (serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")), rest)
}

/// What systemd is told.
fn notified(folder: &Path) -> UnixDatagram {
    let socket = UnixDatagram::bind(folder.join("notify")).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

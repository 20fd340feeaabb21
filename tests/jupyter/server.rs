//! A real Jupyter server, on loopback and in a home of its own.

use super::AMPLE;
use crate::{pythons::part, stage::SERVERS};
use serde_json::Value;
use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{PoisonError, RwLockWriteGuard},
    time::{Duration, Instant},
};

/// Connects to a kernel and runs code in it: to its end, and prints what that prints; or only until it is busy.
const EXECUTE: &str = "
import sys
from jupyter_client import BlockingKernelClient
client = BlockingKernelClient(connection_file=sys.argv[1])
client.load_connection_file()
client.start_channels()
client.wait_for_ready(timeout=60)
if sys.argv[2] == 'whole':
    def show(message):
        if message['msg_type'] == 'stream':
            print(message['content']['text'], end='', flush=True)
    client.execute_interactive(sys.argv[3], timeout=60, output_hook=show)
else:
    sent = client.execute(sys.argv[3])
    while True:
        message = client.get_iopub_msg(timeout=60)
        if message['parent_header'].get('msg_id') == sent and message['content'].get('execution_state') == 'busy':
            break
client.stop_channels()
";

/// It, and its kernels; all of them end with this value.
pub(crate) struct Running {
    home: tempfile::TempDir,
    child: Child,
    note: Value,
    /// What its addresses begin with.
    base: String,
    _alone: RwLockWriteGuard<'static, ()>,
}

impl Running {
    pub(crate) fn start() -> Self {
        Self::of(&part("jupyter").join("bin/python"), "jupyter_server", "/", &[])
    }

    /// The server that a module of this Python is, below a prefix, with more arguments.
    pub(crate) fn of(python: &Path, module: &str, base: &str, more: &[&str]) -> Self {
        let alone = SERVERS.write().unwrap_or_else(PoisonError::into_inner);
        let home = tempfile::tempdir().unwrap();
        fs::create_dir_all(home.path().join("notebooks")).unwrap();
        let mut command = Command::new(python);
        let folder = home.path().join("notebooks");
        command
            .args(["-m", module, "--ServerApp.ip=127.0.0.1", "--ServerApp.open_browser=False"])
            .args(["--allow-root", &format!("--ServerApp.port={}", free_port())])
            .arg(format!("--ServerApp.root_dir={}", folder.display()))
            .arg(format!("--ServerApp.base_url={base}"))
            .args(more);
        let log = fs::File::create(home.path().join("log")).unwrap();
        surroundings(&mut command, home.path()).current_dir(home.path()).process_group(0);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let mut server = Self { home, child, note: Value::Null, base: base.to_owned(), _alone: alone };
        server.wait();
        server
    }

    /// Until it answers.
    fn wait(&mut self) {
        let note = self.runtime().join(format!("jpserver-{}.json", self.child.id()));
        let until = Instant::now() + AMPLE;
        loop {
            let text = fs::read_to_string(&note).unwrap_or_default();
            if let Ok(note) = serde_json::from_str(&text) {
                self.note = note;
                if self.try_ask("GET", "api/kernels", None).is_some() {
                    return;
                }
            }
            let log = || fs::read_to_string(self.home.path().join("log")).unwrap_or_default();
            assert!(self.child.try_wait().unwrap().is_none(), "the server ended: {}", log());
            assert!(Instant::now() < until, "the server does not answer: {}", log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.home.path().join("notebooks")
    }

    pub(crate) fn runtime(&self) -> PathBuf {
        self.home.path().join("runtime")
    }

    /// Where it is, with the prefix.
    pub(crate) fn address(&self) -> String {
        let port = self.note.get("port").and_then(Value::as_u64).unwrap();
        format!("http://127.0.0.1:{port}{}", self.base)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn token(&self) -> String {
        self.note.get("token").and_then(Value::as_str).filter(|token| token.len() > 20).unwrap().to_owned()
    }

    /// Opens a notebook; the ids of its kernel and of its session.
    pub(crate) fn open(&self, path: &str) -> (String, String) {
        let body = serde_json::json!({"path": path, "name": path, "type": "notebook", "kernel": {"name": "python3"}});
        let session = self.ask("POST", "api/sessions", Some(&body));
        let text = |pointer| session.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
        (text("/kernel/id"), text("/id"))
    }

    pub(crate) fn rename(&self, session: &str, path: &str) {
        let body = serde_json::json!({"path": path, "name": path});
        self.ask("PATCH", &format!("api/sessions/{session}"), Some(&body));
    }

    /// What code prints in a kernel.
    pub(crate) fn execute(&self, kernel: &str, code: &str) -> String {
        self.run(kernel, "whole", code)
    }

    /// Begins to run code in a kernel.
    pub(crate) fn begin(&self, kernel: &str, code: &str) {
        self.run(kernel, "begin", code);
    }

    fn run(&self, kernel: &str, how: &str, code: &str) -> String {
        let file = self.runtime().join(format!("kernel-{kernel}.json"));
        let mut command = Command::new(part("jupyter").join("bin/python"));
        command.args(["-c", EXECUTE]).arg(file).args([how, code]);
        let output = surroundings(&mut command, self.home()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The process of a kernel, among the children of the server.
    pub(crate) fn process_of(&self, kernel: &str) -> u32 {
        let id = self.pid();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        let is_kernel = |pid: &u32| {
            let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&words).contains(kernel)
        };
        children
            .split_whitespace()
            .map(|pid| pid.parse().unwrap())
            .find(is_kernel)
            .expect("a child of the server")
    }

    /// What gpucheck prints in this home.
    pub(crate) fn gpucheck(&self, words: &[&str]) -> Value {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gpucheck"));
        let output = surroundings(command.args(words), self.home()).output().unwrap();
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
    }

    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        self.try_ask(method, path, body).unwrap_or_else(|| panic!("{method} {path} is not answered"))
    }

    /// A request as people write it by hand; none where the answer is no success.
    fn try_ask(&self, method: &str, path: &str, body: Option<&Value>) -> Option<Value> {
        let port = u16::try_from(self.note.get("port")?.as_u64()?).ok()?;
        let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.set_read_timeout(Some(AMPLE)).unwrap();
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = format!(
            "{method} {}{path} HTTP/1.0\r\nAuthorization: token {}\r\nContent-Length: {}\r\n\r\n{body}",
            self.base,
            self.token(),
            body.len()
        );
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        head.split(' ').nth(1)?.starts_with('2').then(|| serde_json::from_str(body).unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A server that is asked to end shuts its kernels down, which have groups of their own.
        let group = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(group, rustix::process::Signal::TERM);
        let until = Instant::now() + Duration::from_secs(10);
        let children = || {
            let id = self.child.id();
            fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default()
        };
        let kernels = children();
        while Instant::now() < until && self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            std::thread::sleep(Duration::from_millis(50));
        }
        let groups = kernels.split_whitespace().filter_map(|pid| pid.parse().ok());
        for group in groups.filter_map(rustix::process::Pid::from_raw).chain([group]) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        drop(self.child.wait());
    }
}

/// Nothing of this process's own.
fn surroundings<'a>(command: &'a mut Command, home: &Path) -> &'a mut Command {
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", home)
        .env("JUPYTER_RUNTIME_DIR", home.join("runtime"))
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

//! Servers that are none, or that answer what none answers; and notes that lead elsewhere than they say.
//!
//! The servers listen in this very process, so their port is its own.

use crate::stage::SERVERS;
use gpucheck::{
    probe::notebooks::{Environment, probe},
    root::Root,
};
use gpucheck_checks::fact::{Observed, Server, Session};
use std::{
    fs,
    io::{ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::{Child, Command},
    sync::{Arc, Mutex, PoisonError, RwLockWriteGuard},
    time::{Duration, Instant},
};

const TOKEN: &str = "5ec2e7-0f-a-person";
/// What a busy machine may take beyond a bound that the code keeps.
const SLACK: Duration = Duration::from_secs(3);

/// A server that answers each request in its own way, and keeps what it was asked.
struct Fake {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    fn start(answer: impl Fn(&str, TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let request = request(&mut stream);
                kept.lock().unwrap().push(request.clone());
                answer(&request, stream);
            }
        });
        Self { port, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// A request, to the end of its head.
fn request(stream: &mut TcpStream) -> String {
    let (mut text, mut byte) = (Vec::new(), [0]);
    while !text.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
        text.push(byte[0]);
    }
    String::from_utf8(text).unwrap()
}

fn say(mut stream: TcpStream, status: &str, body: &str) {
    let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    drop(stream.write_all(format!("{head}{body}").as_bytes()));
}

/// A note in the form of jupyter_server 2.21.1, in a folder of its own.
fn note(folder: &Path, pid: u32, port: u16, mode: u32) {
    let note = serde_json::json!({"base_url": "/lab/", "hostname": "0.0.0.0", "password": false, "pid": pid, "port": port,
        "root_dir": "/home/kim", "secure": false, "sock": "", "token": TOKEN, "url": "http://203.0.113.7/", "version": "2.21.1"});
    let file = folder.join(format!("jpserver-{pid}.json"));
    fs::write(&file, note.to_string()).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
}

/// What is seen with the notes of this folder.
fn servers(folder: &Path) -> Vec<Server> {
    let environment = Environment { runtime: Some(folder.to_owned()), ..Environment::default() };
    let Observed::Seen(notebooks) = probe(&Root::new("/"), &environment) else { panic!("the probe failed") };
    notebooks.servers
}

fn of(servers: Vec<Server>, pid: u32) -> Option<Observed<Vec<Session>>> {
    servers.into_iter().find(|server| u32::try_from(server.pid) == Ok(pid)).map(|server| server.sessions)
}

/// What this process says as a server on that port.
fn told(port: u16) -> Observed<Vec<Session>> {
    let folder = tempfile::tempdir().unwrap();
    note(folder.path(), std::process::id(), port, 0o600);
    let start = Instant::now();
    let told = of(servers(folder.path()), std::process::id()).expect("it listens on that port");
    assert!(start.elapsed() < Duration::from_millis(500) + SLACK, "{:?}", start.elapsed());
    assert!(!format!("{told:?}").contains(TOKEN), "{told:?}");
    told
}

#[test]
fn an_honest_server_is_asked_with_its_token() {
    let kernel = r#"{"id": "k1", "name": "python3", "execution_state": "idle", "connections": 2}"#;
    let fake = Fake::start(move |request, stream| {
        let sessions = format!(r#"[{{"path": "a.ipynb", "type": "notebook", "kernel": {kernel}}}]"#);
        let kernels = format!(r#"[{kernel}, {{"id": "k2"}}]"#);
        say(stream, "200 OK", if request.contains("sessions") { &sessions } else { &kernels });
    });
    let Observed::Seen(sessions) = told(fake.port) else { panic!("{:?}", told(fake.port)) };
    let [first, second] = sessions.as_slice() else { panic!("{sessions:?}") };
    assert_eq!((first.path.as_deref(), first.connections), (Some("a.ipynb"), Some(2)));
    assert_eq!((second.kernel.as_str(), second.path.as_deref()), ("k2", None));
    let asked = fake.asked();
    let starts: Vec<&str> = asked.iter().filter_map(|request| request.lines().next()).collect();
    assert_eq!(starts, ["GET /lab/api/sessions HTTP/1.1", "GET /lab/api/kernels HTTP/1.1"]);
    let authorization = format!("authorization: token {TOKEN}");
    assert!(asked.iter().all(|request| request.to_lowercase().contains(&authorization)), "{asked:?}");
}

#[test]
fn whatever_a_server_answers_is_a_value() {
    for (status, body, word) in [
        ("500 Internal Server Error", "oh", "500"),
        ("403 Forbidden", r#"{"message": "Forbidden"}"#, "403"),
        ("200 OK", "<!DOCTYPE HTML><html><form action=\"/login\">", "JSON"),
        ("200 OK", r#"{"message": "no"}"#, "list"),
        ("200 OK", r#"[{"kernel": {"id": 7}}]"#, "kernel"),
        ("200 OK", "", "JSON"),
        ("nonsense", "", ""),
    ] {
        let fake = Fake::start(move |_, stream| say(stream, status, body));
        let told = told(fake.port);
        assert!(told.failure().is_some_and(|why| why.to_string().contains(word)), "{status}: {told:?}");
    }
}

#[test]
fn a_server_without_an_end_is_left() {
    let endless = Fake::start(|_, mut stream| {
        std::thread::spawn(move || {
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            let mut open = stream.write_all(head.as_bytes()).is_ok();
            let chunk = format!("10000\r\n{}\r\n", "[".repeat(0x10000));
            while open {
                open = stream.write_all(chunk.as_bytes()).is_ok();
            }
        });
    });
    let slow = Fake::start(|_, mut stream| {
        std::thread::spawn(move || {
            let mut open = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n").is_ok();
            while open {
                std::thread::sleep(Duration::from_millis(50));
                open = stream.write_all(b" ").is_ok();
            }
        });
    });
    let kept = Mutex::new(Vec::new());
    let silent = Fake::start(move |_, stream| kept.lock().unwrap().push(stream));
    for (fake, name) in [(endless, "endless"), (slow, "slow"), (silent, "silent")] {
        let told = told(fake.port);
        assert!(told.seen().is_none() && told.failure().is_some(), "{name}: {told:?}");
        assert!(!fake.asked().is_empty(), "{name}");
    }
}

#[test]
fn half_an_answer_is_told_as_such() {
    let fake = Fake::start(|request, stream| {
        if request.contains("sessions") {
            say(stream, "200 OK", r#"[{"path": "a.ipynb", "kernel": {"id": "k1"}}]"#);
        } else {
            say(stream, "500 Internal Server Error", "");
        }
    });
    let told = told(fake.port);
    assert_eq!(told.seen().map(Vec::len), Some(1), "{told:?}");
    assert!(told.failure().is_some(), "{told:?}");
}

#[test]
fn nobody_is_sent_elsewhere() {
    let elsewhere = Fake::start(|_, stream| say(stream, "200 OK", "[]"));
    let port = elsewhere.port;
    let fake = Fake::start(move |_, mut stream| {
        let head =
            format!("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{port}/\r\nContent-Length: 0\r\n\r\n");
        drop(stream.write_all(head.as_bytes()));
    });
    let told = told(fake.port);
    assert!(told.failure().is_some_and(|why| why.to_string().contains("302")), "{told:?}");
    assert!(elsewhere.asked().is_empty());
}

/// A process that looks like a server by its command line, and listens nowhere.
struct Idle {
    child: Child,
    _alone: RwLockWriteGuard<'static, ()>,
}

impl Idle {
    fn start() -> Self {
        let alone = SERVERS.write().unwrap_or_else(PoisonError::into_inner);
        let child = Command::new("/bin/sleep").arg0("jupyter-lab").arg("300").spawn().unwrap();
        // Its words are there a moment after its program.
        let words = format!("/proc/{}/cmdline", child.id());
        let until = Instant::now() + SLACK;
        while !fs::read(&words).unwrap().starts_with(b"jupyter-lab") && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
        Self { child, _alone: alone }
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn the_token_goes_to_nobody_but_its_server() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let idle = Idle::start();
    note(folder.path(), idle.child.id(), listener.local_addr().unwrap().port(), 0o600);
    let seen = servers(folder.path());
    let told = of(seen, idle.child.id()).expect("known by its command line");
    let Observed::NotProbed { why } = &told else { panic!("{told:?}") };
    assert!(why.contains("not known to be its own"), "{why}");
    let came = listener.accept().map(|_| ()).map_err(|error| error.kind());
    assert_eq!(came, Err(ErrorKind::WouldBlock));
}

#[test]
fn notes_of_the_dead_and_of_anybody_are_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let fake = Fake::start(|_, stream| say(stream, "200 OK", "[]"));
    let mut dead = Command::new("/bin/true").spawn().unwrap();
    dead.wait().unwrap();
    note(folder.path(), dead.id(), fake.port, 0o600);
    // Whoever may write it may have named any port of this process.
    note(folder.path(), std::process::id(), fake.port, 0o622);
    let seen = servers(folder.path());
    assert_eq!((of(seen.clone(), dead.id()), of(seen, std::process::id())), (None, None));
    assert!(fake.asked().is_empty());
    note(folder.path(), std::process::id(), fake.port, 0o644);
    assert!(of(servers(folder.path()), std::process::id()).is_some_and(|told| told.seen().is_some()));
}

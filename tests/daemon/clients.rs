//! Those who ask: many, slow, silent and hostile ones.

use super::{PATIENCE, Start, answer, question, take};
use serde_json::json;
use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::{net::UnixStream, process::CommandExt},
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

/// Lets this process have so many files open as the clients of these tests are, as far as it may.
fn allow_files() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.map_or(8192, |most| most.min(8192));
    if current.is_some_and(|current| current < wanted) {
        setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }).unwrap();
    }
    usize::try_from(getrlimit(Resource::Nofile).current.unwrap_or(8192)).unwrap()
}

#[test]
fn a_thousand_at_once_are_answered_beside_a_thousand_who_say_nothing() {
    let most = allow_files().saturating_sub(500) / 3;
    let count = most.min(1000);
    // A report that no socket takes whole.
    let act = "SAY 'USABLE: x'; head -c 600000 /dev/zero | tr '\\0' x > \"$here/state/report.json.new\"";
    let daemon = Start::with_looks(act).run();
    daemon.knows("USABLE: x");
    let connect = || UnixStream::connect(daemon.at("socket")).unwrap();
    let silent: Vec<UnixStream> = (0..count).map(|_| connect()).collect();
    let begun: Vec<UnixStream> = (0..count.min(100))
        .map(|_| {
            let mut stream = connect();
            stream.write_all(b"{\"protocol\"").unwrap();
            stream
        })
        .collect();
    // They ask, and nobody of them reads before the last one has asked.
    let start = Instant::now();
    let asking: Vec<UnixStream> = (0..count)
        .map(|_| {
            let mut stream = connect();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.write_all(&question("status")).unwrap();
            stream
        })
        .collect();
    for stream in asking {
        let (status, rest) = take(stream);
        assert_eq!((&status["known"]["answer"], rest.len()), (&json!("USABLE: x"), 0));
    }
    println!("{count} clients: {:?}", start.elapsed());
    let (head, report) = answer(&daemon.at("socket"), &question("report"));
    assert_eq!((head["length"].as_u64(), report.len()), (Some(600_000), 600_000));
    drop((silent, begun));
}

#[test]
fn whoever_reads_nothing_keeps_nobody_waiting() {
    let act = "SAY 'USABLE: x'; head -c 4000000 /dev/zero | tr '\\0' x > \"$here/state/report.json.new\"";
    let daemon = Start::with_looks(act).run();
    daemon.knows("USABLE: x");
    let deaf: Vec<UnixStream> = (0..50)
        .map(|_| {
            let mut stream = UnixStream::connect(daemon.at("socket")).unwrap();
            stream.write_all(&question("report")).unwrap();
            stream
        })
        .collect();
    let start = Instant::now();
    assert_eq!(answer(&daemon.at("socket"), &question("report")).1.len(), 4_000_000);
    // One after another they would take some minutes.
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    // In time the daemon lets go of them: what was sent is there, and the rest never comes.
    let mut late = deaf.into_iter().next().unwrap();
    thread::sleep(Duration::from_secs(6));
    late.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut bytes = Vec::new();
    let _ = late.read_to_end(&mut bytes);
    assert!(bytes.len() < 4_000_000, "{}", bytes.len());
}

#[test]
fn what_is_not_understood_is_answered_in_words() {
    let daemon = Start::with_looks("SAY 'USABLE: x'").run();
    daemon.knows("USABLE: x");
    let long = format!("{{\"protocol\":1,\"ask\":\"{}\"}}\n", "x".repeat(10_000));
    for (asked, told) in [
        ("hello\n", "no question that is understood"),
        ("\n", "no question that is understood"),
        ("\0\0\0\n", "no question that is understood"),
        ("{\"protocol\":1}\n", "missing field `ask`"),
        ("{\"protocol\":2,\"ask\":\"status\"}\n", "speaks protocol 1, and not 2"),
        ("{\"protocol\":1,\"ask\":\"reboot\"}\n", "unknown variant `reboot`"),
        ("{\"protocol\":1,\"ask\":\"status\",\"more\":1}\n", "unknown field `more`"),
        (&long, "no question that is understood"),
        ("GET / HTTP/1.1\r\n\r\n", "no question that is understood"),
    ] {
        let (said, rest) = answer(&daemon.at("socket"), asked.as_bytes());
        let refused = said["refused"].as_str().unwrap_or_default();
        assert!(refused.contains(told) && rest.is_empty(), "{asked}: {said}");
    }
    // One that is cut off, by a client that hears on.
    let stream = UnixStream::connect(daemon.at("socket")).unwrap();
    (&stream).write_all(b"{\"protocol\":1,\"ask\"").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(take(stream).0["refused"].is_string());
    daemon.knows("USABLE: x");
}

#[test]
fn anybody_may_ask_for_a_look_and_root_alone_for_a_deep_one() {
    let act = "case $2 in *'\"deep\":true'*) SAY 'USABLE: deep';; *) SAY 'USABLE: x';; esac";
    let daemon = Start::with_looks(act).run();
    daemon.knows("USABLE: x");
    if !rustix::process::geteuid().is_root() || !Path::new("/usr/bin/python3").exists() {
        println!("skipped: needs root, and a Python at /usr/bin/python3");
        return;
    }
    let script = "import socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\n\
                  s.sendall(('{\"protocol\":1,\"ask\":\"%s\"}\\n' % sys.argv[2]).encode())\nprint(s.makefile().read())";
    let by_a_student = |ask: &str| {
        let output = Command::new("/usr/bin/python3")
            .args(["-c", script])
            .arg(daemon.at("socket"))
            .arg(ask)
            .uid(12_345)
            .gid(12_345)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        serde_json::from_str::<serde_json::Value>(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    };
    let said = by_a_student("deep");
    assert!(said["refused"].as_str().unwrap().contains("only root"), "{said}");
    assert!(by_a_student("look")["refused"].is_null());
    daemon.look();
    assert_eq!(by_a_student("status")["known"]["answer"], "USABLE: x");
    assert!(daemon.ask("deep")["refused"].is_null());
    daemon.knows("USABLE: deep");
}

#[test]
fn looks_that_are_asked_for_are_a_minute_apart() {
    let mut start = Start::with_looks("SAY 'USABLE: x'");
    start.gap = "60000";
    let daemon = start.run();
    daemon.knows("USABLE: x");
    let said = daemon.ask("look");
    assert!(said["refused"].as_str().unwrap().contains("once a minute at most"), "{said}");
}

#[test]
fn metrics_are_offered_by_http() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let act = "printf 'gpucheck_verdict 1\\n' > \"$here/state/metrics.prom.new\"; SAY 'USABLE: x'";
    let start = Start::with_looks(act).config(&format!("metrics = \"127.0.0.1:{port}\"\n"));
    let daemon = start.run();
    daemon.knows("USABLE: x");
    let get = |request: &str| {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    // Somebody who never comes to an end keeps nobody waiting.
    let mut slow = TcpStream::connect(("127.0.0.1", port)).unwrap();
    slow.write_all(b"GET /metrics HT").unwrap();
    let answer = get("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4"), "{head}");
    assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{head}");
    assert!(
        body.contains("\ngpucheck_daemon_looks_total 1\n")
            && body.contains("\ngpucheck_daemon_report_fresh 1\n")
            && body.ends_with("gpucheck_verdict 1\n"),
        "{body}"
    );
    let long = format!("GET /{} HTTP/1.1\r\n", "x".repeat(5000));
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n", "404"),
        ("POST /metrics HTTP/1.1\r\n\r\n", "405"),
        ("nonsense\r\n\r\n", "400"),
        (&long, "404"),
    ] {
        assert!(get(request).starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {}", get(request));
    }
    // Taken back, they are offered no more.
    fs::write(daemon.at("gpucheckd.toml"), "").unwrap();
    daemon.signal(libc::SIGHUP);
    daemon.logs("is read again");
    assert!(crate::stage::within(PATIENCE, || TcpStream::connect(("127.0.0.1", port)).is_err()));
}

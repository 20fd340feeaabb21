//! From the report to the dashboard: gpucheck writes its file, node_exporter offers it, Prometheus takes it in and answers
//! every query of the dashboard. All of them are real, and on loopback.

use super::{dashboard::queries, program};
use crate::machine::Machine;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// A server that ends with its test.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(mut command: Command, port: u16) -> Self {
        let address = format!("127.0.0.1:{port}");
        command.arg(format!("--web.listen-address={address}"));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Self { child, address }
    }

    fn node_exporter(folder: &Path) -> Self {
        let mut command = program("prometheus-node-exporter");
        command.args(["--collector.disable-defaults", "--collector.textfile"]);
        command.arg(format!("--collector.textfile.directory={}", folder.display()));
        let server = Self::start(command, free_port());
        server.eventually("/metrics", |text| text.contains("node_textfile_scrape_error"));
        server
    }

    fn get(&self, path: &str) -> Option<String> {
        let asked = ureq::get(format!("http://{}{path}", self.address)).call();
        asked.ok()?.body_mut().read_to_string().ok()
    }

    /// What it answers once it is what is wanted.
    fn eventually(&self, path: &str, wanted: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        loop {
            let got = self.get(path);
            if let Some(got) = got.as_ref().filter(|got| wanted(got)) {
                return got.clone();
            }
            assert!(start.elapsed() < Duration::from_secs(30), "{path}: {got:?}");
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Taken by nobody a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// gpucheck writes the metrics of a machine.
fn write_metrics(machine: &str, file: &Path) {
    let facts = file.with_extension("facts");
    fs::write(&facts, serde_json::to_vec(&Machine::load(machine).facts).unwrap()).unwrap();
    let mut gpucheck = Command::new(env!("CARGO_BIN_EXE_gpucheck"));
    gpucheck.args(["--output", "/dev/null", "--report"]).arg(file).arg("judge").arg(&facts);
    let status = gpucheck.status().unwrap().code();
    assert!(matches!(status, Some(0 | 1)), "{machine}: {status:?}");
    fs::remove_file(facts).unwrap();
}

#[test]
fn node_exporter_offers_reports_of_several_commands_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    write_metrics("two-diseases", &folder.path().join("gpucheck.prom"));
    write_metrics("template-t4", &folder.path().join("publish.prom"));
    let server = Server::node_exporter(folder.path());
    let text = server.get("/metrics").unwrap();
    assert!(text.contains("\nnode_textfile_scrape_error 0\n"), "{text}");
    for line in [
        "gpucheck_verdict{profile=\"check\",verdict=\"unusable\"} 1\n",
        "gpucheck_verdict{profile=\"publish\",verdict=\"usable\"} 1\n",
        "gpucheck_root{cause=\"nouveau-bound\",",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    // An unfinished file is no file of theirs, a garbled one is told; then the alert on a report that is gone is right.
    fs::write(folder.path().join("gpucheck.prom.77.unfinished"), "gpucheck_verdict{").unwrap();
    assert!(server.get("/metrics").unwrap().contains("\nnode_textfile_scrape_error 0\n"));
    fs::write(folder.path().join("gpucheck.prom"), "gpucheck_verdict{").unwrap();
    let text = server.get("/metrics").unwrap();
    assert!(
        text.contains("\nnode_textfile_scrape_error 1\n") && !text.contains("profile=\"check\""),
        "{text}"
    );
}

#[test]
fn prometheus_answers_every_query_of_the_dashboard() {
    let folder = tempfile::tempdir().unwrap();
    let exporters: Vec<Server> = ["t4-535", "kernel-hides-gpu", "two-diseases", "memory-held-by-other-user"]
        .into_iter()
        .map(|machine| {
            let own = folder.path().join(machine);
            fs::create_dir(&own).unwrap();
            write_metrics(machine, &own.join("gpucheck.prom"));
            Server::node_exporter(&own)
        })
        .collect();
    let targets: Vec<&str> = exporters.iter().map(|exporter| exporter.address.as_str()).collect();
    let config = folder.path().join("prometheus.yml");
    let job = format!(
        "{{job_name: node, scrape_interval: 2s, scrape_timeout: 2s, static_configs: [{{targets: {targets:?}}}]}}"
    );
    fs::write(&config, format!("scrape_configs: [{job}]\n")).unwrap();
    let mut command = program("prometheus");
    command.arg(format!("--config.file={}", config.display()));
    command.arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()));
    let server = Server::start(command, free_port());
    let seen = "/api/v1/query?query=count(gpucheck_build_info)";
    server.eventually(seen, |text| text.contains("\"4\"]"));
    let first = |text: &str| -> Option<Value> {
        serde_json::from_str::<Value>(text).ok()?["data"]["result"].get(0).cloned()
    };
    let mut counts = BTreeMap::from([
        ("Seats ready", "1"),
        ("Usable in part", "1"),
        // Not the one whose GPU somebody else uses.
        ("Not usable", "1"),
        ("In use", "1"),
        ("Not verified", "0"),
    ]);
    for (title, query) in queries() {
        let count = counts.remove(title.as_str());
        let is_answer = |result: Value| count.is_none_or(|count| result["value"][1] == count);
        // A scrape that this machine was too busy for takes a series away until the next one.
        let path = format!("/api/v1/query?query={}", percent(&query));
        server.eventually(&path, |text| first(text).is_some_and(is_answer));
    }
    assert!(counts.is_empty(), "{counts:?}");
}

/// A text as part of an address.
fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut address, byte| {
        let _ = write!(address, "%{byte:02X}");
        address
    })
}

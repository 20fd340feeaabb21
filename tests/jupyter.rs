//! Jupyter servers that run: a real one with real kernels, and such as lie.

mod liars;
pub(crate) mod server;

use crate::{pythons::part, stage::Machine};
use gpucheck::{
    probe::{notebooks, processes},
    root::Root,
};
use gpucheck_checks::fact::{Facts, Notebooks, Observed, Processes, Server, Session};
use server::Running;
use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    time::{Duration, Instant},
};

/// Time for a kernel on a busy machine to start and for its server to notice.
const AMPLE: Duration = Duration::from_mins(1);

/// What the probe sees from a home.
fn look(home: &Path) -> Notebooks {
    let environment = notebooks::Environment { home: Some(home.to_owned()), ..Default::default() };
    let Observed::Seen(notebooks) = notebooks::probe(&Root::new("/"), &environment) else {
        panic!("the probe failed")
    };
    notebooks
}

fn told(notebooks: &Notebooks, pid: u32) -> Option<&Server> {
    notebooks.servers.iter().find(|server| u32::try_from(server.pid) == Ok(pid))
}

/// The sessions of a server, as soon as they are as they should be.
fn sessions(server: &Running, wanted: impl Fn(&[Session]) -> bool) -> Vec<Session> {
    let until = Instant::now() + AMPLE;
    loop {
        let notebooks = look(server.home());
        let told = told(&notebooks, server.pid()).expect("the server is found by its command line");
        if let Observed::Seen(sessions) = &told.sessions
            && wanted(sessions)
        {
            return sessions.clone();
        }
        assert!(Instant::now() < until, "{:#?}", told.sessions);
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn of<'a>(sessions: &'a [Session], kernel: &str) -> &'a Session {
    sessions
        .iter()
        .find(|session| session.kernel == kernel)
        .unwrap_or_else(|| panic!("{kernel}: {sessions:#?}"))
}

fn is(sessions: &[Session], kernel: &str, state: &str) -> bool {
    sessions.iter().any(|session| session.kernel == kernel && session.state.as_deref() == Some(state))
}

/// The processes with these numbers as a machine with a GPU would show them: what this `/proc` says of them and of those
/// above them, and a node of the driver.
fn on_a_gpu(pids: &[u32]) -> Processes {
    let mut machine = Machine::empty().file("/dev/nvidia0", "").file("/proc/uptime", "1000000.0 1.0\n");
    let mut above: Vec<u32> = pids.to_vec();
    while let Some(pid) = above.pop() {
        if pid < 2 {
            continue;
        }
        for name in ["status", "stat", "comm", "cmdline", "environ"] {
            let path = format!("/proc/{pid}/{name}");
            machine = machine.file(&path, fs::read(&path).unwrap_or_default());
        }
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap();
        above.push(parent.trim().parse().unwrap());
    }
    let listed: BTreeSet<u32> = pids.iter().copied().collect();
    let Observed::Seen(processes) = processes::probe(&machine.root(), &listed) else { panic!("no look") };
    processes
}

/// The notebook of a process, as a report names it.
fn path(facts: &Facts, pid: u32) -> Option<&str> {
    let notebook = facts.process(pid)?.notebook.as_ref()?;
    facts.session(&notebook.kernel)?.path.as_deref()
}

#[test]
fn each_process_leads_to_its_notebook_also_after_a_rename() {
    let server = Running::start();
    let (lab, lab_session) = server.open("Lab3.ipynb");
    let (training, _) = server.open("course/training.ipynb");
    let worker = server.execute(&lab, "import subprocess; print(subprocess.Popen(['sleep', '300']).pid)");
    let worker: u32 = worker.trim().parse().unwrap();
    server.begin(&training, "import time; time.sleep(300)");

    let seen = sessions(&server, |seen| is(seen, &lab, "idle") && is(seen, &training, "busy"));
    assert_eq!(seen.len(), 2, "{seen:#?}");
    let idle = of(&seen, &lab);
    assert_eq!((idle.path.as_deref(), idle.kind.as_deref()), (Some("Lab3.ipynb"), Some("notebook")));
    assert_eq!((idle.spec.as_deref(), idle.connections), (Some("python3"), Some(0)));
    assert!(idle.idle_s.unwrap() < 600, "{idle:?}");
    assert_eq!(of(&seen, &training).path.as_deref(), Some("course/training.ipynb"));

    let (lab_pid, training_pid) = (server.process_of(&lab), server.process_of(&training));
    let mut facts = Facts::unprobed("-", "-", "-");
    facts.processes = Observed::Seen(on_a_gpu(&[lab_pid, training_pid, worker]));
    facts.notebooks = Observed::Seen(look_until_told(&server));
    assert_eq!(path(&facts, lab_pid), Some("Lab3.ipynb"));
    assert_eq!(path(&facts, training_pid), Some("course/training.ipynb"));
    assert_eq!(path(&facts, worker), Some("Lab3.ipynb"));
    let via = |pid: u32| facts.process(pid).unwrap().notebook.as_ref().unwrap().via;
    assert_eq!((via(lab_pid), via(worker)), (None, Some(lab_pid)));
    let told = told(facts.notebooks.seen().unwrap(), server.pid()).unwrap();
    assert_eq!(told.root.as_deref().map(Path::new), Some(server.folder().as_path()));

    server.rename(&lab_session, "course/Renamed.ipynb");
    let is_renamed =
        |seen: &[Session]| seen.iter().any(|session| session.path.as_deref() == Some("course/Renamed.ipynb"));
    sessions(&server, is_renamed);
    facts.processes = Observed::Seen(on_a_gpu(&[lab_pid, worker]));
    facts.notebooks = Observed::Seen(look_until_told(&server));
    assert_eq!(path(&facts, worker), Some("course/Renamed.ipynb"));
    let stale = facts.process(lab_pid).unwrap().notebook.as_ref().unwrap().path.as_deref().unwrap();
    assert!(stale.ends_with("Lab3.ipynb"), "{stale}");
    let shown = format!("{facts:?}{}", serde_json::to_string(&facts).unwrap());
    assert!(!shown.contains(&server.token()), "the token is in the facts");
}

/// What is seen once a busy machine's server has answered in time.
fn look_until_told(server: &Running) -> Notebooks {
    let until = Instant::now() + AMPLE;
    loop {
        let notebooks = look(server.home());
        let told = told(&notebooks, server.pid());
        if told.is_some_and(|server| matches!(server.sessions, Observed::Seen(_))) {
            return notebooks;
        }
        assert!(Instant::now() < until, "{told:#?}");
    }
}

#[test]
fn the_whole_program_tells_the_servers_kernels() {
    let server = Running::start();
    let (lab, _) = server.open("Lab3.ipynb");
    sessions(&server, |seen| seen.len() == 1);
    let facts = server.gpucheck(&["record"]);
    let specs = facts.pointer("/notebooks/seen/kernelspecs").and_then(|specs| specs.as_array()).unwrap();
    let of_server = |spec: &&serde_json::Value| {
        let prefix = spec.pointer("/environment/prefix").and_then(|prefix| prefix.as_str());
        prefix.is_some_and(|prefix| Path::new(prefix) == part("jupyter"))
    };
    assert_eq!(specs.iter().filter(of_server).count(), 1, "{specs:#?}");
    let text = facts.to_string();
    assert!(!text.contains("Lab3") && !text.contains(&server.token()), "{text}");
    assert!(text.contains(&lab), "{text}");

    let report = server.gpucheck(&["--format", "json"]);
    let shown = report.to_string();
    assert!(shown.contains("notebooks.interpreter_exists") && shown.contains("python3"), "{shown}");
}

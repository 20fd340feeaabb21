//! What the servers that run say of their kernels: which notebook each is for, and whether it computes.
//!
//! Invariants: a server is asked on loopback, only after its port was seen to be its own, and for a bounded time and
//! length; all are asked side by side; whatever it answers is a value; where none runs nothing is done.
//!
//! Source: <https://jupyter-server.readthedocs.io/en/latest/developers/rest-api.html>, `/api/sessions`, `/api/kernels`.

use super::{
    Environment, answers, listener,
    runtime::{self, Address, Note},
    servers,
};
use crate::root::Root;
use gpucheck_checks::fact::{Observed, ProbeFailure, Server, Session};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

/// Time for one server.
const LIMIT: Duration = Duration::from_millis(500);
/// Most that is read of one answer, in bytes.
const LARGEST: u64 = 1 << 20;
const STEP: &str = "ask the Jupyter server";

/// These servers, and those that left a note and are not known by their command lines, with what they say.
pub(super) fn told(root: &Root, environment: &Environment, servers: Vec<Server>, uid: u32) -> Vec<Server> {
    if !root.is_this_machine() {
        let unasked = Observed::not_probed("servers of another root are not asked");
        return servers.into_iter().map(|server| Server { sessions: unasked.clone(), ..server }).collect();
    }
    let mut folders: BTreeSet<PathBuf> = runtime::folders(root, environment).into_iter().collect();
    for server in &servers {
        let variables = servers::environment_of(root, server.pid).unwrap_or_default();
        folders.extend(runtime::folders_of(root, &variables));
    }
    let mut asked: BTreeMap<i32, (Note, Observed<Vec<Session>>)> =
        ask_all(root, runtime::notes(root, &folders, uid))
            .into_iter()
            .map(|told| (told.0.pid, told))
            .collect();
    let mut all: Vec<Server> = servers
        .into_iter()
        .map(|server| match asked.remove(&server.pid) {
            Some((note, sessions)) => Server { root: note.root, sessions, ..server },
            None => server,
        })
        .collect();
    // A note may be older than the process that has its number now: only one that was asked is a server.
    let further =
        asked.into_iter().filter(|(_, (_, sessions))| !matches!(sessions, Observed::NotProbed { .. }));
    all.extend(further.filter_map(|(pid, (note, sessions))| {
        Some(Server { root: note.root, sessions, ..servers::known(root, pid)? })
    }));
    all.truncate(servers::MOST);
    all
}

fn ask_all(root: &Root, notes: Vec<Note>) -> Vec<(Note, Observed<Vec<Session>>)> {
    thread::scope(|scope| {
        let start = |note: &Note| {
            let note = note.clone();
            thread::Builder::new().spawn_scoped(scope, move || ask(root, &note))
        };
        let asked: Vec<_> = notes.into_iter().take(servers::MOST).map(|note| (start(&note), note)).collect();
        let told = asked.into_iter().map(|(thread, note)| match thread {
            Ok(thread) => (note, thread.join().unwrap_or_else(|_| crate::in_time::broken())),
            Err(error) => (note, Observed::not_probed(format!("no thread to ask it: {error}"))),
        });
        told.collect()
    })
}

fn ask(root: &Root, note: &Note) -> Observed<Vec<Session>> {
    let place = note.place.as_ref().map_err(String::clone);
    let place = place.and_then(|address| Ok((address, listener::of(root, note.pid, address.port)?)));
    let (address, at) = match place {
        Ok(place) => place,
        Err(why) => return Observed::not_probed(why),
    };
    let until = Instant::now() + LIMIT;
    let now = jiff::Timestamp::now();
    let sessions = fetch(address, at, "sessions", until).and_then(|text| answers::sessions(&text, now));
    let mut sessions = match sessions {
        Ok(sessions) => sessions,
        Err(why) => return failed(why),
    };
    match fetch(address, at, "kernels", until).and_then(|text| answers::kernels(&text, now)) {
        Ok(kernels) => {
            let known: BTreeSet<String> = sessions.iter().map(|session| session.kernel.clone()).collect();
            sessions.extend(kernels.into_iter().filter(|kernel| !known.contains(&kernel.kernel)));
            Observed::Seen(sessions)
        }
        Err(why) => Observed::Interrupted { seen: sessions, by: failure(why) },
    }
}

fn failed(why: String) -> Observed<Vec<Session>> {
    Observed::Failed(failure(why))
}

fn failure(message: String) -> ProbeFailure {
    ProbeFailure::Garbled { step: STEP.to_owned(), message }
}

/// The text of an answer; nothing of the request is in what goes wrong.
pub(super) fn fetch(address: &Address, at: SocketAddr, what: &str, until: Instant) -> Result<String, String> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err("no answer in time".to_owned());
    }
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(left))
        .proxy(None)
        .max_redirects(0)
        .http_status_as_error(false);
    let agent = ureq::Agent::new_with_config(config.build());
    let mut request = agent.get(format!("http://{at}{}api/{what}", address.base).trim_end_matches('/'));
    if let Some(authorization) = address.token.authorization() {
        request = request.header("Authorization", authorization);
    }
    let mut answer = request.call().map_err(|error| why(&error))?;
    if answer.status() != 200 {
        return Err(format!("it answers with status {}", answer.status().as_u16()));
    }
    answer.body_mut().with_config().limit(LARGEST).read_to_string().map_err(|error| why(&error))
}

fn why(error: &ureq::Error) -> String {
    if matches!(error, ureq::Error::Timeout(_)) {
        "no answer in time".to_owned()
    } else if matches!(error, ureq::Error::BodyExceedsLimit(_)) {
        "its answer has no end".to_owned()
    } else {
        error.to_string()
    }
}

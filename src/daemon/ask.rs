//! Asking the daemon: for the plain command, and for whoever wants to know how it is.
//!
//! Invariants: a report of the daemon's is an answer only where the asker's own look would say the same: it is fresh and
//! whole, nothing is wrong in it, the same gpucheck took it in the same boot, and the asker's view is the daemon's; what was
//! found wrong is looked at anew, so that whoever mends it is never told yesterday's trouble. Whatever is not so costs
//! milliseconds, and the asker looks for themselves. Nobody but root, the service's user and the asker is believed.

use super::{
    clock,
    peer::peer,
    view::View,
    wire::{Answer, Ask, Known, LARGEST_REPORT, LONGEST_ANSWER, PROTOCOL, Question, SOCKET},
};
use crate::{
    cli::{DaemonAsk, LookArgs},
    error::Error,
    probe::passwd,
    render::Retold,
    root::Root,
};
use gpucheck_checks::{MachineVerdict, Outcome, REPORT_SCHEMA, Report, Verdict};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with},
};
use std::{
    fs, io,
    os::fd::OwnedFd,
    path::Path,
    time::{Duration, Instant},
};

/// Time for the plain command's question: without a daemon that answers at once it looks by itself.
const AT_ONCE: Duration = Duration::from_millis(250);
/// Time for a question that was asked for.
const PATIENCE: Duration = Duration::from_secs(5);
/// The service's user.
const USER: &str = "gpucheck";

/// A report that answers.
pub struct Found {
    /// The report.
    pub report: Report,
    /// Since when it stands.
    pub retold: Retold,
}

/// The daemon's report, where it answers what this look asks; none where the asker has to look.
pub fn report(look: &LookArgs) -> Option<Found> {
    if !look.is_usual() {
        return None;
    }
    match answering(look) {
        Ok(found) => Some(found),
        Err(why) => {
            tracing::debug!(socket = %look.socket.display(), why, "the daemon does not answer this");
            None
        }
    }
}

fn answering(look: &LookArgs) -> Result<Found, String> {
    // Who names a socket means the daemon there.
    let time = if look.socket == Path::new(SOCKET) { AT_ONCE } else { PATIENCE };
    let (answer, text) = exchange(&look.socket, Ask::Report, time)?;
    let known = answer.known.as_ref().ok_or("it has no report yet")?;
    fits(look, &answer, known)?;
    let report: Report = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    is_sound(&report)?;
    let own = View::in_time(&Root::new(&look.root)).ok_or("this view cannot be told")?;
    let theirs = known.view.as_ref().ok_or("its view could not be told")?;
    let differences = own.differences(theirs);
    if !differences.is_empty() {
        return Err(format!("what it rests on is another here: {}", differences.join(", ")));
    }
    let retold = Retold { seconds: known.age_s, confirmed: known.confirmed_s };
    Ok(Found { report, retold })
}

/// Whether the report is of this machine as it is.
fn fits(look: &LookArgs, answer: &Answer, known: &Known) -> Result<(), String> {
    let root = std::path::absolute(&look.root).map_err(|error| error.to_string())?;
    let boot = clock::boot();
    let conditions = [
        (answer.gpucheck == env!("CARGO_PKG_VERSION"), "it is another version"),
        (answer.root == root, "it looks at another root"),
        (!boot.is_empty() && known.boot == boot, "it is from another boot"),
        (known.fresh, "it is not fresh"),
        (known.full, "not everything was looked at"),
    ];
    match conditions.into_iter().find(|(holds, _)| !holds) {
        Some((_, why)) => Err(why.to_owned()),
        None => Ok(()),
    }
}

/// Whether nothing is wrong in it.
fn is_sound(report: &Report) -> Result<(), String> {
    let conditions = [
        (report.schema == REPORT_SCHEMA, "its layout is another one"),
        (report.gpucheck == env!("CARGO_PKG_VERSION"), "another version took it"),
        (report.profile == "check", "it answers another question"),
        (report.verdict == MachineVerdict::Usable && report.roots.is_empty(), "something is wrong"),
        (!left_out(report), "a Python was not started"),
    ];
    match conditions.into_iter().find(|(holds, _)| !holds) {
        Some((_, why)) => Err(why.to_owned()),
        None => Ok(()),
    }
}

/// Whether a Python was left out of it: the daemon starts fewer than who asks does.
fn left_out(report: &Report) -> bool {
    let not_started =
        |outcome: &Outcome| outcome.id == "frameworks.python_starts" && outcome.verdict == Verdict::Unknown;
    report.outcomes.iter().any(not_started)
}

/// What the daemon says to a question, in words.
///
/// # Errors
/// It does not answer, or does not do it.
pub fn question(asked: DaemonAsk, socket: &Path) -> Result<String, Error> {
    let ask = match asked {
        DaemonAsk::Status => Ask::Status,
        DaemonAsk::Look => Ask::Look,
        DaemonAsk::Deep => Ask::Deep,
    };
    let (answer, _) = exchange(socket, ask, PATIENCE)
        .map_err(|message| Error::NoDaemon { path: socket.to_owned(), message })?;
    match (&answer.refused, asked) {
        (Some(why), _) => Err(Error::Refused(why.clone())),
        (None, DaemonAsk::Status) => Ok(status(&answer)),
        (None, DaemonAsk::Look | DaemonAsk::Deep) => {
            Ok("it looks; gpucheck daemon status says what came of it\n".to_owned())
        }
    }
}

fn status(answer: &Answer) -> String {
    let mut lines = Vec::new();
    match &answer.known {
        None => lines.push("no report yet".to_owned()),
        Some(known) => {
            lines.push(known.answer.clone());
            let kind = if known.full { "everything was looked at" } else { "no GPU was touched" };
            let fresh = if known.fresh { "fresh" } else { "no answer any more" };
            let is_of_this_boot = known.boot == clock::boot();
            let when = format!("{} s ago", known.age_s);
            let when = if is_of_this_boot { &when } else { "in an earlier boot" };
            lines.push(format!("looked {when}: {kind}; {fresh}"));
            if let Some(confirmed) = known.confirmed_s.filter(|_| is_of_this_boot) {
                lines.push(format!("nothing against it {confirmed} s ago, without touching a GPU"));
            }
            if let Some(why) = &known.held_back {
                lines.push(format!("the last look touched no GPU: {why}"));
            }
        }
    }
    let next = match (answer.looking, answer.next_s) {
        (true, _) => "a look is under way".to_owned(),
        (false, Some(seconds)) => format!("the next look is in {seconds} s"),
        (false, None) => "no look is planned".to_owned(),
    };
    lines.push(format!("{next}; gpucheck {}", answer.gpucheck));
    lines.join("\n") + "\n"
}

/// Asks, and takes the answer.
fn exchange(path: &Path, ask: Ask, time: Duration) -> Result<(Answer, Vec<u8>), String> {
    let until = Instant::now() + time;
    let told = |error: io::Error| error.to_string();
    let socket = reach(path).map_err(told)?;
    trusted(&socket)?;
    let mut question =
        serde_json::to_vec(&Question { protocol: PROTOCOL, ask }).map_err(|error| error.to_string())?;
    question.push(b'\n');
    // So short a text goes through whole.
    rustix::net::send(&socket, &question, rustix::net::SendFlags::NOSIGNAL)
        .map_err(|error| told(error.into()))?;
    let mut text = Vec::new();
    let end = read_until(&socket, &mut text, until, |text| {
        let end = memchr::memchr(b'\n', text);
        if end.is_none() && text.len() > LONGEST_ANSWER {
            Err("its answer has no end".to_owned())
        } else {
            Ok(end)
        }
    })?;
    let answer: Answer = serde_json::from_slice(text.get(..end).unwrap_or_default())
        .map_err(|error| format!("its answer cannot be read: {error}"))?;
    if answer.protocol != PROTOCOL || answer.length > LARGEST_REPORT {
        return Err("its answer is of another protocol".to_owned());
    }
    let whole = usize::try_from(answer.length).map_err(|error| error.to_string())? + end + 1;
    read_until(&socket, &mut text, until, |text| Ok((text.len() >= whole).then_some(whole)))?;
    let report = text.get(end + 1..whole).unwrap_or_default().to_vec();
    Ok((answer, report))
}

fn reach(path: &Path) -> io::Result<OwnedFd> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    // One whose queue is full refuses, and is not waited for.
    connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket)
}

/// Whether whoever listens is who should, in this container.
fn trusted(socket: &OwnedFd) -> Result<(), String> {
    let peer = peer(socket).map_err(|error| error.to_string())?;
    let own = rustix::process::geteuid().as_raw();
    let is_service = || {
        let text = fs::read_to_string("/etc/passwd").unwrap_or_default();
        passwd::users(&text).any(|user| user.name == USER && user.uid == peer.uid)
    };
    if peer.pid <= 0 {
        return Err("it is in another container".to_owned());
    }
    if peer.uid == 0 || peer.uid == own || is_service() {
        Ok(())
    } else {
        Err(format!("user {} listens there, who is neither root nor {USER}", peer.uid))
    }
}

/// Reads on until there is what is waited for.
fn read_until<T>(
    socket: &OwnedFd,
    text: &mut Vec<u8>,
    until: Instant,
    mut found: impl FnMut(&[u8]) -> Result<Option<T>, String>,
) -> Result<T, String> {
    let mut buffer = [0_u8; 16 << 10];
    loop {
        if let Some(found) = found(text)? {
            return Ok(found);
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err("it does not answer in time".to_owned());
        }
        match rustix::io::read(socket, &mut buffer) {
            Ok(0) => return Err("its answer is cut off".to_owned()),
            Ok(length) => text.extend(buffer.get(..length).unwrap_or_default()),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                let mut polled = [PollFd::new(socket, PollFlags::IN)];
                let _ = poll(&mut polled, Timespec::try_from(left).ok().as_ref());
            }
            Err(error) => return Err(io::Error::from(error).to_string()),
        }
    }
}

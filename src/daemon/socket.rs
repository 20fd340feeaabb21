//! Those who ask, by the socket or for metrics.
//!
//! Invariants: nobody waits for anybody: every client has a deadline from its beginning to its end, a bounded question and a
//! place of its own; where all places are taken, whoever has the most of them loses the oldest; a report is sent from its
//! file, so that no client costs more than a few hundred bytes.

use super::peer::peer;
use rustix::{
    event::{PollFd, PollFlags},
    io::Errno,
    net::{SendFlags, SocketFlags, accept_with},
};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    net::{SocketAddr, TcpListener},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::{
            fs::{FileTypeExt, PermissionsExt},
            net::{UnixListener, UnixStream},
        },
    },
    path::{Path, PathBuf},
    rc::Rc,
    time::Duration,
};

/// Most clients at once.
const MOST: usize = 1024;
/// Time for a client to ask and to take its answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Clients that are let in before the others are served.
const AT_ONCE: usize = 128;
/// Longest question for metrics, in bytes.
const LONGEST_HTTP: usize = 4 << 10;
/// Pieces of what is too long to be a question that are read and thrown away.
const MOST_UNHEARD: usize = 64;
/// Bytes of a file that are sent before the others are served.
const PIECE: usize = 1 << 20;

/// What is asked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// The socket.
    Own,
    /// HTTP, for metrics.
    Http,
}

/// A whole question.
pub(super) struct Asked<'a> {
    pub(super) line: Line,
    /// Whose it is; nobody knows whose one by HTTP is.
    pub(super) uid: Option<u32>,
    pub(super) text: &'a [u8],
}

/// An answer: bytes, and a file behind them.
#[derive(Default)]
pub(super) struct Reply {
    pub(super) head: Vec<u8>,
    pub(super) file: Option<(Rc<File>, u64)>,
}

struct Client {
    stream: OwnedFd,
    line: Line,
    uid: Option<u32>,
    until: Duration,
    question: Vec<u8>,
    reply: Option<Sending>,
}

struct Sending {
    reply: Reply,
    sent: usize,
    offset: u64,
}

/// What a client is after something was done for it.
#[derive(PartialEq, Eq)]
enum Then {
    Waits,
    IsDone,
}

/// The doors, and who is inside.
pub(super) struct Clients {
    path: PathBuf,
    listener: UnixListener,
    metrics: Option<(SocketAddr, TcpListener)>,
    inside: Vec<Client>,
}

impl Clients {
    /// Listens.
    ///
    /// # Errors
    /// Somebody else listens there, or the operating system's.
    pub(super) fn listen(path: &Path) -> io::Result<Self> {
        let told = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        if let Ok(found) = fs::symlink_metadata(path) {
            if !found.file_type().is_socket() {
                return Err(told(io::Error::other("there is something else in the socket's place")));
            }
            if UnixStream::connect(path).is_ok() {
                return Err(told(io::Error::new(io::ErrorKind::AddrInUse, "another daemon listens there")));
            }
            fs::remove_file(path).map_err(told)?;
        }
        let listener = UnixListener::bind(path).map_err(told)?;
        listener.set_nonblocking(true)?;
        // std has room for 128 that wait; Linux takes no more than net.core.somaxconn.
        rustix::net::listen(&listener, 4096)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o666)).map_err(told)?;
        Ok(Self { path: path.to_owned(), listener, metrics: None, inside: Vec::new() })
    }

    /// Offers metrics there, or nowhere.
    ///
    /// # Errors
    /// The operating system's; then they are offered nowhere.
    pub(super) fn offer_metrics(&mut self, at: Option<SocketAddr>) -> io::Result<()> {
        if self.metrics.as_ref().map(|(known, _)| *known) == at {
            return Ok(());
        }
        self.metrics = None;
        let Some(at) = at else { return Ok(()) };
        let told = |error: io::Error| io::Error::new(error.kind(), format!("metrics at {at}: {error}"));
        let listener = TcpListener::bind(at).map_err(told)?;
        listener.set_nonblocking(true)?;
        self.metrics = Some((at, listener));
        Ok(())
    }

    /// What is waited for.
    pub(super) fn polled<'a>(&'a self, polled: &mut Vec<PollFd<'a>>) {
        polled.push(PollFd::new(&self.listener, PollFlags::IN));
        polled.extend(self.metrics.iter().map(|(_, listener)| PollFd::new(listener, PollFlags::IN)));
        polled.extend(self.inside.iter().map(|client| {
            let flags = if client.reply.is_some() { PollFlags::OUT } else { PollFlags::IN };
            PollFd::new(&client.stream, flags)
        }));
    }

    /// When somebody's patience ends.
    pub(super) fn next(&self) -> Option<Duration> {
        self.inside.iter().map(|client| client.until).min()
    }

    /// How many things are waited for before the clients.
    pub(super) fn doors(&self) -> usize {
        1 + usize::from(self.metrics.is_some())
    }

    /// Hears what those ask who are ready, goes on with what they are told, and lets in who waits.
    pub(super) fn serve(
        &mut self,
        now: Duration,
        ready: impl IntoIterator<Item = bool>,
        answer: &mut dyn FnMut(&Asked<'_>) -> Reply,
    ) {
        let mut ready = ready.into_iter();
        self.inside.retain_mut(|client| {
            let is_ready = ready.next().unwrap_or(false);
            now < client.until && (!is_ready || client.serve(answer) == Then::Waits)
        });
        for _ in 0..AT_ONCE {
            let Some(client) = self.let_in(now) else { break };
            self.take_in(client, answer);
        }
    }

    fn take_in(&mut self, mut client: Client, answer: &mut dyn FnMut(&Asked<'_>) -> Reply) {
        if client.serve(answer) == Then::IsDone {
            return;
        }
        if self.inside.len() >= MOST {
            self.make_room();
        }
        self.inside.push(client);
    }

    fn let_in(&mut self, now: Duration) -> Option<Client> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let doors = [
            Some((Line::Own, self.listener.as_fd())),
            self.metrics.as_ref().map(|(_, door)| (Line::Http, door.as_fd())),
        ];
        let knocking = |(line, door): (Line, BorrowedFd<'_>)| loop {
            match accept_with(door, flags) {
                Ok(stream) => return Some((line, stream)),
                Err(Errno::INTR | Errno::CONNABORTED) => {}
                Err(_) => return None,
            }
        };
        let (line, stream) = doors.into_iter().flatten().find_map(knocking)?;
        let uid = (line == Line::Own).then(|| peer(&stream).ok().map(|peer| peer.uid)).flatten();
        Some(Client { stream, line, uid, until: now + PATIENCE, question: Vec::new(), reply: None })
    }

    /// Whoever has the most places gives up the oldest.
    fn make_room(&mut self) {
        let mut places: BTreeMap<(bool, Option<u32>), usize> = BTreeMap::new();
        for client in &self.inside {
            *places.entry((client.line == Line::Http, client.uid)).or_default() += 1;
        }
        let Some(greediest) = places.into_iter().max_by_key(|(_, count)| *count).map(|(who, _)| who) else {
            return;
        };
        let is_theirs = |client: &Client| (client.line == Line::Http, client.uid) == greediest;
        // They stand in the order in which they came.
        if let Some(oldest) = self.inside.iter().position(is_theirs) {
            self.inside.remove(oldest);
        }
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

impl Client {
    fn serve(&mut self, answer: &mut dyn FnMut(&Asked<'_>) -> Reply) -> Then {
        if self.reply.is_none() {
            match self.hear() {
                Ok(false) => return Then::Waits,
                Ok(true) => {}
                Err(()) => return Then::IsDone,
            }
            let asked = Asked { line: self.line, uid: self.uid, text: &self.question };
            self.reply = Some(Sending { reply: answer(&asked), sent: 0, offset: 0 });
            self.question = Vec::new();
        }
        match &mut self.reply {
            Some(sending) => sending.go_on(self.stream.as_fd()),
            None => Then::Waits,
        }
    }

    /// Reads what is there; whether it is a whole question. One that is too long or cut off counts as whole: it is answered
    /// in words. An error where there is nobody to be told.
    fn hear(&mut self) -> Result<bool, ()> {
        let (longest, end): (usize, &[u8]) = match self.line {
            Line::Own => (super::wire::LONGEST_QUESTION, b"\n"),
            Line::Http => (LONGEST_HTTP, b"\r\n\r\n"),
        };
        let mut buffer = [0_u8; 1024];
        loop {
            match rustix::io::read(&self.stream, &mut buffer) {
                Ok(0) if self.question.is_empty() => return Err(()),
                Ok(0) => return Ok(true),
                Ok(length) => self.question.extend(buffer.get(..length).unwrap_or_default()),
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => return Ok(false),
                Err(_) => return Err(()),
            }
            if self.question.len() > longest {
                // What is left unread would take the answer from whoever sent it.
                for _ in 0..MOST_UNHEARD {
                    if rustix::io::read(&self.stream, &mut buffer).unwrap_or_default() == 0 {
                        break;
                    }
                }
                return Ok(true);
            }
            if memchr::memmem::find(&self.question, end).is_some() {
                return Ok(true);
            }
        }
    }
}

impl Sending {
    fn go_on(&mut self, stream: BorrowedFd<'_>) -> Then {
        match self.send(stream) {
            Ok(false) | Err(Errno::AGAIN) => Then::Waits,
            Ok(true) | Err(_) => Then::IsDone,
        }
    }

    /// Sends what can be; whether that was all.
    fn send(&mut self, stream: BorrowedFd<'_>) -> Result<bool, Errno> {
        while let Some(rest) = self.reply.head.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match rustix::net::send(stream, rest, SendFlags::NOSIGNAL) {
                Ok(sent) => self.sent += sent,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
        let Some((file, end)) = &self.reply.file else { return Ok(true) };
        let mut budget = PIECE;
        while self.offset < *end && budget > 0 {
            let left = usize::try_from(*end - self.offset).unwrap_or(usize::MAX).min(budget);
            match rustix::fs::sendfile(stream, file.as_fd(), Some(&mut self.offset), left) {
                // It was cut off: the client counts.
                Ok(0) => return Ok(true),
                Ok(sent) => budget = budget.saturating_sub(sent),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.offset >= *end)
    }
}

/// Of a question for metrics, the answer.
pub(super) fn http(text: &[u8], metrics: impl FnOnce() -> Option<Reply>) -> Reply {
    let first = text.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let mut words = first.split(|byte| *byte == b' ');
    let whole = (words.next(), words.next(), words.next());
    let plain = |status: &str, body: &str| {
        let mut head = Vec::new();
        let _ = write!(
            head,
            "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        Reply { head, file: None }
    };
    match whole {
        (Some(b"GET"), Some(path), Some(b"HTTP/1.0" | b"HTTP/1.1")) => {
            let path = path.split(|byte| *byte == b'?').next().unwrap_or_default();
            let found = (path == b"/metrics").then(metrics).flatten();
            let Some(Reply { head: own, file }) = found else {
                return plain("404 Not Found", "metrics are at /metrics, once there is a report\n");
            };
            let length = own.len() as u64 + file.as_ref().map_or(0, |(_, length)| *length);
            let mut head = Vec::new();
            let _ = write!(
                head,
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            head.extend(own);
            Reply { head, file }
        }
        (Some(_), Some(_), Some(b"HTTP/1.0" | b"HTTP/1.1")) => {
            plain("405 Method Not Allowed", "only GET is answered\n")
        }
        _ => plain("400 Bad Request", "this is no request that is understood\n"),
    }
}

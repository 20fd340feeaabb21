//! The line protocol between a probe and its parent: JSON, one message a line, on a private pipe.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use std::{fs::File, io::Write, os::fd::FromRawFd};

/// Longest line that is read, in bytes; an honest answer is a few kilobytes.
const LONGEST_LINE: usize = 4 << 20;

/// What a probe tells its parent.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message<T> {
    /// It is about to make this foreign call.
    Step(String),
    /// All that it has seen up to now; replaces the one before.
    SoFar(T),
    /// How far it is.
    Progress(Progress),
    /// A piece of what it sees, which comes after those before it; for whoever listens.
    Piece(T),
    /// All that it has seen. Nothing follows.
    Answer(T),
}

/// How far a probe is that takes minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The device that is at work, by its ordinal.
    pub device: i32,
    /// Bytes written and read up to now.
    pub done: u64,
    /// Bytes to be written and read; none where the time decides.
    pub all: Option<u64>,
    /// Bytes a second.
    pub rate: u64,
    /// Seconds left.
    pub left_s: u64,
}

/// The probe's end of the pipe.
pub struct Trail {
    pipe: File,
}

impl Trail {
    /// Takes over the descriptor on which the parent left the pipe; none where nobody left one.
    pub fn from_parent() -> Option<Self> {
        // SAFETY: asks whether the number is a file's.
        if unsafe { libc::fcntl(super::ANSWER_FD, libc::F_GETFD) } < 0 {
            return None;
        }
        // SAFETY: run() put the pipe on this descriptor before the exec, and nothing else in a worker takes it.
        Some(Self { pipe: unsafe { File::from_raw_fd(super::ANSWER_FD) } })
    }

    /// Tells that this foreign call comes next.
    pub fn step(&mut self, step: &str) {
        self.send(&Message::<()>::Step(step.to_owned()));
    }

    /// Tells what has been seen up to now.
    pub fn so_far<T: Serialize>(&mut self, seen: &T) {
        self.send(&Message::SoFar(seen));
    }

    /// Tells how far it is.
    pub fn progress(&mut self, progress: &Progress) {
        self.send(&Message::<()>::Progress(*progress));
    }

    /// Tells a piece of what is seen.
    pub fn piece<T: Serialize>(&mut self, piece: &T) {
        self.send(&Message::Piece(piece));
    }

    /// Tells the whole answer.
    pub fn answer<T: Serialize>(&mut self, seen: &T) {
        self.send(&Message::Answer(seen));
    }

    /// A parent that is gone cannot be told; its death signal ends this process anyway.
    fn send<T: Serialize>(&mut self, message: &Message<T>) {
        if let Ok(mut line) = serde_json::to_vec(message) {
            line.push(b'\n');
            let _ = self.pipe.write_all(&line);
        }
    }
}

/// Why a trail cannot be read on.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrailError {
    /// More than an honest probe has to say.
    #[error("a line of more than {LONGEST_LINE} bytes")]
    TooLong,
    /// A line that is no message.
    #[error("{0}")]
    NoMessage(String),
}

/// The parent's side: bytes in, the state of the probe out.
#[derive(Debug, Default)]
pub struct ReadTrail {
    pending: Vec<u8>,
    step: String,
    so_far: Option<Box<RawValue>>,
    progress: Option<Progress>,
    pieces: Vec<Box<RawValue>>,
    answer: Option<Box<RawValue>>,
    error: Option<TrailError>,
}

impl ReadTrail {
    /// Takes the next bytes. After an answer or an error the rest is not looked at.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        while !self.is_over() {
            let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
                self.pending.extend_from_slice(bytes);
                if self.pending.len() > LONGEST_LINE {
                    let line = std::mem::take(&mut self.pending);
                    self.read_line(&line);
                }
                return;
            };
            let (line, rest) = bytes.split_at(end);
            self.pending.extend_from_slice(line);
            bytes = rest.get(1..).unwrap_or_default();
            let line = std::mem::take(&mut self.pending);
            self.read_line(&line);
        }
    }

    fn read_line(&mut self, line: &[u8]) {
        if line.len() > LONGEST_LINE {
            self.error = Some(TrailError::TooLong);
            return;
        }
        match serde_json::from_slice::<Message<Box<RawValue>>>(line) {
            Ok(Message::Step(step)) => self.step = step,
            Ok(Message::SoFar(seen)) => self.so_far = Some(seen),
            Ok(Message::Progress(progress)) => self.progress = Some(progress),
            Ok(Message::Piece(piece)) => self.pieces.push(piece),
            Ok(Message::Answer(seen)) => self.answer = Some(seen),
            Err(error) => self.error = Some(TrailError::NoMessage(error.to_string())),
        }
    }

    /// Nothing more is to be read.
    pub fn is_over(&self) -> bool {
        self.answer.is_some() || self.error.is_some()
    }

    /// The foreign call that came last; empty before the first.
    pub fn step(&self) -> &str {
        &self.step
    }

    /// How far the probe is, where it has told since this was asked last.
    pub fn take_progress(&mut self) -> Option<Progress> {
        self.progress.take()
    }

    /// The pieces that were told since this was asked last.
    pub fn take_pieces(&mut self) -> Vec<Box<RawValue>> {
        std::mem::take(&mut self.pieces)
    }

    /// What is wrong with the trail.
    pub fn error(&self) -> Option<&TrailError> {
        self.error.as_ref()
    }

    /// The answer, where one came and can be read.
    pub fn answer<T: DeserializeOwned>(&self) -> Option<Result<T, String>> {
        self.answer.as_deref().map(parse)
    }

    /// What had been seen last, where it can be read.
    pub fn so_far<T: DeserializeOwned>(&self) -> Option<T> {
        self.so_far.as_deref().and_then(|seen| parse(seen).ok())
    }
}

fn parse<T: DeserializeOwned>(value: &RawValue) -> Result<T, String> {
    serde_json::from_str(value.get()).map_err(|error| error.to_string())
}

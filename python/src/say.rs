//! What is told to the parent: JSON lines on its pipe, in the shapes that `src/probe/frameworks/said.rs` reads.
//!
//! Invariant: a parent that is gone cannot be told; its death signal ends this process anyway.

use pyo3::{exceptions::PyUnicodeError, prelude::*};
use serde_json::{Value, json};
use std::{fs::File, io::Write, mem::ManuallyDrop, os::fd::FromRawFd};

/// The descriptor on which the parent left the pipe; `ANSWER_FD` of its `src/child/mod.rs`.
const ANSWER_FD: i32 = 60;
/// Longest exception text that is told, in bytes.
const LONGEST_MESSAGE: usize = 2 << 10;

/// Tells that this foreign call comes next.
pub(crate) fn step(step: &str) {
    send(&json!({ "step": step }));
}

/// Makes a foreign call that is announced first; an exception is told as [`failed`] tells it.
pub(crate) fn announced<T>(py: Python<'_>, of: &str, call: impl FnOnce() -> PyResult<T>) -> Result<T, Value> {
    step(of);
    call().map_err(|error| failed(py, of, &error))
}

/// Tells what has been seen up to now: `looked` at TensorFlow, or `asked` of another framework.
pub(crate) fn so_far(kind: &str, seen: &Value) {
    send(&json!({ "so_far": { kind: seen } }));
}

/// Tells all that was seen. Nothing may follow.
pub(crate) fn answer(kind: &str, seen: &Value) {
    send(&json!({ "answer": { kind: seen } }));
}

fn send(message: &Value) {
    let line = format!("{message}\n");
    // SAFETY: the parent put the pipe on this descriptor before the exec; ManuallyDrop leaves it open.
    let mut pipe = ManuallyDrop::new(unsafe { File::from_raw_fd(ANSWER_FD) });
    let _ = pipe.write_all(line.as_bytes());
}

/// A Python exception as `Observed::Failed(ProbeFailure::Refused)`; its traceback goes to standard error.
pub(crate) fn failed(py: Python<'_>, step: &str, error: &PyErr) -> Value {
    let name = error.get_type(py).name().map_or_else(|_| "exception".to_owned(), |name| text(&name));
    let message = head(&text(error.value(py)));
    error.display(py);
    refused(step, &name, &message)
}

/// A refusal without an exception behind it.
pub(crate) fn refused(step: &str, name: &str, message: &str) -> Value {
    json!({ "failed": { "refused": { "step": step, "code": 0, "name": name, "message": message } } })
}

/// `str(value)`, whatever it holds.
pub(crate) fn text(value: &Bound<'_, PyAny>) -> String {
    match value.str() {
        Ok(text) => text.to_string_lossy().into_owned(),
        Err(error) if error.is_instance_of::<PyUnicodeError>(value.py()) => "undecodable text".to_owned(),
        Err(_) => "an object whose str() fails".to_owned(),
    }
}

fn head(message: &str) -> String {
    let mut end = message.len().min(LONGEST_MESSAGE);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    message.get(..end).unwrap_or_default().trim().to_owned()
}

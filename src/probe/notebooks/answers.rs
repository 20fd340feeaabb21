//! What a Jupyter server answers, read as what a stranger says.
//!
//! Invariants: what has not the form of such an answer is refused as a whole; texts and lists are bounded, and control
//! characters do not get through.

use gpucheck_checks::fact::Session;
use jiff::Timestamp;
use serde_json::Value;

/// Most kernels of one server that are kept, and most characters of a text.
const MOST: usize = 256;
const LONGEST: usize = 1024;

/// The kernels that notebooks and consoles use, as `/api/sessions` tells.
pub(super) fn sessions(answer: &str, now: Timestamp) -> Result<Vec<Session>, String> {
    each(answer, |item| {
        let path = text(item, "/path").or_else(|| text(item, "/notebook/path"));
        let kind = text(item, "/type");
        Some(Session { path, kind, ..kernel(item.get("kernel")?, now)? })
    })
}

/// All kernels, as `/api/kernels` tells.
pub(super) fn kernels(answer: &str, now: Timestamp) -> Result<Vec<Session>, String> {
    each(answer, |item| kernel(item, now))
}

fn each(answer: &str, read: impl Fn(&Value) -> Option<Session>) -> Result<Vec<Session>, String> {
    let answer: Value =
        serde_json::from_str(answer).map_err(|error| format!("its answer is no JSON: {error}"))?;
    let Value::Array(items) = answer else { return Err("its answer is no list".to_owned()) };
    let read = items.iter().take(MOST).map(read).collect::<Option<Vec<_>>>();
    read.ok_or_else(|| "its answer lists what is no kernel".to_owned())
}

fn kernel(value: &Value, now: Timestamp) -> Option<Session> {
    let active: Option<Timestamp> = text(value, "/last_activity").and_then(|text| text.parse().ok());
    let idle = active.map(|active| now.as_second().saturating_sub(active.as_second()).max(0));
    let connections = value.get("connections").and_then(Value::as_u64);
    Some(Session {
        kernel: text(value, "/id").filter(|id| !id.is_empty())?,
        path: None,
        kind: None,
        spec: text(value, "/name"),
        state: text(value, "/execution_state"),
        connections: connections.and_then(|connections| u32::try_from(connections).ok()),
        idle_s: idle.and_then(|seconds| u64::try_from(seconds).ok()),
    })
}

fn text(value: &Value, pointer: &str) -> Option<String> {
    let text = value.pointer(pointer)?.as_str()?;
    Some(text.chars().take(LONGEST).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_session_is_read_as_jupyter_server_tells_it() {
        // The form that the REST API's page gives, with the answer of a jupyter_server 2.21.1.
        let answer = r#"[{"id": "a", "path": "lab/Lab3.ipynb", "name": "Lab3.ipynb", "type": "notebook",
            "kernel": {"id": "6f2c", "name": "python3", "last_activity": "2026-03-01T10:00:00.123456Z",
            "execution_state": "idle", "connections": 0}, "notebook": {"path": "lab/Lab3.ipynb", "name": ""}}]"#;
        let expected = Session {
            kernel: "6f2c".to_owned(),
            path: Some("lab/Lab3.ipynb".to_owned()),
            kind: Some("notebook".to_owned()),
            spec: Some("python3".to_owned()),
            state: Some("idle".to_owned()),
            connections: Some(0),
            idle_s: Some(7200),
        };
        assert_eq!(sessions(answer, now()), Ok(vec![expected]));
    }

    #[test]
    fn what_is_none_is_refused() {
        for answer in [
            "",
            "<html>",
            "{}",
            "null",
            "[1]",
            "[{}]",
            r#"[{"kernel": {"id": 7}}]"#,
            r#"[{"kernel": {"id": ""}}]"#,
        ] {
            assert!(sessions(answer, now()).is_err(), "{answer}");
        }
        assert!(kernels(&"[".repeat(100_000), now()).is_err());
    }

    #[test]
    fn odd_values_are_left_out_and_long_ones_cut() {
        let long = "x".repeat(5000);
        let answer = format!(
            r#"[{{"id": "k", "name": "{long}", "execution_state": "\u001b[31m", "connections": -1, "last_activity": "soon"}}]"#
        );
        let kernels = kernels(&answer, now()).unwrap();
        let [kernel] = kernels.as_slice() else { panic!("{kernels:?}") };
        assert_eq!((kernel.connections, kernel.idle_s), (None, None));
        assert_eq!(kernel.spec.as_ref().map(String::len), Some(LONGEST));
        assert_eq!(kernel.state.as_deref(), Some("\u{fffd}[31m"));
        let ahead = r#"[{"id": "k", "last_activity": "2026-03-01T13:00:00Z"}]"#;
        assert_eq!(super::kernels(ahead, now()).unwrap()[0].idle_s, Some(0));
    }
}

//! A server that was started to see whether it starts: what it answers.
//!
//! Invariant: it is asked as every server is: on loopback, its port seen to be its own, for a bounded time and length.
//!
//! Source: <https://jupyter-server.readthedocs.io/en/latest/developers/rest-api.html>, `/api`, `/api/status`,
//! `/api/kernelspecs`.

use super::{listener, runtime, sessions::fetch};
use crate::root::Root;
use gpucheck_checks::fact::JupyterAnswer;
use serde_json::Value;
use std::{
    collections::BTreeSet,
    path::Path,
    time::{Duration, Instant},
};

/// Time for one question: extensions may be slow to begin with.
const LIMIT: Duration = Duration::from_secs(5);
/// Most kernels that are kept, and most characters of a text.
const MOST: usize = 256;
const LONGEST: usize = 200;

/// What the server says that noted itself in this folder as a process of this user; none where there is none yet, or it
/// does not listen yet.
pub(crate) fn answer_of(folder: &Path, uid: u32) -> Option<Result<JupyterAnswer, String>> {
    let root = Root::new("/");
    let note = runtime::notes(&root, &BTreeSet::from([folder.to_owned()]), uid).into_iter().next()?;
    let address = match note.place {
        Ok(address) => address,
        Err(why) => return Some(Err(why)),
    };
    // It notes itself before it listens, or after.
    let at = listener::of(&root, note.pid, address.port).ok()?;
    let until = Instant::now() + LIMIT;
    let ask = |what: &str| fetch(&address, at, what, until).and_then(|text| json(&text));
    let answer = ask("status").and_then(|_| {
        let version = fetch(&address, at, "", until).and_then(|text| json(&text)).ok();
        Ok(kernels(&ask("kernelspecs")?, version.as_ref()))
    });
    Some(answer)
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("its answer is no JSON: {error}"))
}

fn kernels(answer: &Value, version: Option<&Value>) -> JupyterAnswer {
    let text = |value: &Value| {
        let text = value.as_str()?.chars().take(LONGEST);
        Some(text.map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect::<String>())
    };
    let names = answer.get("kernelspecs").and_then(Value::as_object);
    let names = names.into_iter().flat_map(|specs| specs.keys()).take(MOST);
    JupyterAnswer {
        version: version.and_then(|version| version.get("version")).and_then(text),
        kernels: names.filter_map(|name| text(&Value::from(name.as_str()))).collect(),
        default_kernel: answer.get("default").and_then(text),
    }
}

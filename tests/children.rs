//! `child::run` with real processes: whatever a child does is a value, in time, and nothing of it remains.

mod confinement;
mod endings;
mod pipes;
mod unkillable;

use gpucheck::child::{self, ANSWER_FD, Finished, Job};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Time for children that end by themselves; no test waits for it.
const AMPLE: Duration = Duration::from_secs(20);
/// What a busy machine may take beyond a bound that the code keeps.
const SLACK: Duration = Duration::from_millis(300);

/// A job for bash, in whose scripts `say` writes a line to the answer pipe.
///
/// Not for sh: dash cannot name a descriptor of two digits.
fn script(text: &str, deadline: Duration) -> Job {
    let prelude = format!("say() {{ printf '%s\\n' \"$*\" >&{ANSWER_FD}; }}\n");
    program("/bin/bash", &["-c", &format!("{prelude}{text}")], deadline)
}

fn program(program: &str, args: &[&str], deadline: Duration) -> Job {
    Job {
        program: program.into(),
        args: args.iter().map(Into::into).collect(),
        base: None,
        env: Vec::new(),
        folder: None,
        deadline,
        memory: 1 << 30,
        files: Vec::new(),
        identity: None,
        may_make_nodes: false,
        stack_at_deadline: false,
    }
}

/// Runs a job and measures it from outside.
fn timed(job: Job) -> (Finished<Value>, Duration) {
    let start = Instant::now();
    let finished = child::run(job);
    (finished, start.elapsed())
}

/// Runs a script that ends by itself.
fn ran(text: &str) -> Finished<Value> {
    child::run(script(text, AMPLE))
}

/// The number after a word in a child's log.
fn number(log: &str, word: &str) -> i32 {
    let after = log.split(word).nth(1).unwrap_or_else(|| panic!("no {word} in {log:?}"));
    after.split_whitespace().next().unwrap().parse().unwrap()
}

//! A look as another user: this program once more, in a child that has become that user.
//!
//! Invariants: the child takes on the user's id, group and groups before it is this program again, and has no way back;
//! of root's variables it has none; it keeps nothing in the user's home; a look that is not the user's, or not whole, says so.

use super::{Account, login};
use crate::{
    child::{Hears, Identity, Trail},
    probe::{environments::Surroundings, frameworks, module, notebooks},
    root::Root,
    worker::{self, Worker},
};
use gpucheck_checks::fact::{Carrier, DeviceNode, Frameworks, Notebooks, Observed};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// How a worker is asked for it.
pub const SOURCE: &str = "user";
/// Limit of its memory, which its Pythons cannot raise again.
const MEMORY: u64 = 8 << 30;
/// What is left of the time for what comes after the last Python.
const ROOM: Duration = Duration::from_secs(10);

/// What is asked of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Question {
    /// As whom it is to run.
    pub uid: u32,
    /// Compute on what frameworks list.
    pub exercise: bool,
    /// Put PyTorch, JAX, CuPy and cuDF to work.
    pub put_to_work: bool,
    /// Its Pythons may make device nodes, as those of a notebook may.
    pub may_make_nodes: bool,
    /// One Python after the other: other users are looked as beside it.
    pub one_at_a_time: bool,
    /// Milliseconds until it is to have answered.
    pub deadline_ms: u64,
}

/// What a user sees.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SeenAs {
    /// The kernels that the user is offered.
    pub notebooks: Notebooks,
    /// The Pythons that the user can start.
    pub frameworks: Frameworks,
    /// The driver's device nodes, and whether the user may open them.
    pub nodes: Vec<DeviceNode>,
}

/// Looks as this user. Only root can.
pub fn look_as(worker: &Worker, account: &Account, question: &Question) -> Observed<SeenAs> {
    let mut groups = vec![account.gid];
    groups.extend(account.groups.iter().filter(|gid| **gid != account.gid));
    let around = worker::Surroundings {
        base: Some(login::variables(&Root::new("/"), account)),
        changes: Vec::new(),
        folder: Some("/".into()),
        identity: Some(Identity { uid: account.uid, gid: account.gid, groups }),
        may_make_nodes: question.may_make_nodes,
    };
    worker.run::<_, Observed<SeenAs>>(SOURCE, question, (MEMORY, around), &mut Hears(&|_| {})).flatten()
}

/// Looks, in the child. A failure where it has not become whom it was to become.
pub(crate) fn look(question: &Question, trail: &mut Trail) -> Observed<SeenAs> {
    if !is_only(question.uid) {
        let step = format!("become user {}", question.uid);
        return Observed::refused(&step, 0, "still another user", "nothing was looked at");
    }
    let until = Duration::from_millis(question.deadline_ms).saturating_sub(ROOM);
    let until = Instant::now() + until;
    let root = Root::new("/");
    let surroundings = Surroundings::of_this_process();
    // A notebook is opened in its owner's home, wherever gpucheck was started.
    if let Some(home) = &surroundings.home {
        trail.step("enter the home");
        let _ = std::env::set_current_dir(home);
    }
    trail.step("look for kernels");
    let nodes = module::device_nodes(&root);
    let surroundings = Surroundings { working_directory: std::env::current_dir().ok(), ..surroundings };
    let of_user = notebooks::Environment::of_this_process();
    let seen = notebooks::probe_with_environments(&root, &of_user, surroundings);
    let cut = seen.failure().cloned();
    let (notebooks, environments) = match seen {
        Observed::Seen(seen) | Observed::Interrupted { seen, .. } => seen,
        Observed::Failed(by) => return Observed::Failed(by),
        Observed::NotProbed { why } => return Observed::NotProbed { why },
    };
    trail.step("look at Pythons");
    let mut ask = frameworks::Ask::new(frameworks::Environment::of_this_process());
    ask.full = true;
    ask.exercise = question.exercise;
    ask.put_to_work = question.put_to_work;
    ask.may_make_nodes = question.may_make_nodes;
    ask.one_at_a_time = question.one_at_a_time;
    // The other one writes a file.
    ask.carriers = vec![Carrier::Memory, Carrier::PlainPython];
    ask.notebooks = Some(notebooks.clone());
    ask.environments = environments;
    ask.until = Some(until);
    let (frameworks, end) = match frameworks::probe(&ask) {
        Observed::Seen(seen) => (seen, None),
        Observed::Interrupted { seen, by } => (seen, Some(by)),
        // What kernels and nodes there are is told all the same.
        Observed::Failed(by) => (Frameworks::default(), Some(by)),
        Observed::NotProbed { why } => return Observed::NotProbed { why },
    };
    let seen = SeenAs { notebooks, frameworks, nodes };
    match cut.or(end) {
        Some(by) => Observed::Interrupted { seen, by },
        None => Observed::Seen(seen),
    }
}

/// Whether this process is this user and can be nobody else again.
fn is_only(uid: u32) -> bool {
    let (mut real, mut effective, mut saved) = (0, 0, 0);
    // SAFETY: a system call that writes to three numbers of this stack.
    let told = unsafe { libc::getresuid(&raw mut real, &raw mut effective, &raw mut saved) } == 0;
    told && uid != 0 && [real, effective, saved] == [uid; 3]
}

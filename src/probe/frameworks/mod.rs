//! The Python of the current environment, and TensorFlow in it.
//!
//! Two looks. The bare one imports `tensorflow.python.client.device_lib` under empty parent packages: the same
//! devices as the student sees, in about a tenth of the time, but no proof that `import tensorflow` works. The
//! full one imports TensorFlow as a notebook does and computes on each GPU. A bare look that leaves a doubt is
//! followed by a full one, and the facts hold both.
//!
//! Invariants: no Python runs in this process; a Python never runs as root where somebody else can write to it
//! (`identity.rs`); a look leaves nothing behind.

mod accounts;
mod architectures;
mod assignment;
mod brought;
mod build_info;
mod carrier;
mod conda;
mod cuda_parts;
mod discover;
mod distributions;
mod elf;
mod files;
mod identity;
mod interpreter;
mod launch;
mod leftovers;
mod libraries;
mod linked;
mod loader;
mod metadata;
pub(crate) mod packages;
mod said;
#[cfg_attr(not(test), expect(dead_code, reason = "the look in isolation is to ask it"))]
mod shadowing;
mod shell_files;
mod survey;
mod tensorflow;

pub use discover::Environment;
pub(crate) use packages::tensorflow_in;

use crate::root::Root;
use cuda_parts::Around;
use discover::Candidate;
use distributions::Installed;
use gpucheck_checks::fact::{Carrier, Frameworks, Observed, Packages, Python, TensorFlow, Way};
use identity::Refusal;
use launch::Taken;
use std::{path::Path, time::Duration};

/// What to look at, and how.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Where to look for a Python, and what it inherits.
    pub environment: Environment,
    /// Take the full look alone, whatever a bare one would say.
    pub full: bool,
    /// A Python that runs as root keeps the right to make device nodes.
    pub may_make_nodes: bool,
    /// Time for a bare look.
    pub bare_deadline: Duration,
    /// Time for a full look.
    pub full_deadline: Duration,
    /// The carriers to try, in this order.
    pub carriers: Vec<Carrier>,
    /// Where the loader's configuration and installed toolkits lie.
    pub system: Root,
}

impl Ask {
    /// The usual: a bare look of at most 30 s, and where it leaves a doubt a full one of at most 120 s.
    pub fn new(environment: Environment) -> Self {
        Self {
            environment,
            full: false,
            may_make_nodes: false,
            bare_deadline: Duration::from_secs(30),
            full_deadline: Duration::from_mins(2),
            carriers: vec![Carrier::Memory, Carrier::File, Carrier::PlainPython],
            system: Root::new("/"),
        }
    }
}

/// Looks at the Python of the environment; an empty list where there is none.
pub fn probe(ask: &Ask) -> Observed<Frameworks> {
    let candidates = discover::candidates(&ask.environment);
    Observed::Seen(Frameworks {
        pythons: candidates.iter().map(|candidate| python(ask, candidate)).collect(),
        library_path_set_in: shell_files::setting_library_path(&ask.system, &ask.environment),
        visible_devices_set_in: shell_files::setting_visible_devices(&ask.system, &ask.environment),
    })
}

fn python(ask: &Ask, candidate: &Candidate) -> Python {
    let mut python = Python {
        found_by: candidate.found_by,
        path: candidate.program.to_string_lossy().into_owned(),
        ran_as: None,
        interpreter: Observed::not_probed("it was not started"),
        log: String::new(),
        tensorflow: Observed::not_probed("the interpreter was not started"),
        packages: Observed::not_probed("the interpreter was not started"),
        cuda_parts: Observed::not_probed("the interpreter was not started"),
        tensorflow_companions: Vec::new(),
        isolated: None,
    };
    let identity = match identity::choose(ask, candidate) {
        Ok(identity) => identity,
        Err(Refusal::Failed(failure)) => {
            python.interpreter = Observed::Failed(failure);
            python.tensorflow = Observed::not_probed("the interpreter gave no answer");
            python.packages = Observed::not_probed("the interpreter gave no answer");
            return python;
        }
        Err(Refusal::NotRun(why)) => {
            python.interpreter = Observed::not_probed(why.clone());
            python.tensorflow = Observed::not_probed(why.clone());
            python.packages = Observed::not_probed(why);
            return python;
        }
    };
    python.ran_as = identity.owner.as_ref().map(|owner| owner.uid);
    for change in &identity.changes {
        tracing::warn!("{}", change.why);
        python.log.extend(["gpucheck: ", &change.why, "\n"]);
    }
    let look = |way| launch::take(ask, candidate, &identity, way);
    let first = look(if ask.full { Way::Full } else { Way::Bare });
    note(ask, &mut python, first);
    if let Observed::Seen(Some(tensorflow)) = &mut python.tensorflow
        && tensorflow.full_look().is_none()
        && let Some(doubt) = tensorflow::doubt(tensorflow)
    {
        tracing::debug!(python = python.path, doubt, "taking a full look");
        tensorflow.looks.push(look(Way::Full).look);
    }
    python
}

/// Takes in the first look.
fn note(ask: &Ask, python: &mut Python, Taken { look, looked }: Taken) {
    let looked = match looked {
        Ok(looked) => looked,
        Err(failure) => {
            python.interpreter = Observed::Failed(failure);
            python.log.push_str(&look.log);
            python.tensorflow = Observed::not_probed("the interpreter gave no answer");
            python.packages = Observed::not_probed("the interpreter gave no answer");
            python.cuda_parts = Observed::not_probed("the interpreter gave no answer");
            return;
        }
    };
    let prefix = looked.interpreter.prefix.as_str();
    python.packages = Observed::Seen(packages::on(&Root::new("/"), &looked.sys_path, Some(prefix)));
    let installed = Installed::on(&looked.sys_path);
    python.cuda_parts = Observed::Seen(cuda_parts::read(&Around {
        environment: &ask.environment,
        system: &ask.system,
        prefix: Path::new(&looked.interpreter.prefix),
        sys_path: &looked.sys_path,
        installed: &installed,
    }));
    if let Observed::Seen(Packages { torch: Some(torch), .. }) = &mut python.packages {
        torch.libraries = linked::of_torch(torch, &looked.interpreter, &looked.sys_path, ask);
    }
    python.tensorflow_companions = installed.companions();
    python.interpreter = Observed::Seen(looked.interpreter);
    python.tensorflow = match looked.tensorflow {
        Some(found) if !found.package.is_empty() => {
            Observed::Seen(Some(tensorflow::around(&found, &installed, look)))
        }
        // The search for the package broke, or did not come to its end.
        _ => match look.listing {
            Observed::Failed(by) | Observed::Interrupted { by, .. } => Observed::Failed(by),
            Observed::Seen(_) | Observed::NotProbed { .. } => Observed::Seen(None::<TensorFlow>),
        },
    };
}

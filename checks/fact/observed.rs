//! A value, or the reason why there is none.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a probe has to say about one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Observed<T> {
    /// It was seen.
    Seen(T),
    /// It was asked for and not had.
    Failed(ProbeFailure),
    /// Part of it was seen, then the looking ended.
    Interrupted {
        /// What was seen before.
        seen: T,
        /// How it ended.
        by: ProbeFailure,
    },
    /// Nobody asked.
    NotProbed {
        /// Why nobody asked, as a fragment that fits after "not probed: ".
        why: String,
    },
}

impl<T> Observed<T> {
    /// A [`Observed::NotProbed`] with this reason.
    pub fn not_probed(why: impl Into<String>) -> Self {
        Self::NotProbed { why: why.into() }
    }

    /// A refusal by a named call: `code` as the API numbers it, `name` as the API spells it.
    pub fn refused(step: &str, code: i64, name: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Failed(ProbeFailure::Refused {
            step: step.to_owned(),
            code,
            name: name.into(),
            message: message.into(),
        })
    }

    /// What was seen, whole or in part.
    pub fn seen(&self) -> Option<&T> {
        match self {
            Self::Seen(seen) | Self::Interrupted { seen, .. } => Some(seen),
            Self::Failed(_) | Self::NotProbed { .. } => None,
        }
    }

    /// How the looking failed, where it did.
    pub fn failure(&self) -> Option<&ProbeFailure> {
        match self {
            Self::Failed(by) | Self::Interrupted { by, .. } => Some(by),
            Self::Seen(_) | Self::NotProbed { .. } => None,
        }
    }

    /// The code with which the API refused, where it did.
    pub fn refusal_code(&self) -> Option<i64> {
        self.failure()?.refusal_code()
    }

    /// Why there is no whole value, as a fragment; empty where there is one.
    pub fn why_not(&self) -> String {
        match self {
            Self::Seen(_) => String::new(),
            Self::Failed(by) | Self::Interrupted { by, .. } => by.to_string(),
            Self::NotProbed { why } => format!("not probed: {why}"),
        }
    }

    /// The same observation of another value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Observed<U> {
        match self {
            Self::Seen(seen) => Observed::Seen(f(seen)),
            Self::Failed(by) => Observed::Failed(by),
            Self::Interrupted { seen, by } => Observed::Interrupted { seen: f(seen), by },
            Self::NotProbed { why } => Observed::NotProbed { why },
        }
    }
}

impl<T> Observed<Observed<T>> {
    /// One observation of both: what was seen of it, and the first failure.
    #[must_use]
    pub fn flatten(self) -> Observed<T> {
        match self {
            Self::Interrupted { seen: Observed::Seen(seen), by } => Observed::Interrupted { seen, by },
            Self::Seen(inner) | Self::Interrupted { seen: inner, .. } => inner,
            Self::Failed(by) => Observed::Failed(by),
            Self::NotProbed { why } => Observed::NotProbed { why },
        }
    }
}

/// A field that facts of before do not have.
impl<T> Default for Observed<T> {
    fn default() -> Self {
        Self::not_probed("these facts were recorded before it was asked")
    }
}

impl<T> From<Result<T, ProbeFailure>> for Observed<T> {
    fn from(result: Result<T, ProbeFailure>) -> Self {
        match result {
            Ok(seen) => Self::Seen(seen),
            Err(by) => Self::Failed(by),
        }
    }
}

/// How a look at something foreign ended without a whole answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProbeFailure {
    /// It answered, with an error of its own.
    Refused {
        /// The call that refused.
        step: String,
        /// The error as the API numbers it; 0 where the API has no numbers.
        code: i64,
        /// The error as the API names it.
        name: String,
        /// The API's or the operating system's words, possibly empty.
        message: String,
    },
    /// It could not be started.
    NotStarted {
        /// The operating system's words.
        message: String,
    },
    /// A signal ended it.
    Crashed {
        /// Number of the signal.
        signal: i32,
        /// What it was doing.
        step: String,
    },
    /// It ended by itself, without an answer.
    Exited {
        /// Exit status.
        code: i32,
        /// What it was doing.
        step: String,
    },
    /// It did not answer in time.
    TimedOut {
        /// The time it was given, in milliseconds.
        after_ms: u64,
        /// What it was doing.
        step: String,
        /// It survived SIGKILL (uninterruptible sleep in the driver) and was left behind.
        unkillable: bool,
    },
    /// It answered with something that is no answer.
    Garbled {
        /// What it was doing.
        step: String,
        /// What is wrong with the answer.
        message: String,
    },
}

impl ProbeFailure {
    /// The code with which the API refused; none for every other failure.
    pub fn refusal_code(&self) -> Option<i64> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            Self::NotStarted { .. }
            | Self::Crashed { .. }
            | Self::Exited { .. }
            | Self::TimedOut { .. }
            | Self::Garbled { .. } => None,
        }
    }

    /// What it was doing when it failed; empty where it never started.
    pub fn step(&self) -> &str {
        match self {
            Self::NotStarted { .. } => "",
            Self::Refused { step, .. }
            | Self::Crashed { step, .. }
            | Self::Exited { step, .. }
            | Self::TimedOut { step, .. }
            | Self::Garbled { step, .. } => step,
        }
    }
}

impl std::fmt::Display for ProbeFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused { step, code, name, message } => {
                write!(f, "{step}: {name}")?;
                if *code != 0 {
                    write!(f, " ({code})")?;
                }
                if message.is_empty() { Ok(()) } else { write!(f, ": {message}") }
            }
            Self::NotStarted { message } => write!(f, "could not be started: {message}"),
            Self::Crashed { signal, step } => write!(f, "killed by {} in {step}", signal_name(*signal)),
            Self::Exited { code, step } => write!(f, "ended with status {code} and no answer in {step}"),
            Self::TimedOut { after_ms, step, unkillable } => {
                write!(f, "no answer after {after_ms} ms in {step}")?;
                if *unkillable { f.write_str(", and SIGKILL did not end it") } else { Ok(()) }
            }
            Self::Garbled { step, message } => write!(f, "unreadable answer in {step}: {message}"),
        }
    }
}

/// The name of a Linux signal on x86-64, for the ones that end processes.
fn signal_name(signal: i32) -> String {
    let name = match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        31 => "SIGSYS",
        other => return format!("signal {other}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_observation_of_an_observation_is_one() {
        let by = || ProbeFailure::NotStarted { message: "no".to_owned() };
        let cut = Observed::Interrupted { seen: 1, by: by() };
        for (outer, flat) in [
            (Observed::Seen(Observed::Seen(1)), Observed::Seen(1)),
            (Observed::Seen(Observed::Failed(by())), Observed::Failed(by())),
            (Observed::Seen(cut.clone()), cut.clone()),
            (Observed::Interrupted { seen: Observed::Seen(1), by: by() }, cut),
            (Observed::Interrupted { seen: Observed::not_probed("x"), by: by() }, Observed::not_probed("x")),
            (Observed::Failed(by()), Observed::Failed(by())),
        ] {
            assert_eq!(outer.flatten(), flat);
        }
    }
}

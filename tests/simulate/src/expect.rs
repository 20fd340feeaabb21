//! What a machine's report has to say, and whether it does.

use crate::error::{Error, Place};
use gpucheck_checks::{CAUSES, CHECKS, MachineVerdict, Readiness};
use serde::Deserialize;
use toml::Spanned;

/// What is expected, as a person writes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The verdict.
    pub verdict: MachineVerdict,
    /// Whether it may be published; not looked at where it is not given.
    pub readiness: Option<Readiness>,
    /// gpucheck's exit status.
    pub exit: u8,
    /// The roots, in their order.
    #[serde(default)]
    pub root: Vec<ExpectRoot>,
    /// Causes and checks that look alike and must not be named as roots.
    #[serde(default)]
    pub not: Vec<Spanned<String>>,
}

/// A root that is expected, as a person writes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectRoot {
    /// The check.
    pub id: Spanned<String>,
    /// The cause; none where only a check failed.
    pub cause: Option<Spanned<String>>,
    /// Whom it is about: the host where it is not given.
    #[serde(default = "host")]
    pub subject: String,
    /// Checks that it must explain, among others.
    #[serde(default)]
    pub explains: Vec<Spanned<String>>,
}

/// How reports call the host.
pub const HOST: &str = "this machine";

fn host() -> String {
    HOST.to_owned()
}

/// What is expected, with every name checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The verdict.
    pub verdict: MachineVerdict,
    /// Whether it may be published; not looked at where there is none.
    pub readiness: Option<Readiness>,
    /// gpucheck's exit status.
    pub exit: u8,
    /// The roots, in their order.
    pub roots: Vec<ExpectedRoot>,
    /// Causes and checks that must not be named as roots.
    pub not: Vec<String>,
}

/// A root that is expected, or that was got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedRoot {
    /// The check.
    pub id: String,
    /// The cause.
    pub cause: Option<String>,
    /// Whom it is about.
    pub subject: String,
    /// Checks that it explains.
    pub explains: Vec<String>,
}

impl std::fmt::Display for ExpectedRoot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.cause.as_deref().unwrap_or(&self.id))?;
        if self.subject == HOST { Ok(()) } else { write!(f, " ({})", self.subject) }
    }
}

/// What a run or a judgement said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Got {
    /// The verdict.
    pub verdict: MachineVerdict,
    /// Whether it may be published; none where that was not asked.
    pub readiness: Option<Readiness>,
    /// gpucheck's exit status; none where a signal ended it.
    pub exit: Option<u8>,
    /// The roots, in their order.
    pub roots: Vec<ExpectedRoot>,
    /// Outcomes that fail, warn or are unknown without a root.
    pub loose: Vec<String>,
}

impl Expect {
    /// Checks the names.
    pub fn resolve(&self, place: &Place<'_>) -> Result<Expected, Error> {
        let roots: Result<Vec<ExpectedRoot>, Error> =
            self.root.iter().map(|root| root.resolve(place)).collect();
        let not: Result<Vec<String>, Error> = self.not.iter().map(|name| not(place, name)).collect();
        let Self { verdict, readiness, exit, .. } = *self;
        Ok(Expected { verdict, readiness, exit, roots: roots?, not: not? })
    }
}

impl ExpectRoot {
    fn resolve(&self, place: &Place<'_>) -> Result<ExpectedRoot, Error> {
        let explains: Result<Vec<String>, Error> =
            self.explains.iter().map(|id| named(place, id, "check", checks())).collect();
        Ok(ExpectedRoot {
            id: named(place, &self.id, "check", checks())?,
            cause: self.cause.as_ref().map(|id| named(place, id, "cause", causes())).transpose()?,
            subject: self.subject.clone(),
            explains: explains?,
        })
    }
}

fn not(place: &Place<'_>, name: &Spanned<String>) -> Result<String, Error> {
    named(place, name, "cause or check", [causes(), checks()].concat())
}

fn named(place: &Place<'_>, name: &Spanned<String>, kind: &str, known: Vec<&str>) -> Result<String, Error> {
    let id = name.get_ref();
    if known.contains(&id.as_str()) {
        return Ok(id.clone());
    }
    Err(Error::unknown(place, name.span().start, kind, id, known))
}

/// The ids of all checks.
pub fn checks() -> Vec<&'static str> {
    CHECKS.iter().map(|check| check.id).collect()
}

/// The ids of all causes.
pub fn causes() -> Vec<&'static str> {
    CAUSES.iter().map(|cause| cause.id).collect()
}

impl Expected {
    /// What differs from it, in words; nothing where all is as expected.
    pub fn differences(&self, got: &Got) -> Vec<String> {
        let mut differences = Vec::new();
        let mut differ = |what: &str, expected: String, got: String| {
            if expected != got {
                differences.push(format!("{what}: expected {expected}, got {got}"));
            }
        };
        differ("verdict", word(self.verdict), word(got.verdict));
        if self.readiness.is_some() {
            differ("readiness", readiness(self.readiness), readiness(got.readiness));
        }
        differ(
            "exit",
            self.exit.to_string(),
            got.exit.map_or("a signal".to_owned(), |exit| exit.to_string()),
        );
        let told = |roots: &[ExpectedRoot]| {
            let told = |root: &ExpectedRoot| {
                format!("{} {} {}", root.id, root.cause.as_deref().unwrap_or("-"), root.subject)
            };
            format!("[{}]", roots.iter().map(told).collect::<Vec<_>>().join(", "))
        };
        differ("roots", told(&self.roots), told(&got.roots));
        for (expected, got) in self.roots.iter().zip(&got.roots) {
            for id in expected.explains.iter().filter(|id| !got.explains.contains(id)) {
                differences
                    .push(format!("{got} does not explain {id}; it explains [{}]", got.explains.join(", ")));
            }
        }
        for root in &got.roots {
            if self.not.iter().any(|not| *not == root.id || Some(not) == root.cause.as_ref()) {
                differences.push(format!("{root} must not be named"));
            }
        }
        if self.roots.is_empty() && self.verdict == MachineVerdict::Usable && !got.loose.is_empty() {
            differences.push(format!("a healthy machine, and still: {}", got.loose.join("; ")));
        }
        differences
    }
}

/// A verdict as reports write it.
pub fn word(verdict: MachineVerdict) -> String {
    as_written(verdict)
}

fn readiness(readiness: Option<Readiness>) -> String {
    readiness.map_or("nobody asked".to_owned(), as_written)
}

fn as_written(value: impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).ok();
    value.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

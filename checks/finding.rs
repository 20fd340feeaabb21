//! What a check concludes.

use crate::fact::{PciAddress, Python};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a conclusion is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(from = "NamedSubject", into = "NamedSubject")]
#[schemars(with = "NamedSubject")]
pub enum Subject {
    /// The machine.
    Host,
    /// One GPU.
    Gpu(PciAddress),
    /// The Python of this name: its path, and what tells it from others there.
    Python(String),
    /// The Jupyter kernel of this name.
    Notebook(String),
}

/// How a subject is written.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Subject")]
struct NamedSubject {
    kind: SubjectKind,
    /// PCI address of a GPU, name of a Python, name of a Jupyter kernel, `this machine`.
    name: String,
}

#[derive(Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum SubjectKind {
    Host,
    Gpu,
    Python,
    Notebook,
}

impl From<Subject> for NamedSubject {
    fn from(subject: Subject) -> Self {
        let name = subject.to_string();
        let kind = match subject {
            Subject::Host => SubjectKind::Host,
            Subject::Gpu(_) => SubjectKind::Gpu,
            Subject::Python(_) => SubjectKind::Python,
            Subject::Notebook(_) => SubjectKind::Notebook,
        };
        Self { kind, name }
    }
}

impl From<NamedSubject> for Subject {
    fn from(named: NamedSubject) -> Self {
        match named.kind {
            SubjectKind::Host => Self::Host,
            SubjectKind::Gpu => Self::Gpu(PciAddress::new(&named.name)),
            SubjectKind::Python => Self::Python(named.name),
            SubjectKind::Notebook => Self::Notebook(named.name),
        }
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Host => f.write_str("this machine"),
            Self::Gpu(address) => address.fmt(f),
            Self::Python(name) | Self::Notebook(name) => f.write_str(name),
        }
    }
}

impl Subject {
    /// Whether trouble with `self` can be the reason of trouble with `other`.
    ///
    /// The machine reaches everything on it. A GPU reaches whatever is no other GPU. A Python or a notebook
    /// reaches itself alone.
    pub fn reaches(&self, other: &Self) -> bool {
        match self {
            Self::Host => true,
            Self::Gpu(_) => self == other || !matches!(other, Self::Gpu(_)),
            Self::Python(_) | Self::Notebook(_) => self == other,
        }
    }
}

impl Python {
    /// It as a subject.
    pub(crate) fn subject(&self) -> Subject {
        Subject::Python(self.name())
    }
}

/// The outcome of one check for one subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is as it should be.
    Pass,
    /// It works, and something about it will hurt.
    Warn,
    /// It is not as it should be.
    Fail,
    /// It could not be told. Never a pass.
    Unknown,
    /// There is nothing here that it could be about.
    NotApplicable,
}

/// How bad a root is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The GPU cannot be used.
    Unusable,
    /// It can, in part or slowly.
    Degraded,
    /// It can, until the next boot, update or clone.
    BreaksLater,
}

/// Whose problem it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// Who sits in front of the notebook.
    Student,
    /// Who made the template.
    Instructor,
    /// Who builds the image.
    ImageBaker,
    /// Who runs the hardware or the cloud subscription.
    Platform,
}

/// What was concluded about one subject.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What it is about.
    pub subject: Subject,
    /// The conclusion.
    pub verdict: Verdict,
    /// A lower-case fragment with what was seen.
    pub summary: String,
    /// Lines that prove it.
    pub evidence: Vec<String>,
    /// How the texts to it are chosen and filled.
    pub advice: Advice,
}

/// What a check or a cause adds to its texts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Advice {
    /// Chooses among the texts of one id, where the fix depends on the place.
    pub variant: Option<&'static str>,
    /// Values of the placeholders in the texts.
    pub values: BTreeMap<&'static str, String>,
    /// Commands to paste, one a line.
    pub commands: Vec<String>,
    /// Where to read on.
    pub url: Option<&'static str>,
    /// Whose problem it is here, where that is not who mostly has it.
    pub who: Option<Who>,
    /// The outcomes that a cause accounts for, by check and subject, where that is not all that it can explain: an
    /// error has many reasons, and its code says which.
    pub accounts_for: Option<Vec<(String, Subject)>>,
}

/// All that a check concludes: a finding for each subject.
pub type Judged = Vec<Finding>;

impl Finding {
    /// A conclusion without evidence yet.
    pub fn new(subject: Subject, verdict: Verdict, summary: impl Into<String>) -> Self {
        let summary = summary.into();
        Self { subject, verdict, summary, evidence: Vec::new(), advice: Advice::default() }
    }

    /// As it should be.
    pub fn pass(subject: Subject, summary: impl Into<String>) -> Self {
        Self::new(subject, Verdict::Pass, summary)
    }

    /// Not as it should be.
    pub fn fail(subject: Subject, summary: impl Into<String>) -> Self {
        Self::new(subject, Verdict::Fail, summary)
    }

    /// Not to be told.
    pub fn unknown(subject: Subject, summary: impl Into<String>) -> Self {
        Self::new(subject, Verdict::Unknown, summary)
    }

    /// Nothing here to be about.
    pub fn not_applicable(subject: Subject, summary: impl Into<String>) -> Self {
        Self::new(subject, Verdict::NotApplicable, summary)
    }

    /// With a line of proof; an empty one is left out.
    #[must_use]
    pub fn because(mut self, evidence: impl Into<String>) -> Self {
        let evidence = evidence.into();
        if !evidence.is_empty() {
            self.evidence.push(evidence);
        }
        self
    }

    /// With the texts of this variant.
    #[must_use]
    pub fn variant(mut self, variant: &'static str) -> Self {
        self.advice.variant = Some(variant);
        self
    }

    /// With a value for a placeholder.
    #[must_use]
    pub fn with(mut self, placeholder: &'static str, value: impl Into<String>) -> Self {
        self.advice.values.insert(placeholder, value.into());
        self
    }

    /// With a command to paste.
    #[must_use]
    pub fn run(mut self, command: impl Into<String>) -> Self {
        self.advice.commands.push(command.into());
        self
    }

    /// Accounting for this outcome, and for no other that it has not been told of.
    #[must_use]
    pub fn accounting_for(mut self, id: &str, subject: &Subject) -> Self {
        self.advice.accounts_for.get_or_insert_default().push((id.to_owned(), subject.clone()));
        self
    }

    /// For this person to mend.
    #[must_use]
    pub fn by(mut self, who: Who) -> Self {
        self.advice.who = Some(who);
        self
    }

    /// With an address to read on.
    #[must_use]
    pub fn see(mut self, url: &'static str) -> Self {
        self.advice.url = Some(url);
        self
    }
}

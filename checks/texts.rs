//! What people read: titles, meanings and fixes, and the words of the report, one catalogue a language.
//!
//! A language is a folder of `texts`; its catalogue is all its files together. Each holds texts by id: `[cause.ID]` for
//! a named disease, `[check."LAYER.NAME"]` for a check that fails without one. `title` is a clause, in English in lower
//! case: it comes after "NOT USABLE: ". `meaning` and `fix` are sentences. A `variant` says for a place of its own what
//! is different there. `{placeholders}` come from the check or the cause; `{subject}` is always there. One file holds
//! `[report]`, the words of the report itself.
//!
//! Invariants, held by tests: every language has the same texts with the same placeholders; in Korean no particle
//! whose form depends on the word before it follows a placeholder.

mod drift;
mod pages;
mod seats;
#[cfg(test)]
mod tests;
mod words;

pub use drift::{DriftWords, WhatWords};
pub use pages::{PageWords, QuestionWords, SeverityWords, WhoWords};
pub use seats::{SeatStateWords, SeatsWords};
use serde::Deserialize;
use std::{collections::BTreeMap, sync::LazyLock};
pub use words::{
    AnswerWords, ClassWords, FixWords, HeadingWords, LoginWords, MachineWords, Phrase, PublishWords,
    SlowWords, StatusWords, UsableWords, VerdictWords, Words,
};

// Each file of a language: ENGLISH_FILES, KOREAN_FILES.
include!(concat!(env!("OUT_DIR"), "/texts.rs"));

static ENGLISH: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::read(ENGLISH_FILES));
static KOREAN: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::read(KOREAN_FILES));

/// A language that people read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Korean.
    Korean,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 2] = [Self::English, Self::Korean];

    /// The words of a report.
    pub fn words(self) -> &'static Words {
        &self.catalogue().words
    }

    /// The texts of a cause or of a check, about no machine: dots stand for what would be seen. None for any other id.
    pub fn texts(self, id: &str) -> Option<Texts> {
        let texts = cause(self, id, None).or_else(|| check(self, id, None))?;
        Some(texts.fill(|_| Some("…")))
    }

    fn catalogue(self) -> &'static Catalogue {
        match self {
            Self::English => &ENGLISH,
            Self::Korean => &KOREAN,
        }
    }
}

/// The texts of one cause, or of one check that fails for no named cause.
#[derive(Clone, Debug, PartialEq)]
pub struct Texts {
    /// What is wrong, as a clause.
    pub title: String,
    /// What that means, in a sentence or two.
    pub meaning: String,
    /// What to do.
    pub fix: String,
}

impl Texts {
    /// With the placeholders filled.
    pub(crate) fn fill<'a>(&self, value: impl Fn(&str) -> Option<&'a str>) -> Self {
        Self {
            title: fill(&self.title, &value),
            meaning: fill(&self.meaning, &value),
            fix: fill(&self.fix, &value),
        }
    }
}

/// Puts values into the places of their names; what has no value stays, and so does what looks like a name in a value.
fn fill<'a>(text: &str, value: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled += before;
        let known = after.split_once('}').and_then(|(name, after)| Some((value(name)?, after)));
        let (value, after) = known.unwrap_or(("{", after));
        filled += value;
        rest = after;
    }
    filled + rest
}

/// The texts of a cause.
pub(crate) fn cause(language: Language, id: &str, variant: Option<&str>) -> Option<Texts> {
    Some(language.catalogue().cause.get(id)?.of(variant))
}

/// The texts of a check that fails for no named cause.
pub(crate) fn check(language: Language, id: &str, variant: Option<&str>) -> Option<Texts> {
    Some(language.catalogue().check.get(id)?.of(variant))
}

/// All texts of one language.
struct Catalogue {
    cause: BTreeMap<String, Entry>,
    check: BTreeMap<String, Entry>,
    words: Words,
}

impl Catalogue {
    #[expect(clippy::expect_used, reason = "the files are part of the binary and read by every test")]
    fn read(files: &[(&str, &str)]) -> Self {
        let (mut cause, mut check, mut words) = (BTreeMap::new(), BTreeMap::new(), None);
        for (_, file) in files {
            let file: File = toml::from_str(file).expect("a file of texts is of its form");
            cause.extend(file.cause);
            check.extend(file.check);
            words = file.report.or(words);
        }
        Self { cause, check, words: words.expect("a file of texts has the words of the report") }
    }
}

/// One file of a language.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    cause: BTreeMap<String, Entry>,
    #[serde(default)]
    check: BTreeMap<String, Entry>,
    report: Option<Words>,
}

/// The texts of one id.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    title: String,
    meaning: String,
    fix: String,
    #[serde(default)]
    variant: BTreeMap<String, Variant>,
}

/// What a variant says differently.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Variant {
    title: Option<String>,
    meaning: Option<String>,
    fix: Option<String>,
}

impl Entry {
    fn of(&self, variant: Option<&str>) -> Texts {
        let other = variant.and_then(|variant| self.variant.get(variant));
        let of = |text: &String, other: Option<&String>| other.unwrap_or(text).clone();
        Texts {
            title: of(&self.title, other.and_then(|other| other.title.as_ref())),
            meaning: of(&self.meaning, other.and_then(|other| other.meaning.as_ref())),
            fix: of(&self.fix, other.and_then(|other| other.fix.as_ref())),
        }
    }
}

//! What people read: titles, meanings and fixes, one catalogue a language.
//!
//! A language is a folder of `texts`; its catalogue is all its files together. Each holds texts by id: `[cause.ID]` for
//! a named disease, `[check."LAYER.NAME"]` for a check that fails without one. `title` is a clause, in English in lower
//! case: it comes after "NOT USABLE: ". `meaning` and `fix` are sentences. A `variant` says for a place of its own what
//! is different there. `{placeholders}` come from the check or the cause; `{subject}` is always there.

use serde::Deserialize;
use std::{collections::BTreeMap, sync::LazyLock};

// Each file of a language, by name.
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
    fn catalogue(self) -> &'static Catalogue {
        match self {
            Self::English => &ENGLISH,
            Self::Korean => &KOREAN,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalogue {
    #[serde(default)]
    cause: BTreeMap<String, Texts>,
    #[serde(default)]
    check: BTreeMap<String, Texts>,
}

impl Catalogue {
    fn read(files: &[(&str, &str)]) -> Self {
        let mut all = Self::default();
        for (name, file) in files {
            #[expect(clippy::panic, reason = "the files are part of the binary and read by every test")]
            let file: Self = toml::from_str(file).unwrap_or_else(|error| panic!("{name}: {error}"));
            all.cause.extend(file.cause);
            all.check.extend(file.check);
        }
        all
    }
}

/// The texts of one cause, or of one check that fails for no named cause. Placeholders stand in braces.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Texts {
    /// What is wrong, as a clause.
    pub(crate) title: String,
    /// What that means, in a sentence or two.
    pub(crate) meaning: String,
    /// What to do.
    pub(crate) fix: String,
    /// Other texts for other places.
    #[serde(default)]
    variant: BTreeMap<String, PartialTexts>,
}

/// What a variant says differently.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PartialTexts {
    title: Option<String>,
    meaning: Option<String>,
    fix: Option<String>,
}

impl Texts {
    /// With the placeholders filled.
    pub(crate) fn fill(mut self, values: &BTreeMap<&'static str, String>) -> Self {
        for text in [&mut self.title, &mut self.meaning, &mut self.fix] {
            for (name, value) in values {
                *text = text.replace(&format!("{{{name}}}"), value);
            }
        }
        self
    }

    fn of(texts: &BTreeMap<String, Self>, id: &str, variant: Option<&str>) -> Option<Self> {
        let mut texts = texts.get(id)?.clone();
        if let Some(other) = variant.and_then(|variant| texts.variant.remove(variant)) {
            texts.title = other.title.unwrap_or(texts.title);
            texts.meaning = other.meaning.unwrap_or(texts.meaning);
            texts.fix = other.fix.unwrap_or(texts.fix);
        }
        Some(texts)
    }
}

/// The texts of a cause.
pub(crate) fn cause(language: Language, id: &str, variant: Option<&str>) -> Option<Texts> {
    Texts::of(&language.catalogue().cause, id, variant)
}

/// The texts of a check that fails for no named cause.
pub(crate) fn check(language: Language, id: &str, variant: Option<&str>) -> Option<Texts> {
    Texts::of(&language.catalogue().check, id, variant)
}

/// The causes that have texts.
#[cfg(test)]
pub(crate) fn cause_ids() -> impl Iterator<Item = &'static str> {
    ENGLISH.cause.keys().map(String::as_str)
}

/// The checks that have texts.
#[cfg(test)]
pub(crate) fn check_ids() -> impl Iterator<Item = &'static str> {
    ENGLISH.check.keys().map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_its_texts_in_one_file() {
        for files in [ENGLISH_FILES, KOREAN_FILES] {
            let mut seen: BTreeMap<String, &str> = BTreeMap::new();
            for (name, text) in files {
                let file = Catalogue::read(&[(name, text)]);
                for id in file.cause.into_keys().chain(file.check.into_keys()) {
                    if let Some(other) = seen.insert(id.clone(), name) {
                        panic!("{id} stands in {other} and in {name}");
                    }
                }
            }
            assert!(!seen.is_empty());
        }
    }
}

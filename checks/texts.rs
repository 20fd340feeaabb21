//! What people read: titles, meanings and fixes, one catalogue a language.

use serde::Deserialize;
use std::{collections::BTreeMap, sync::LazyLock};

static ENGLISH: LazyLock<Catalogue> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the catalogue is part of the binary and read by every test")]
    toml::from_str(include_str!("texts/en.toml")).expect("texts/en.toml is a catalogue")
});

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalogue {
    cause: BTreeMap<String, Texts>,
    check: BTreeMap<String, Texts>,
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
pub(crate) fn cause(id: &str, variant: Option<&str>) -> Option<Texts> {
    Texts::of(&ENGLISH.cause, id, variant)
}

/// The texts of a check that fails for no named cause.
pub(crate) fn check(id: &str, variant: Option<&str>) -> Option<Texts> {
    Texts::of(&ENGLISH.check, id, variant)
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

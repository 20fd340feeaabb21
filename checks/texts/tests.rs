//! The catalogues beside each other: the same ids, variants and placeholders in every language.

use super::{ENGLISH_FILES, Entry, File, KOREAN_FILES, Language, fill};
use crate::registry::{self, CAUSES, CHECKS};
use std::collections::{BTreeMap, BTreeSet};
use toml::{Table, Value};

/// Korean particles whose form depends on the sound before them; those that begin with another are left out.
const PARTICLES: [&str; 16] =
    ["은", "는", "이", "가", "을", "를", "과", "와", "로", "으로", "아", "야", "나", "라", "랑", "며"];

/// Each text of a language by its path, such as `cause.uvm-missing.title`, with the file that it stands in.
fn texts(files: &[(&'static str, &str)]) -> BTreeMap<String, (&'static str, String)> {
    let mut texts = BTreeMap::new();
    for (file, text) in files {
        let table: Table = toml::from_str(text).unwrap_or_else(|error| panic!("{file}: {error}"));
        flatten(&mut texts, file, "", &Value::Table(table));
    }
    texts
}

fn flatten(
    texts: &mut BTreeMap<String, (&'static str, String)>,
    file: &'static str,
    path: &str,
    value: &Value,
) {
    if let Value::Table(table) = value {
        for (key, value) in table {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            flatten(texts, file, &path, value);
        }
        return;
    }
    let text = value.as_str().unwrap_or_else(|| panic!("{file}: {path} is no text"));
    texts.insert(path.to_owned(), (file, text.to_owned()));
}

fn placeholders(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).filter_map(|after| after.split_once('}')).map(|(name, _)| name).collect()
}

fn assert_none(troubles: &[String]) {
    assert!(troubles.is_empty(), "\n{}", troubles.join("\n"));
}

#[test]
fn an_id_has_its_texts_in_one_file() {
    for files in [ENGLISH_FILES, KOREAN_FILES] {
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for (name, text) in files {
            let file: File = toml::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            let words = file.report.map(|_| "[report]".to_owned());
            for id in file.cause.into_keys().chain(file.check.into_keys()).chain(words) {
                if let Some(other) = seen.insert(id.clone(), name) {
                    panic!("{id} stands in {other} and in {name}");
                }
            }
        }
        assert!(seen.contains_key("[report]"));
    }
}

#[test]
fn every_language_has_the_same_texts_with_the_same_placeholders() {
    let (english, korean) = (texts(ENGLISH_FILES), texts(KOREAN_FILES));
    let mut troubles = Vec::new();
    for (path, (file, text)) in &english {
        match korean.get(path) {
            None => troubles.push(format!("{path}: in {file}, and missing in Korean")),
            Some((other, translated)) if placeholders(text) != placeholders(translated) => {
                let (here, there) = (placeholders(text), placeholders(translated));
                troubles.push(format!("{path}: {here:?} in {file}, {there:?} in {other}"));
            }
            Some(_) => {}
        }
    }
    for (path, (file, _)) in korean.iter().filter(|(path, _)| !english.contains_key(*path)) {
        troubles.push(format!("{path}: in {file}, and missing in English"));
    }
    assert_none(&troubles);
}

#[test]
fn titles_are_clauses_and_the_others_sentences() {
    let mut troubles = Vec::new();
    for (path, (file, text)) in texts(ENGLISH_FILES).into_iter().chain(texts(KOREAN_FILES)) {
        let ends_with_period = text.ends_with('.');
        let wrong_end = match path.rsplit('.').next() {
            Some("title") => ends_with_period,
            Some("meaning" | "fix") => !ends_with_period,
            _ => false,
        };
        if wrong_end {
            troubles.push(format!("{file}: {path}: its end: {text}"));
        }
        // A joint of blanks, and names that Korean writes so as well.
        let is_same = ["report.answer.and", "report.page.gpu", "report.page.python"].contains(&path.as_str());
        if !is_same && (text.trim() != text || text.is_empty() || text.contains("  ") || text.contains('\n'))
        {
            troubles.push(format!("{file}: {path}: its blanks: {text:?}"));
        }
    }
    assert_none(&troubles);
}

#[test]
fn korean_is_korean_and_english_is_not() {
    let is_hangul = |c: char| ('가'..='힣').contains(&c);
    let mut troubles = Vec::new();
    for (path, (file, text)) in texts(KOREAN_FILES) {
        // A joint of blanks, and names that Korean writes so as well.
        let is_same = ["report.answer.and", "report.page.gpu", "report.page.python"].contains(&path.as_str());
        if !is_same && !text.contains(is_hangul) {
            troubles.push(format!("{file}: {path}: {text}"));
        }
    }
    for (path, (file, text)) in texts(ENGLISH_FILES) {
        if !text.is_ascii() {
            troubles.push(format!("{file}: {path}: {text}"));
        }
    }
    assert_none(&troubles);
}

/// "{path}을" is wrong for half of all paths.
#[test]
fn no_korean_particle_that_depends_on_a_value_follows_it() {
    let depends = |after: &str| {
        // Quotation marks are not spoken. After a bracket the particle goes with the word before it.
        let after = after.trim_start_matches(['"', '\'', '`', '”', '’']);
        PARTICLES.iter().any(|particle| after.starts_with(particle))
    };
    assert!(depends("을 읽으세요") && depends("`로") && !depends("용 모듈") && !depends(" 파일이"));
    let mut troubles = Vec::new();
    for (path, (file, text)) in texts(KOREAN_FILES) {
        if text.split('}').skip(1).any(depends) {
            troubles.push(format!("{file}: {path}: {text}"));
        }
    }
    assert_none(&troubles);
}

#[test]
fn every_check_and_cause_has_texts_and_nothing_else_has() {
    for language in Language::ALL {
        let catalogue = language.catalogue();
        for check in CHECKS.iter() {
            assert!(catalogue.check.contains_key(check.id), "no texts in {language:?} for {}", check.id);
        }
        for cause in CAUSES {
            assert!(catalogue.cause.contains_key(cause.id), "no texts in {language:?} for {}", cause.id);
        }
        for id in catalogue.cause.keys() {
            assert!(CAUSES.iter().any(|cause| cause.id == id), "texts for {id}, which is no cause");
        }
        for id in catalogue.check.keys() {
            assert!(registry::check(id).is_some(), "texts for {id}, which is no check");
        }
    }
}

#[test]
fn a_variant_says_something_different() {
    for language in Language::ALL {
        let catalogue = language.catalogue();
        for (id, entry) in catalogue.cause.iter().chain(&catalogue.check) {
            for variant in entry.variant.keys() {
                assert_ne!(entry.of(Some(variant)), entry.of(None), "{language:?}: {id}.{variant}");
            }
        }
    }
}

#[test]
fn values_are_put_in_once_and_unknown_names_stay() {
    let value = |name: &str| match name {
        "a" => Some("{b}"),
        "b" => Some("2"),
        _ => None,
    };
    for (text, filled) in [
        ("{a}{b}", "{b}2"),
        ("{c} {b}", "{c} 2"),
        ("{{b}}", "{2}"),
        ("{", "{"),
        ("} {b", "} {b"),
        ("plain", "plain"),
        ("", ""),
    ] {
        assert_eq!(fill(text, value), filled);
    }
}

#[test]
fn an_entry_without_a_field_or_with_an_unknown_one_is_refused() {
    let whole = "title = \"a\"\nmeaning = \"b\"\nfix = \"c\"\n";
    assert!(toml::from_str::<Entry>(whole).is_ok());
    assert!(toml::from_str::<Entry>("title = \"a\"\nmeaning = \"b\"\n").is_err());
    assert!(toml::from_str::<Entry>(&format!("{whole}fixes = \"d\"\n")).is_err());
    assert!(toml::from_str::<File>("[causes.x]\ntitle = \"a\"\n").is_err());
}

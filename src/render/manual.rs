//! Manual pages, and the list of them.

use super::page::wrap;
use gpucheck_checks::{CAUSES, CHECKS, Language};
use std::fmt::Write;

/// The manual page of a check or a cause; none for any other id. Pages are English; in another language its texts
/// come first, in lines of this width.
pub fn manual(id: &str, language: Language, width: usize) -> Option<String> {
    let page = english(id)?;
    if language == Language::English {
        return Some(page);
    }
    let (id, rest) = page.split_once('\n')?;
    let texts = language.texts(id)?;
    let mut translated = format!("{id}\n");
    for text in [&texts.title, &texts.meaning, &texts.fix] {
        for line in wrap(text, width.saturating_sub(2)) {
            let _ = writeln!(translated, "  {line}");
        }
    }
    Some(format!("{translated}\n{rest}"))
}

fn english(id: &str) -> Option<String> {
    if let Some(check) = CHECKS.iter().find(|check| check.id == id) {
        let mut page = page(check.id, check.manual);
        let needs = check.item.needs;
        let _ = writeln!(
            page,
            "\nNeeds\n  {}",
            if needs.is_empty() { "nothing".to_owned() } else { needs.join(", ") }
        );
        return Some(page);
    }
    let cause = CAUSES.iter().find(|cause| cause.id == id)?;
    let mut page = page(cause.id, cause.manual);
    let _ = writeln!(page, "\nExplains\n  {}", cause.item.explains.join(", "));
    Some(page)
}

/// The doc comment with its headings bare and its text indented.
fn page(id: &str, manual: &str) -> String {
    let mut page = format!("{id}\n");
    for line in manual.lines() {
        let _ = match line.strip_prefix("# ") {
            Some(heading) => writeln!(page, "{heading}"),
            None if line.is_empty() => writeln!(page),
            None => writeln!(page, "  {line}"),
        };
    }
    page
}

/// Every check and every cause, a line each.
pub fn list() -> String {
    let mut text = String::from("Checks, in the order in which a machine works\n");
    for check in CHECKS.iter() {
        let _ = writeln!(text, "  {:width$}  {}", check.id, check.title, width = width());
    }
    text.push_str("\nCauses\n");
    for cause in CAUSES {
        let _ = writeln!(text, "  {:width$}  {}", cause.id, cause.title, width = width());
    }
    text
}

fn width() -> usize {
    CHECKS
        .iter()
        .map(|check| check.id.len())
        .chain(CAUSES.iter().map(|cause| cause.id.len()))
        .max()
        .unwrap_or(0)
}

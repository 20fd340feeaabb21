//! Manual pages, and the list of them.

use gpucheck_checks::{CAUSES, CHECKS};
use std::fmt::Write;

/// The manual page of a check or a cause; none for any other id.
pub fn manual(id: &str) -> Option<String> {
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

//! What checks of clones have in common.

use crate::{Finding, judge};

/// Adds what was seen beyond the first, which the summary names.
pub(crate) fn and_more(finding: Finding, more: impl Iterator<Item = String>) -> Finding {
    more.take(MOST).fold(finding, Finding::because)
}

/// `/etc/environment:3`.
pub(crate) fn place(file: &str, line: u32) -> String {
    if line == 0 { file.to_owned() } else { format!("{file}:{line}") }
}

/// Adds a command for each file that opens it where the first of its lines stands. What to write there is for a person.
pub(crate) fn edit<'a>(finding: Finding, lines: impl Iterator<Item = (&'a str, u32)>) -> Finding {
    let mut known: Vec<&str> = Vec::new();
    lines.fold(finding, |finding, (file, line)| {
        if known.contains(&file) || known.len() >= MOST {
            return finding;
        }
        known.push(file);
        let at = if line == 0 { String::new() } else { format!("+{line} ") };
        finding.run(format!("sudo nano {at}{}", judge::quoted(file)))
    })
}

/// Lines and files that are named, at most.
pub(crate) const MOST: usize = 8;

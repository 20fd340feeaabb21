//! What checks of clones have in common.

use crate::{
    Finding, Judged, Subject,
    fact::{Clones, Facts, Observed},
    judge,
};

/// Judges what is cloned; nothing where nobody asked for it.
pub(crate) fn judge(facts: &Facts, judge: impl FnOnce(&Clones) -> Finding) -> Judged {
    match &facts.clones {
        Observed::NotProbed { .. } => Vec::new(),
        Observed::Seen(clones) | Observed::Interrupted { seen: clones, .. } => vec![judge(clones)],
        Observed::Failed(by) => vec![Finding::unknown(Subject::Host, by.to_string())],
    }
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

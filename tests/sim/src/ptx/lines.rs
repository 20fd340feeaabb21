//! PTX text into its parts: directives, entries, statements.

use super::Refusal;

pub(super) fn invalid<T>(why: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Invalid(why.into()))
}

/// The text without its comments.
pub(super) fn without_comments(text: &str) -> String {
    let mut rest = text;
    let mut kept = String::with_capacity(text.len());
    while let Some(at) = rest.find("//").into_iter().chain(rest.find("/*")).min() {
        let (before, comment) = rest.split_at(at);
        kept.push_str(before);
        kept.push(' ');
        let end = if comment.starts_with("//") { "\n" } else { "*/" };
        rest = comment.split_once(end).map_or("", |(_, after)| after);
        if end == "\n" {
            kept.push('\n');
        }
    }
    kept.push_str(rest);
    kept
}

/// What follows a directive, up to the end of the line.
pub(super) fn directive<'a>(text: &'a str, name: &str) -> Result<&'a str, Refusal> {
    let found = text.lines().find_map(|line| line.trim().strip_prefix(name)).map(str::trim);
    found.ok_or_else(|| Refusal::Invalid(format!("no {name}")))
}

/// A kernel's text.
pub(super) struct EntryText<'a> {
    pub(super) name: &'a str,
    pub(super) parameters: &'a str,
    pub(super) body: &'a str,
}

/// The kernels after the three directives at the head of a text; anything else beside them is refused.
pub(super) fn entries(text: &str) -> Result<Vec<EntryText<'_>>, Refusal> {
    let mut entries = Vec::new();
    let mut rest = behind_head(text);
    while let Some((before, after)) = rest.split_once(".entry") {
        let stray = before.trim();
        if !matches!(stray, "" | ".visible" | ".weak") {
            return invalid(format!("not known: {stray}"));
        }
        let Some((name, after)) = after.split_once('(') else { return invalid(".entry without arguments") };
        let Some((parameters, after)) = after.split_once(')') else {
            return invalid("arguments without end");
        };
        let Some((_limits, after)) = after.split_once('{') else { return invalid(".entry without a body") };
        let end = body_end(after)?;
        let (body, after) = after.split_at(end);
        entries.push(EntryText { name: name.trim(), parameters, body });
        rest = after.strip_prefix('}').unwrap_or(after);
    }
    match rest.trim().trim_end_matches('\0') {
        "" => Ok(entries),
        stray => invalid(format!("not known: {}", stray.lines().next().unwrap_or(stray))),
    }
}

fn behind_head(text: &str) -> &str {
    let mut rest = text;
    for name in [".version", ".target", ".address_size"] {
        if let Some((_, after)) = rest.split_once(name) {
            rest = after.split_once('\n').map_or("", |(_, after)| after);
        }
    }
    rest
}

/// Where the brace that opened before the text closes.
fn body_end(text: &str) -> Result<usize, Refusal> {
    let mut depth = 1;
    for (at, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Ok(at);
        }
    }
    invalid("a body without end")
}

/// The statements of a body, each with the labels before it. The last may be empty.
pub(super) fn statements(body: &str) -> Vec<(Vec<&str>, &str)> {
    let labelled = |statement| {
        let mut rest: &str = statement;
        let mut labels = Vec::new();
        while let Some((label, after)) = rest.split_once(':') {
            if !label.trim().chars().all(|one| one.is_ascii_alphanumeric() || "$_%".contains(one)) {
                break;
            }
            labels.push(label.trim());
            rest = after;
        }
        (labels, rest.trim())
    };
    body.split(';').map(labelled).collect()
}

/// The operands of a statement: what commas divide, but for those in braces.
pub(super) fn split(operands: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for character in operands.chars() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        match (character, depth, parts.last_mut()) {
            (',', 0, _) => parts.push(String::new()),
            (_, _, Some(part)) => part.push(character),
            (_, _, None) => {}
        }
    }
    let trimmed = parts.into_iter().map(|part| part.trim().to_owned());
    trimmed.filter(|part| !part.is_empty()).collect()
}

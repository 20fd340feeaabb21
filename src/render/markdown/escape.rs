//! A text that stands in Markdown as it is.

use super::super::page::clean;

/// Characters that mean something to Markdown wherever they stand.
const MARKS: [char; 10] = ['\\', '`', '*', '_', '[', ']', '|', '~', '$', '!'];

/// A text as GitHub's Markdown shows it, in a line, a list or a table.
///
/// Mentions (`@name`), references (`#12`, `GH-12`) and `:emoji:` are found in the text that Markdown has made, so no
/// backslash helps against them: a space without width does, as Renovate and others put it.
pub(super) fn escape(text: &str) -> String {
    let text = clean(text);
    let mut escaped = String::with_capacity(text.len());
    let mut before = None;
    for (index, c) in text.char_indices() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '@' | '#' => {
                // At the beginning of a line it would make a heading.
                let first = if index == 0 && c == '#' { "\\#" } else { "" };
                escaped.push_str(first);
                if first.is_empty() {
                    escaped.push(c);
                }
                escaped.push_str("&#8203;");
            }
            '-' if escaped.to_ascii_lowercase().ends_with("gh") => escaped.push_str("&#8203;-"),
            '-' | '+' | '=' if index == 0 => {
                escaped.push('\\');
                escaped.push(c);
            }
            '.' | ')' if index > 0 && is_number(text.get(..index)) => {
                escaped.push('\\');
                escaped.push(c);
            }
            ':' if before.is_none_or(|c: char| !c.is_alphanumeric()) => escaped.push_str(":&#8203;"),
            c if MARKS.contains(&c) => {
                escaped.push('\\');
                escaped.push(c);
            }
            c => escaped.push(c),
        }
        before = Some(c);
    }
    escaped
}

fn is_number(text: Option<&str>) -> bool {
    text.is_some_and(|text| text.bytes().all(|digit| digit.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_to_markdown_is_only_shown() {
        for (text, escaped) in [
            ("/usr/lib/x86_64", "/usr/lib/x86\\_64"),
            ("a|b\n`c`", "a\\|b \\`c\\`"),
            ("<b>&amp;", "&lt;b&gt;&amp;amp;"),
            ("by @torvalds in #12 and gh-7", "by @&#8203;torvalds in #&#8203;12 and gh&#8203;-7"),
            ("# a", "\\#&#8203; a"),
            ("- a", "\\- a"),
            ("1. a 2. b", "1\\. a 2. b"),
            ("0001:00:00.0 :tada:", "0001:00:00.0 :&#8203;tada:"),
            ("![x](y)", "\\!\\[x\\](y)"),
            ("", ""),
        ] {
            assert_eq!(escape(text), escaped, "{text}");
        }
    }
}

//! HTML that grows.
//!
//! Invariants: names of elements and attributes are ours; whatever else is written is escaped, so no text of a machine
//! becomes markup, and none turns the direction of what stands around it.

use super::super::page::clean;

/// A document that grows.
#[derive(Default)]
pub(super) struct Markup(String);

/// An attribute: its name, and its value as it is meant.
pub(super) type Attribute<'a> = (&'static str, &'a str);

impl Markup {
    /// Markup of our own.
    pub(super) fn own(&mut self, markup: &'static str) {
        self.0.push_str(markup);
    }

    pub(super) fn open(&mut self, name: &'static str, attributes: &[Attribute<'_>]) {
        self.0.push('<');
        self.0.push_str(name);
        for (attribute, value) in attributes {
            self.0.push(' ');
            self.0.push_str(attribute);
            if !value.is_empty() {
                self.0.push_str("=\"");
                self.text(value);
                self.0.push('"');
            }
        }
        self.0.push('>');
    }

    pub(super) fn close(&mut self, name: &'static str) {
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push_str(">\n");
    }

    /// An element that holds a text.
    pub(super) fn element(&mut self, name: &'static str, attributes: &[Attribute<'_>], text: &str) {
        self.open(name, attributes);
        self.text(text);
        self.close(name);
    }

    /// The same, within a line.
    pub(super) fn inline(&mut self, name: &'static str, attributes: &[Attribute<'_>], text: &str) {
        self.element(name, attributes, text);
        self.0.truncate(self.0.trim_end().len());
    }

    pub(super) fn text(&mut self, text: &str) {
        for c in clean(text).chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                // No character of a text: HTML's parsers take offence.
                c if is_noncharacter(c) => self.0.push('\u{fffd}'),
                c => self.0.push(c),
            }
        }
    }

    pub(super) fn line(&mut self) {
        self.0.push('\n');
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }
}

/// What Unicode keeps for no text.
fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_no_markup() {
        let mut markup = Markup::default();
        let text = "</pre><script>'\"&\u{202e}\u{0}\u{1fffe}\n";
        markup.element("pre", &[("title", text), ("hidden", "")], text);
        let escaped = "&lt;/pre&gt;&lt;script&gt;&#39;&quot;&amp;\u{fffd}\u{fffd}\u{fffd} ";
        let expected = format!("<pre title=\"{escaped}\" hidden>{escaped}</pre>\n");
        assert_eq!(markup.into_string(), expected);
    }
}

//! Lines of text on a terminal: wrapped at its width, in columns.
//!
//! Invariants: widths are those of a terminal, where a Korean letter takes two columns; words are never torn; no
//! control character of a machine's own texts reaches the terminal.

use anstyle::Style as Ansi;
use std::borrow::Cow;
use textwrap::WordSplitter::NoHyphenation;
use unicode_width::UnicodeWidthStr;

/// How to draw.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Columns to stay within.
    pub width: usize,
    /// Use colour.
    pub color: bool,
}

/// A page that grows.
pub(super) struct Page {
    pub(super) text: String,
    pub(super) style: Style,
}

/// What takes headings, and items with lines below them: a terminal's page, or an outline for other forms.
pub(super) trait Sheet {
    fn heading(&mut self, heading: &str);
    fn item(&mut self, text: &str);
    /// Lines that belong to the last item, after these indents.
    fn wrapped(&mut self, first: &str, rest: &str, text: &str);
}

impl Sheet for Page {
    fn heading(&mut self, heading: &str) {
        Self::heading(self, heading);
    }

    fn item(&mut self, text: &str) {
        Self::item(self, text);
    }

    fn wrapped(&mut self, first: &str, rest: &str, text: &str) {
        Self::wrapped(self, first, rest, text);
    }
}

impl Page {
    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// A text of its own weight, wrapped.
    pub(super) fn painted(&mut self, text: &str, ansi: Ansi) {
        for line in wrap(text, self.style.width) {
            self.line(&self.paint(&line, ansi));
        }
    }

    pub(super) fn heading(&mut self, heading: &str) {
        self.line("");
        self.painted(heading, Ansi::new().bold());
    }

    /// A paragraph, indented by two and wrapped.
    pub(super) fn paragraph(&mut self, text: &str) {
        self.wrapped("  ", "  ", text);
    }

    pub(super) fn item(&mut self, text: &str) {
        self.wrapped("  - ", "    ", text);
    }

    /// A text whose first line stands after `first`, which may hold colour, and the others after `rest`, as wide.
    pub(super) fn wrapped(&mut self, first: &str, rest: &str, text: &str) {
        let room = self.style.width.saturating_sub(rest.width());
        for (index, line) in wrap(text, room).iter().enumerate() {
            self.line(&format!("{}{line}", if index == 0 { first } else { rest }));
        }
    }

    pub(super) fn paint(&self, text: &str, ansi: Ansi) -> String {
        if self.style.color { format!("{ansi}{text}{ansi:#}") } else { text.to_owned() }
    }
}

/// A text in lines of this width at most, unless a word is longer.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let options = textwrap::Options::new(width).break_words(false).word_splitter(NoHyphenation);
    textwrap::wrap(&clean(text), options).into_iter().map(Cow::into_owned).collect()
}

/// So many blanks.
pub(super) fn blanks(count: usize) -> String {
    " ".repeat(count)
}

/// A text with blanks up to this width.
pub(super) fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", blanks(width.saturating_sub(text.width())))
}

/// A text of a machine as a terminal may have it: on one line, without control characters and without those that turn
/// the direction of what follows.
pub(super) fn clean(text: &str) -> String {
    let turns =
        |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let clean = |c: char| match c {
        '\n' | '\t' => ' ',
        c if c.is_control() || turns(c) => '\u{fffd}',
        c => c,
    };
    text.chars().map(clean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn korean_takes_two_columns_and_breaks_between_words() {
        assert_eq!(pad("정상", 7), "정상   ");
        assert_eq!(pad("확인되지 않음", 7), "확인되지 않음");
        let lines = wrap("드라이버의 관리 라이브러리를 불러올 수 없음", 20);
        assert_eq!(lines, ["드라이버의 관리", "라이브러리를 불러올", "수 없음"]);
        assert_eq!(wrap("드라이버의 관리 라이브러리를", 4), ["드라이버의", "관리", "라이브러리를"]);
    }

    #[test]
    fn what_stands_before_a_text_takes_the_room_of_what_stands_below() {
        let mut page = Page { text: String::new(), style: Style { width: 12, color: false } };
        page.wrapped("정상  ", "      ", "one two three");
        page.wrapped("  - ", "    ", "");
        assert_eq!(page.text, "정상  one\n      two\n      three\n  -\n");
    }
}

//! A cell's lines as its kernel takes them: without comments and texts that document, and whether a shell takes them.
//!
//! Invariant: what is not understood is left out; a line that nobody runs is never told.

/// Magics whose cell is Python all the same.
const PYTHON: [&str; 5] = ["%%capture", "%%prun", "%%time", "%%timeit", "%%memit"];
/// Magics whose cell is a shell's.
const SHELL: [&str; 3] = ["%%bash", "%%sh", "%%!"];

/// A line of code.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Counted from 1 in the cell.
    pub(super) number: usize,
    /// Without comments.
    pub(super) text: String,
    /// Whether a shell takes it, or Jupyter itself: `!`, `%`; without that sign.
    pub(super) kind: Kind,
}

/// Who takes a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Python,
    Shell,
    Magic,
}

/// The lines of a cell that are run.
pub(super) fn lines(source: &str) -> Vec<Line> {
    let first = source.trim_start().lines().next().unwrap_or_default();
    let magic = first.split_whitespace().next().unwrap_or_default();
    let skip = usize::from(magic.starts_with("%%"));
    if magic.starts_with("%%") && SHELL.contains(&magic) {
        return shell(source, skip);
    }
    if magic.starts_with("%%") && !PYTHON.contains(&magic) {
        return Vec::new();
    }
    let mut inside = None;
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(source.lines()) {
        if number <= skip {
            continue;
        }
        let trimmed = line.trim_start();
        let (kind, rest) = match trimmed.split_at_checked(1) {
            Some(("!", rest)) if inside.is_none() => (Kind::Shell, rest),
            Some(("%", rest)) if inside.is_none() => (Kind::Magic, rest),
            _ => (Kind::Python, line),
        };
        let text = if kind == Kind::Python { python(rest, &mut inside) } else { without_comment(rest) };
        if !text.trim().is_empty() {
            lines.push(Line { number, text, kind });
        }
    }
    lines
}

fn shell(source: &str, skip: usize) -> Vec<Line> {
    let lines = (1..).zip(source.lines()).skip(skip);
    let lines = lines.map(|(number, line)| Line { number, text: without_comment(line), kind: Kind::Shell });
    lines.filter(|line| !line.text.trim().is_empty()).collect()
}

/// A shell's line without its comment.
fn without_comment(line: &str) -> String {
    let comment = line.match_indices('#').find(|(at, _)| {
        line.get(..*at).is_none_or(|before| before.is_empty() || before.ends_with(char::is_whitespace))
    });
    comment.map_or(line, |(at, _)| line.get(..at).unwrap_or_default()).to_owned()
}

/// A line of Python without its comment and without what stands in triple quotes, which may go on from line to line.
fn python(line: &str, inside: &mut Option<&'static str>) -> String {
    let mut kept = String::new();
    let mut rest = line;
    let mut quote = None;
    while let Some(c) = rest.chars().next() {
        if let Some(end) = *inside {
            let Some(at) = rest.find(end) else { return kept };
            rest = rest.get(at + end.len()..).unwrap_or_default();
            *inside = None;
            continue;
        }
        if quote.is_none() {
            if let Some(triple) = ["\"\"\"", "'''"].into_iter().find(|triple| rest.starts_with(triple)) {
                *inside = Some(triple);
                rest = rest.get(3..).unwrap_or_default();
                continue;
            }
            if c == '#' {
                return kept;
            }
        }
        let mut length = c.len_utf8();
        match (c, quote) {
            ('\\', Some(_)) => length += rest.chars().nth(1).map_or(0, char::len_utf8),
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            _ => {}
        }
        let (taken, left) = rest.split_at_checked(length).unwrap_or((rest, ""));
        kept.push_str(taken);
        rest = left;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<(usize, String)> {
        lines(source).into_iter().map(|line| (line.number, line.text.trim().to_owned())).collect()
    }

    #[test]
    fn comments_and_documentation_are_left_out() {
        let source = "\"\"\"Uses cuda:1\nand more\"\"\"\n# x = 'cuda:2'\nx = 'cuda:3#4' # 'cuda:5'\ny = '''a\nb''' + 'c'\n";
        assert_eq!(
            texts(source),
            [(4, "x = 'cuda:3#4'".to_owned()), (5, "y =".to_owned()), (6, "+ 'c'".to_owned())]
        );
        assert_eq!(texts("s = 'it\\'s' # no"), [(1, "s = 'it\\'s'".to_owned())]);
    }

    #[test]
    fn cells_of_other_languages_are_left_out_and_a_shells_are_taken() {
        assert!(lines("%%writefile train.py\nx = 'cuda:1'\n").is_empty());
        assert!(lines("%%html\n<p>cuda:1</p>").is_empty());
        let bash = lines("%%bash\nexport A=1 # no\n");
        assert_eq!(bash, [Line { number: 2, text: "export A=1 ".to_owned(), kind: Kind::Shell }]);
        assert_eq!(texts("%%time\nx = 1"), [(2, "x = 1".to_owned())]);
        let kinds: Vec<Kind> = lines("!ls\n%env A=1\nx = 5 % 2").into_iter().map(|line| line.kind).collect();
        assert_eq!(kinds, [Kind::Shell, Kind::Magic, Kind::Python]);
    }
}

//! The variables of a `kernel.json`, as Jupyter expands them.
//!
//! Source: `jupyter_client/provisioning/local_provisioner.py`: `string.Template(value).safe_substitute(env)`. What names
//! an unset variable stays as it is written.

/// A value with `$NAME` and `${NAME}` in the place of which stands what `lookup` has, and `$` for `$$`.
pub(super) fn expand(value: &str, lookup: impl Fn(&str) -> Option<String>) -> String {
    let mut expanded = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        rest = after;
        if let Some(after) = rest.strip_prefix('$') {
            expanded.push('$');
            rest = after;
            continue;
        }
        let braced = rest.strip_prefix('{').and_then(|inner| {
            let name = name_in(inner);
            inner.get(name.len()..)?.starts_with('}').then_some((name, name.len() + 2))
        });
        let plain = name_in(rest);
        let found = braced.or_else(|| (!plain.is_empty()).then_some((plain, plain.len())));
        match found
            .filter(|(name, _)| !name.is_empty())
            .and_then(|(name, length)| Some((lookup(name)?, length)))
        {
            Some((value, length)) => {
                expanded.push_str(&value);
                rest = rest.get(length..).unwrap_or_default();
            }
            None => expanded.push('$'),
        }
    }
    expanded + rest
}

/// The name at the beginning of a text: `[_a-zA-Z][_a-zA-Z0-9]*`.
fn name_in(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    text.get(..end).filter(|name| !name.starts_with(|c: char| c.is_ascii_digit())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Python 3.11's `string.Template(value).safe_substitute({"HOME": "/home/kim", "X": "$HOME"})` gives.
    #[test]
    fn values_are_expanded_as_by_python() {
        let lookup = |name: &str| match name {
            "HOME" => Some("/home/kim".to_owned()),
            "X" => Some("$HOME".to_owned()),
            _ => None,
        };
        for (value, expanded) in [
            ("${HOME}/lib", "/home/kim/lib"),
            ("$HOME:$HOME", "/home/kim:/home/kim"),
            ("/opt/x:${LD_LIBRARY_PATH}", "/opt/x:${LD_LIBRARY_PATH}"),
            ("$X", "$HOME"),
            ("$$HOME $$", "$HOME $"),
            ("$", "$"),
            ("${", "${"),
            ("${HOME", "${HOME"),
            ("$1 ${1} ${} $-", "$1 ${1} ${} $-"),
            ("$HOMEx ${HOME}x", "$HOMEx /home/kimx"),
            ("한$HOME", "한/home/kim"),
            ("", ""),
        ] {
            assert_eq!(expand(value, lookup), expanded, "{value}");
        }
    }
}

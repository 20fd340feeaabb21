//! Plain assignments in Python source that a program wrote, such as `torch/version.py`.

/// A value that is told apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// A string.
    Text(String),
    /// `None`.
    Nothing,
}

impl Value {
    /// The string, where it is one.
    pub(super) fn text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Nothing => None,
        }
    }
}

/// What is assigned to a name at the start of a line; none where that is neither a string nor `None`.
pub(super) fn value_of(text: &str, name: &str) -> Option<Value> {
    text.lines().find_map(|line| literal(assigned(line, name)?))
}

/// `NAME = VALUE`, or with a type `NAME: Optional[str] = VALUE`.
fn assigned<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let rest = line.strip_prefix(name)?.trim_start();
    let rest = match rest.strip_prefix(':') {
        Some(typed) => typed.split_once('=')?.1,
        None => rest.strip_prefix('=')?,
    };
    Some(rest.trim())
}

fn literal(value: &str) -> Option<Value> {
    if value == "None" {
        return Some(Value::Nothing);
    }
    let quote = value.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let (inside, _) = value.get(1..)?.split_once(quote)?;
    Some(Value::Text(inside.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_torch_as_its_builds_write_them() {
        // tools/generate_torch_version.py of pytorch/pytorch, now and before 2.0.
        let new = "from typing import Optional\n\n__all__ = ['__version__', 'debug', 'cuda', 'git_version', 'hip']\n\
                   __version__ = '2.6.0+cu126'\ndebug = False\ncuda: Optional[str] = '12.6'\nhip: Optional[str] = None\n";
        assert_eq!(value_of(new, "__version__"), Some(Value::Text("2.6.0+cu126".to_owned())));
        assert_eq!(value_of(new, "cuda"), Some(Value::Text("12.6".to_owned())));
        assert_eq!(value_of(new, "hip"), Some(Value::Nothing));
        let old = "__version__ = '1.13.1+cpu'\ndebug = False\ncuda = None\n";
        assert_eq!((value_of(old, "cuda"), value_of(old, "hip")), (Some(Value::Nothing), None));
    }

    #[test]
    fn other_lines_are_no_values() {
        for text in
            ["", "cuda", "cuda_version = '1'", "cuda = get()", "cuda = '", "cuda: str", " cuda = None"]
        {
            assert_eq!(value_of(text, "cuda"), None, "{text}");
        }
    }
}

//! What is wrong with a machine's file: where, what, and which name was probably meant.

use std::{fmt, path::Path};

/// Something wrong with a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(String);

impl Error {
    /// Something wrong with a machine as a whole.
    pub fn of(machine: &str, what: impl fmt::Display) -> Self {
        Self(format!("{machine}: {what}"))
    }

    /// Something wrong at a place of a file, which is named with its line and column.
    pub fn at(place: &Place<'_>, offset: usize, what: impl fmt::Display) -> Self {
        let (line, column) = place.position(offset);
        Self(format!("{}:{line}:{column}: {what}", place.path.display()))
    }

    /// A name that nothing has, at a place of a file.
    pub fn unknown<'n>(
        place: &Place<'_>,
        offset: usize,
        kind: &str,
        name: &str,
        known: impl IntoIterator<Item = &'n str>,
    ) -> Self {
        Self::at(place, offset, format!("unknown {kind} {name:?}{}", did_you_mean(name, known)))
    }

    /// What a TOML document is refused for.
    pub fn toml(place: &Place<'_>, error: &toml::de::Error) -> Self {
        let offset = error.span().map_or(place.text.len(), |span| span.start);
        Self::at(place, offset, refused(error.message()))
    }

    /// What a JSON document is refused for.
    pub fn json(place: &Place<'_>, error: &serde_json::Error) -> Self {
        let text = error.to_string();
        let what = text.split(" at line ").next().unwrap_or_default();
        let path = place.path.display();
        Self(format!("{path}:{}:{}: {}", error.line(), error.column(), refused(what)))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// A file and its text.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Where it lies.
    pub path: &'a Path,
    /// What it says.
    pub text: &'a str,
}

impl Place<'_> {
    /// Where a name is first written, for those that come without their place.
    pub fn offset_of(&self, name: &str) -> usize {
        self.text.find(&format!("\"{name}\"")).unwrap_or_default()
    }

    /// Line and column, from 1, of a byte.
    fn position(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |start| start.chars().count()) + 1;
        (line, column)
    }
}

/// serde's words on a field that there is not end with all that there are; the nearest is enough.
fn refused(message: &str) -> String {
    const READING: &str = "data did not match any variant of untagged enum Reading";
    let message = message.trim();
    if message.contains(READING) {
        return "a reading is a value of its kind, or { error = CODE }".to_owned();
    }
    if message.starts_with("wanted exactly 1 element") {
        return "give one action, such as { return = 999 }; two take two faults".to_owned();
    }
    let Some((what, known)) =
        message.split_once(", expected ").filter(|(what, _)| what.starts_with("unknown"))
    else {
        return message.to_owned();
    };
    let name = what.split('`').nth(1).unwrap_or_default();
    let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
    if known.is_empty() {
        return message.to_owned();
    }
    format!("{what}{}", did_you_mean(name, known))
}

/// The known name that looks most like this one; where none does, all of them if they are few.
pub fn did_you_mean<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> String {
    const FEW: usize = 12;
    let mut known: Vec<&str> = known.into_iter().collect();
    known.sort_unstable();
    known.dedup();
    let distance = |other: &str| strsim::damerau_levenshtein(&name.to_lowercase(), &other.to_lowercase());
    let near = known
        .iter()
        .map(|other| (distance(other), *other))
        .filter(|(distance, other)| *distance <= other.len().max(name.len()) / 2)
        .min();
    match near {
        Some((_, near)) => format!("; did you mean {near:?}?"),
        None if known.len() <= FEW => format!("; there are {}", known.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_are_counted_from_one() {
        let place = Place { path: Path::new("machine.toml"), text: "a = 1\nö = 2\n" };
        assert_eq!(place.position(0), (1, 1));
        assert_eq!(place.position(6), (2, 1));
        assert_eq!(place.position(8), (2, 2));
        assert_eq!(place.position(99), (3, 1));
    }

    #[test]
    fn the_nearest_name_is_told_and_no_far_one() {
        assert_eq!(
            did_you_mean("pwer_usage", ["power_usage", "power_limit"]),
            "; did you mean \"power_usage\"?"
        );
        assert_eq!(did_you_mean("colour", ["t4", "k80"]), "; there are k80, t4");
        assert_eq!(
            refused("unknown field `hots`, expected one of `host`, `log`"),
            "unknown field `hots`; did you mean \"host\"?"
        );
        assert_eq!(
            refused("invalid type: integer `3`, expected a string"),
            "invalid type: integer `3`, expected a string"
        );
    }
}

//! A person's own home beside what it is called in what is fit to be shown around.

use super::text::{hidden, is_of_a_name};
use serde_json::Value;

/// The asking person's home, which has another name in what is fit to be shown around.
#[derive(Debug)]
pub struct OwnHome {
    own: String,
    redacted: String,
}

impl OwnHome {
    /// That of `HOME`.
    pub fn of_this_process() -> Self {
        let home = std::env::var("HOME").unwrap_or_default();
        Self::new(home.trim_end_matches('/'))
    }

    fn new(home: &str) -> Self {
        Self { own: home.to_owned(), redacted: hidden(home, &[]) }
    }

    /// A text with that home called by its own name, wherever its path stands whole.
    pub fn shown(&self, text: &str) -> String {
        if self.redacted.is_empty() || self.redacted == self.own {
            return text.to_owned();
        }
        let mut parts = text.split(self.redacted.as_str());
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let is_whole = !part.starts_with(is_of_a_name);
            out.extend([if is_whole { self.own.as_str() } else { self.redacted.as_str() }, part]);
        }
        out
    }

    /// The same for every text of a document but the names of its fields.
    pub fn shown_in(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.shown(&text)),
            Value::Array(items) => items.into_iter().map(|item| self.shown_in(item)).collect(),
            Value::Object(fields) => {
                fields.into_iter().map(|(name, value)| (name, self.shown_in(value))).collect()
            }
            other @ (Value::Null | Value::Bool(_) | Value::Number(_)) => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_gets_its_name_back() {
        let home = OwnHome::new("/home/kim");
        assert_eq!(home.shown("/home/user/tf and /home/user2/x"), "/home/kim/tf and /home/user2/x");
        let root = OwnHome::new("/root");
        assert_eq!(root.shown("/root/tf, /home/user/tf"), "/root/tf, /home/user/tf");
        let value = serde_json::json!({"a": ["/home/user/x", 1]});
        assert_eq!(home.shown_in(value), serde_json::json!({"a": ["/home/kim/x", 1]}));
    }
}

//! apt's configuration, read as apt.conf(5) says.
//!
//! Invariants: the later file wins, lists grow from file to file, names are compared in small letters; what cannot be read is
//! left out and told.

use crate::root::Root;

const MAIN: &str = "/etc/apt/apt.conf";
const PARTS: &str = "/etc/apt/apt.conf.d";
/// Files read at most.
const MOST_FILES: usize = 500;
/// Values kept at most, and how deep scopes go.
const MOST_VALUES: usize = 20_000;
const DEEPEST: usize = 64;

/// Values by the path of their names.
#[derive(Debug, Default)]
pub(super) struct AptConf {
    values: Vec<(Vec<String>, String)>,
    /// Files that could not be read, each with its reason.
    pub(super) unread: Vec<String>,
}

impl AptConf {
    /// What this root's files say, in the order in which apt reads them.
    pub(super) fn of(root: &Root) -> Self {
        let mut conf = Self::default();
        let names = root.names(PARTS).into_iter().filter(|name| is_part(name, "conf")).take(MOST_FILES);
        let parts = names.map(|name| format!("{PARTS}/{name}")).chain([MAIN.to_owned()]);
        for path in parts {
            match root.text(&path) {
                Ok(text) => conf.read(&text),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => conf.unread.push(format!("{path}: {error}")),
            }
        }
        conf
    }

    /// The value of a name, given in small letters.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let path: Vec<&str> = name.split("::").collect();
        let found = self.values.iter().rev().find(|(known, _)| known.iter().eq(path.iter()));
        found.map(|(_, value)| value.as_str())
    }

    /// The values of a list.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        let path: Vec<&str> = name.split("::").collect();
        let is_of =
            |known: &[String]| known.len() == path.len() + 1 && known.iter().zip(&path).all(|(a, b)| a == b);
        let of = self.values.iter().filter(|(known, _)| is_of(known));
        of.map(|(_, value)| value.clone()).filter(|value| !value.is_empty()).collect()
    }

    /// The names below a name and their values.
    pub(super) fn below<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (String, &'a str)> {
        let path: Vec<&str> = name.split("::").collect();
        self.values.iter().filter_map(move |(known, value)| {
            let is_of = known.len() > path.len() && known.iter().zip(&path).all(|(a, b)| a == b);
            is_of.then(|| (known.join("::"), value.as_str()))
        })
    }

    /// Takes in the text of a file.
    pub(super) fn read(&mut self, text: &str) {
        let mut scopes: Vec<Vec<String>> = vec![Vec::new()];
        let mut words: Vec<Token> = Vec::new();
        for token in (Tokens { text }) {
            match token {
                Token::Open => {
                    let scope = path_below(scopes.last(), words.first());
                    self.statement(scopes.last(), &std::mem::take(&mut words));
                    if scopes.len() < DEEPEST {
                        scopes.push(scope);
                    }
                }
                Token::Close => {
                    self.statement(scopes.last(), &std::mem::take(&mut words));
                    if scopes.len() > 1 {
                        scopes.pop();
                    }
                }
                Token::End => self.statement(scopes.last(), &std::mem::take(&mut words)),
                Token::Name(_) | Token::Text(_) => words.push(token),
            }
        }
        self.statement(scopes.last(), &words);
    }

    fn statement(&mut self, scope: Option<&Vec<String>>, words: &[Token]) {
        let (name, value) = match words {
            [Token::Name(directive), Token::Name(name), ..] if directive == "#clear" => {
                return self.clear(name);
            }
            [Token::Text(value)] => ("::", value),
            [Token::Name(name), Token::Text(value) | Token::Name(value), ..] if !name.starts_with('#') => {
                (name.as_str(), value)
            }
            _ => return,
        };
        let path = path_below(scope, Some(&Token::Name(name.to_owned())));
        let is_list = path.last().is_some_and(String::is_empty);
        if !is_list {
            self.values.retain(|(known, _)| *known != path);
        }
        if self.values.len() < MOST_VALUES {
            self.values.push((path, value.clone()));
        }
    }

    fn clear(&mut self, name: &str) {
        let path = path_below(None, Some(&Token::Name(name.to_owned())));
        self.values.retain(|(known, _)| !known.starts_with(&path));
    }
}

/// Names of a scope and of what stands in it, `A::B` in `X` being `x`, `a`, `b`. The name of what a list holds is empty.
fn path_below(scope: Option<&Vec<String>>, name: Option<&Token>) -> Vec<String> {
    let mut path = scope.cloned().unwrap_or_default();
    if let Some(Token::Name(name)) = name {
        let name = name.to_ascii_lowercase();
        let list = name.ends_with("::");
        path.extend(name.split("::").filter(|part| !part.is_empty()).map(str::to_owned));
        path.extend(list.then(String::new));
    }
    path
}

/// Which files of a `.d` folder apt reads: those without an extension, or with this one.
pub(super) fn is_part(name: &str, extension: &str) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    name.chars().all(is_name) && !name.starts_with('.') && ending.is_none_or(|ending| ending == extension)
}

#[derive(Debug, PartialEq)]
enum Token {
    Name(String),
    Text(String),
    Open,
    Close,
    End,
}

struct Tokens<'a> {
    text: &'a str,
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        loop {
            self.text = self.text.trim_start();
            if let Some(rest) = self.text.strip_prefix("/*") {
                self.text = rest.split_once("*/").map_or("", |(_, rest)| rest);
            } else if self.text.starts_with("//") || (self.text.starts_with('#') && !is_directive(self.text))
            {
                self.text = self.text.split_once('\n').map_or("", |(_, rest)| rest);
            } else {
                break;
            }
        }
        let token = match self.text.chars().next()? {
            '{' => Token::Open,
            '}' => Token::Close,
            ';' => Token::End,
            '"' => return Some(self.quoted()),
            _ => return Some(self.name()),
        };
        self.text = self.text.get(1..).unwrap_or_default();
        Some(token)
    }
}

fn is_directive(text: &str) -> bool {
    ["#clear", "#include"].iter().any(|word| text.starts_with(word))
}

impl Tokens<'_> {
    fn quoted(&mut self) -> Token {
        let inside = self.text.get(1..).unwrap_or_default();
        let (value, rest) = inside.split_once('"').unwrap_or((inside, ""));
        self.text = rest;
        Token::Text(value.to_owned())
    }

    fn name(&mut self) -> Token {
        let end =
            self.text.find(|c: char| c.is_whitespace() || "{};\"".contains(c)).unwrap_or(self.text.len());
        let (name, rest) = self.text.split_at(end);
        self.text = rest;
        Token::Name(name.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conf(texts: &[&str]) -> AptConf {
        let mut conf = AptConf::default();
        for text in texts {
            conf.read(text);
        }
        conf
    }

    #[test]
    fn scopes_names_and_comments_are_apts() {
        let conf = conf(&[
            "APT { NeverAutoRemove { \"^firmware-linux.*\"; }; Periodic { Enable \"0\"; } };\n// APT::Periodic::Enable \"1\";\n\
             # Dir \"/nowhere\";\n/* A \"1\";\n*/ Unattended-Upgrade::Mail \"a//b;{}\"; Acquire::Retries 3;\n",
            "apt::PERIODIC::enable \"1\"; Dir::Etc \"etc\" { Main \"x\" }",
        ]);
        assert_eq!(conf.value("apt::periodic::enable"), Some("1"));
        assert_eq!(conf.value("unattended-upgrade::mail"), Some("a//b;{}"));
        assert_eq!(conf.value("acquire::retries"), Some("3"));
        assert_eq!(conf.value("dir::etc::main"), Some("x"));
        assert_eq!(conf.list("apt::neverautoremove"), ["^firmware-linux.*"]);
        assert_eq!(conf.value("a"), None);
    }

    #[test]
    fn lists_grow_from_file_to_file_until_they_are_cleared() {
        let first = "Unattended-Upgrade::Allowed-Origins {\n\t\"a:b\";\n//\t\"c:d\";\n\t\"e:f\";\n};\n";
        let more = "Unattended-Upgrade::Allowed-Origins:: \"g:h\";";
        let name = "unattended-upgrade::allowed-origins";
        assert_eq!(conf(&[first, more]).list(name), ["a:b", "e:f", "g:h"]);
        let cleared = "#clear Unattended-Upgrade::Allowed-Origins;\n";
        assert_eq!(conf(&[first, cleared, more]).list(name), ["g:h"]);
    }

    #[test]
    fn files_that_apt_passes_over_are_passed_over() {
        for name in ["50unattended-upgrades", "20auto-upgrades", "99x.conf", "01-a_b"] {
            assert!(is_part(name, "conf"), "{name}");
        }
        for name in
            ["50unattended-upgrades.dpkg-old", "50unattended-upgrades.local", "a b", ".x", "20auto-upgrades~"]
        {
            assert!(!is_part(name, "conf"), "{name}");
        }
    }

    #[test]
    fn garbage_is_read_to_its_end() {
        for text in [
            "{{{{",
            "}}}};;;",
            "A \"open",
            "/* open",
            "A { B { \"x\"",
            "\u{0}\u{1}é { ü \"ö\"",
            "#clear",
            "::",
        ] {
            conf(&[text]);
        }
        let deep = "a {".repeat(100_000);
        conf(&[&deep]);
    }
}

//! What Jupyter's configuration says of who gets in: lines of Python, JSON, and the words of services.
//!
//! Invariant: no secret is kept, only that there is one. Nothing of the configuration is run.

use super::places::{self, Places};
use crate::root::Root;
use gpucheck_checks::fact::{AccessValue, JupyterAccess};
use serde_json::Value;

/// Names of settings that decide it, by their last part.
const SETTINGS: [&str; 6] = ["ip", "password", "hashed_password", "token", "allow_origin", "certfile"];
/// Lines that are told at most, and files that are read.
const MOST: usize = 200;
const MOST_FILES: usize = 500;

/// The settings, by file.
pub(super) fn access(root: &Root, places: &Places) -> Vec<JupyterAccess> {
    let mut found = Vec::new();
    let folders = places.jupyter_folders().into_iter();
    for file in
        folders.flat_map(|folder| places::files(root, &folder, &["_config.py", ".json"])).take(MOST_FILES)
    {
        let text = root.configuration(&file).unwrap_or_default();
        if file.strip_suffix(".py").is_some() {
            found.extend(of_python(&file, &text));
        } else if file.contains("_config") {
            found.extend(of_json(&file, &text));
        }
    }
    for file in places::services(root) {
        found.extend(of_service(&file, &root.configuration(&file).unwrap_or_default()));
    }
    found.truncate(MOST);
    found
}

fn of_python<'a>(file: &'a str, text: &'a str) -> impl Iterator<Item = JupyterAccess> + 'a {
    (1..).zip(text.lines()).filter_map(move |(line, text)| {
        let (name, value) = text.trim().strip_prefix("c.")?.split_once('=')?;
        let value = value.trim();
        let quoted = value.strip_prefix(['u', 'b']).unwrap_or(value).strip_prefix(['"', '\'']);
        let literal = quoted.map(|rest| rest.split(['"', '\'']).next().unwrap_or_default());
        setting(file, line, name.trim(), literal)
    })
}

fn of_json(file: &str, text: &str) -> Vec<JupyterAccess> {
    let Ok(Value::Object(classes)) = serde_json::from_str(text) else { return Vec::new() };
    let named = classes.iter().filter_map(|(class, values)| Some((class, values.as_object()?)));
    let all = named.flat_map(|(class, values)| {
        values.iter().map(move |(name, value)| (format!("{class}.{name}"), value))
    });
    all.filter_map(|(name, value)| setting(file, 0, &name, value.as_str())).collect()
}

/// `ExecStart=/opt/conda/bin/jupyter lab --ip=0.0.0.0 --ServerApp.token=''`.
fn of_service(file: &str, text: &str) -> Vec<JupyterAccess> {
    let mut found = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        if !text.contains("jupyter") {
            continue;
        }
        let mut words = text.split_whitespace().peekable();
        while let Some(word) = words.next() {
            let Some(option) = word.trim_matches(['"', '\'']).strip_prefix("--") else { continue };
            let (name, value) = match option.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (option, words.peek().copied().filter(|next| !next.starts_with('-'))),
            };
            found.extend(setting(file, line, name, value.map(|value| value.trim_matches(['"', '\'']))));
        }
    }
    found
}

/// A setting that decides it; `value` is none where that is no plain text.
fn setting(file: &str, line: u32, name: &str, value: Option<&str>) -> Option<JupyterAccess> {
    let last = name.rsplit('.').next().unwrap_or(name);
    if !SETTINGS.contains(&last) || name.len() > 100 {
        return None;
    }
    let to = match (last, value) {
        (_, None) => AccessValue::Other,
        ("ip", Some(value)) => address(value),
        (_, Some("")) => AccessValue::Empty,
        ("allow_origin", Some("*")) => AccessValue::Everywhere,
        ("allow_origin" | "certfile", Some(_)) => AccessValue::Other,
        (_, Some(_)) => AccessValue::Secret,
    };
    Some(JupyterAccess { file: file.to_owned(), line, setting: name.to_owned(), to })
}

fn address(value: &str) -> AccessValue {
    match value.trim() {
        "" | "*" | "0.0.0.0" | "::" | "[::]" => AccessValue::Everywhere,
        "localhost" | "::1" => AccessValue::Loopback,
        value if value.starts_with("127.") => AccessValue::Loopback,
        value if value.contains(['$', '{', '%']) => AccessValue::Other,
        _ => AccessValue::OneAddress,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(found: impl IntoIterator<Item = JupyterAccess>) -> Vec<(u32, String, AccessValue)> {
        found.into_iter().map(|found| (found.line, found.setting, found.to)).collect()
    }

    #[test]
    fn python_is_read_line_by_line_and_secrets_are_not_kept() {
        // As `jupyter server --generate-config` writes it, and as tutorials change it.
        let text = "# c.ServerApp.ip = 'localhost'\nc.ServerApp.ip = '0.0.0.0'\nc.ServerApp.password = u'argon2:$argon2id$v=19$abc'\n\
                    c.ServerApp.token = ''\nc.NotebookApp.allow_origin = '*'\nc.ServerApp.password = passwd('x')\nc.ServerApp.port = 8888\n";
        let found = values(of_python("f", text));
        let expected = [
            (2, "ServerApp.ip", AccessValue::Everywhere),
            (3, "ServerApp.password", AccessValue::Secret),
            (4, "ServerApp.token", AccessValue::Empty),
            (5, "NotebookApp.allow_origin", AccessValue::Everywhere),
            (6, "ServerApp.password", AccessValue::Other),
        ];
        assert_eq!(found, expected.map(|(line, name, to)| (line, name.to_owned(), to)));
        assert!(!format!("{found:?}").contains("argon2"));
    }

    #[test]
    fn json_and_services_are_read_too() {
        // `jupyter server password` writes jupyter_server_config.json so.
        let json = "{\"IdentityProvider\": {\"hashed_password\": \"argon2:x\"}, \"ServerApp\": {\"ip\": \"10.0.0.4\"}, \"x\": 1}";
        assert_eq!(
            values(of_json("f", json)),
            [
                (0, "IdentityProvider.hashed_password".to_owned(), AccessValue::Secret),
                (0, "ServerApp.ip".to_owned(), AccessValue::OneAddress),
            ]
        );
        let unit = "[Service]\nExecStart=/opt/conda/bin/jupyter lab --ip 0.0.0.0 --no-browser --ServerApp.token='' --NotebookApp.password=\n";
        assert_eq!(
            values(of_service("f", unit)),
            [
                (2, "ip".to_owned(), AccessValue::Everywhere),
                (2, "ServerApp.token".to_owned(), AccessValue::Empty),
                (2, "NotebookApp.password".to_owned(), AccessValue::Empty),
            ]
        );
        assert!(of_json("f", "{").is_empty() && of_json("f", "[1]").is_empty());
    }
}

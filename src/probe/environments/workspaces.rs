//! The folders that are open in Visual Studio Code, whose environments it offers.
//!
//! It offers each folder with a `bin/python` directly in a workspace or in its `.direnv`. The workspaces are those that
//! it remembers in `workspaceStorage/*/workspace.json`.

use super::{
    Surroundings,
    search::{Hint, Search},
    text,
};
use crate::root::Root;

/// Where it keeps what it remembers: on the desktop, as a server over SSH, as code-server.
const STORAGES: [&str; 4] = [
    ".config/Code/User/workspaceStorage",
    ".vscode-server/data/User/workspaceStorage",
    ".config/VSCodium/User/workspaceStorage",
    ".local/share/code-server/User/workspaceStorage",
];
/// Most workspaces that are looked into.
const MOST: usize = 64;

/// Takes in the environments of every workspace.
pub(super) fn all(search: &mut Search<'_>, surroundings: &Surroundings, homes: &[String]) {
    let mut folders: Vec<String> = surroundings.workspaces.iter().map(|path| text(path)).collect();
    for storage in homes.iter().flat_map(|home| STORAGES.map(|storage| format!("{home}/{storage}"))) {
        for name in search.root.some_names(&storage, MOST) {
            folders.extend(remembered(search.root, &format!("{storage}/{name}/workspace.json")));
        }
    }
    folders.dedup();
    for folder in folders.iter().take(MOST) {
        search.each_in(folder, Hint::VSCODE);
        search.each_in(&format!("{folder}/.direnv"), Hint::VSCODE);
    }
}

fn remembered(root: &Root, file: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(&root.configuration(file)?).ok()?;
    of_uri(value.get("folder")?.as_str()?)
}

/// The path of a `file:` URI; of another machine's none.
fn of_uri(uri: &str) -> Option<String> {
    let path = uri.strip_prefix("file://").filter(|path| path.starts_with('/'))?;
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        let byte = match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            byte => byte,
        };
        bytes.push(byte);
    }
    let path = String::from_utf8(bytes).ok()?;
    Some(path.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_as_the_editor_writes_them() {
        assert_eq!(of_uri("file:///home/kim/lab%203").as_deref(), Some("/home/kim/lab 3"));
        assert_eq!(of_uri("file:///home/kim/%EA%B3%BC%EC%A0%9C").as_deref(), Some("/home/kim/과제"));
        for uri in [
            "",
            "vscode-remote://ssh-remote%2Bvm/home/kim",
            "file://host/x",
            "file:///%",
            "file:///%f",
            "file:///%ff",
        ] {
            assert_eq!(of_uri(uri), None, "{uri}");
        }
    }
}

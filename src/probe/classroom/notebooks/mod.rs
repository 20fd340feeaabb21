//! The notebooks of a class, read from their folder.
//!
//! Invariants: nothing is run and nothing is written; the folder is not left through links; numbers, sizes and depth are
//! bounded, and what is beyond is counted; a file that is no notebook is a value.

mod baked;
mod code;
mod read;

use crate::root::Root;
use gpucheck_checks::fact::{ClassNotebook, Observed, ProbeFailure};
use std::path::Path;

/// Most notebooks and folders that are looked at, most names of one folder, and how deep.
const NOTEBOOKS: usize = 500;
const FOLDERS: usize = 2000;
const NAMES: usize = 10_000;
const DEPTH: usize = 12;
const STEP: &str = "read the folder of notebooks";

/// The notebooks below a folder, by path, and how many notebooks and folders there are beyond those.
pub(super) fn look(root: &Root, folder: &Path) -> (Observed<Vec<ClassNotebook>>, u32) {
    let base = folder.to_string_lossy().trim_end_matches('/').to_owned();
    let base = if base.is_empty() { "/".to_owned() } else { base };
    if let Err(error) = root.list_some(&base, 1) {
        let code = i64::from(error.raw_os_error().unwrap_or_default());
        let name = error.kind().to_string();
        return (
            Observed::Failed(ProbeFailure::Refused { step: STEP.to_owned(), code, name, message: base }),
            0,
        );
    }
    let mut found = Found { root, base: &base, paths: Vec::new(), folders: 0, more: 0 };
    found.descend(&base, 0);
    found.paths.sort();
    let notebook = |path: &String| ClassNotebook {
        path: path.clone(),
        content: read::content(root, &format!("{}/{path}", base.trim_end_matches('/'))),
        run: Observed::not_probed("nobody asked to run it"),
    };
    (Observed::Seen(found.paths.iter().map(notebook).collect()), found.more)
}

struct Found<'a> {
    root: &'a Root,
    base: &'a str,
    /// Paths below the base.
    paths: Vec<String>,
    folders: usize,
    more: u32,
}

impl Found<'_> {
    fn descend(&mut self, folder: &str, depth: usize) {
        if depth > DEPTH || self.folders >= FOLDERS {
            self.more += 1;
            return;
        }
        self.folders += 1;
        let names = self.root.some_names(folder, NAMES);
        self.more += u32::from(names.len() >= NAMES);
        // An environment brings notebooks of its own, which are nobody's class.
        if names.iter().any(|name| name == "pyvenv.cfg" || name == "conda-meta") {
            return;
        }
        for name in names.iter().filter(|name| !is_left_out(name)) {
            let path = format!("{}/{name}", folder.trim_end_matches('/'));
            let is_link = self.root.link(&path).is_some();
            if self.root.is_folder(&path) {
                // A link to a folder leads out, or to what is looked at anyway.
                if !is_link {
                    self.descend(&path, depth + 1);
                }
            } else if is_notebook(name) && (!is_link || self.stays_inside(&path)) {
                self.take(&path);
            }
        }
    }

    fn stays_inside(&self, path: &str) -> bool {
        let within =
            |base: String| self.root.target(path).is_ok_and(|target| Path::new(&target).starts_with(&base));
        self.root.target(self.base).is_ok_and(within)
    }

    fn take(&mut self, path: &str) {
        if self.paths.len() >= NOTEBOOKS {
            self.more += 1;
            return;
        }
        let below = path.strip_prefix(self.base).unwrap_or(path);
        self.paths.push(below.trim_start_matches('/').to_owned());
    }
}

fn is_notebook(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("ipynb"))
}

/// Jupyter's checkpoints and everything else that is hidden, and what programs leave.
fn is_left_out(name: &str) -> bool {
    name.starts_with('.') || name == "node_modules" || name == "__pycache__" || name == "site-packages"
}

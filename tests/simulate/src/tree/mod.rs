//! The files of a machine, derived from its description.
//!
//! Invariant: a tree is a value; nothing is written here.

mod boot;
mod bus;
pub(crate) mod driver;
pub(crate) mod host;
mod module_file;
mod packages;
mod processes;

use crate::{file::Node, machine::Machine};
use std::collections::BTreeMap;

/// What lies at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A file.
    File {
        /// What it holds.
        bytes: Vec<u8>,
        /// Permission bits.
        mode: u32,
    },
    /// One of the simulated driver libraries, by its name.
    Library(String),
    /// A symbolic link.
    Link(String),
    /// A device node.
    Node(Node),
    /// An empty folder.
    Folder,
}

/// The files of a machine, by path.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    pub(crate) entries: BTreeMap<String, Entry>,
}

impl Tree {
    /// All files of a machine but those that its folder brings.
    pub(crate) fn of(machine: &Machine) -> Self {
        let mut tree = Self::default();
        host::add(&mut tree, machine);
        boot::add(&mut tree, machine);
        bus::add(&mut tree, machine);
        driver::add(&mut tree, machine);
        packages::add(&mut tree, machine);
        processes::add(&mut tree, machine);
        for (path, text) in &machine.files {
            tree.file(path, text);
        }
        for (path, target) in &machine.links {
            tree.link(path, target);
        }
        for (path, node) in &machine.nodes {
            tree.put(path, Entry::Node(*node));
        }
        for path in &machine.remove {
            tree.remove(path);
        }
        tree
    }

    fn put(&mut self, path: &str, entry: Entry) {
        self.entries.insert(path.to_owned(), entry);
    }

    fn file(&mut self, path: impl AsRef<str>, content: impl AsRef<[u8]>) {
        self.put(path.as_ref(), Entry::File { bytes: content.as_ref().to_vec(), mode: 0o644 });
    }

    fn link(&mut self, path: impl AsRef<str>, target: &str) {
        self.put(path.as_ref(), Entry::Link(target.to_owned()));
    }

    fn folder(&mut self, path: impl AsRef<str>) {
        self.put(path.as_ref(), Entry::Folder);
    }

    /// Takes away what lies at a path and below it.
    fn remove(&mut self, path: &str) {
        let below = format!("{path}/");
        self.entries.retain(|known, _| known != path && !known.starts_with(&below));
    }
}

//! Constants of NVIDIA's, Microsoft's and Google's world, as tables with their sources.
//!
//! Invariants: what a table does not know is none, never a guess; what a GPU can ever use is computed from the
//! tables alone; each block of rows says where it is from and of when it is.

mod drivers;
mod frameworks;
mod gpus;
mod lab_services;
mod speeds;
mod targets;
mod vm_sizes;
mod xids;

pub use drivers::{DriverBranch, branch};
pub use frameworks::{Fit, JaxPlugin, TensorFlowRelease, TorchWheel, fits};
pub use gpus::{Architecture, ArchitectureRow, GpuModel, Modules};
pub use speeds::Bar;
pub use targets::{TargetGpu, TargetMachine};
pub use vm_sizes::{DriverKind, VmSize};
pub use xids::{Xid, XidClass};

use serde::{Deserialize, de::DeserializeOwned};
use std::collections::BTreeMap;

/// The tables.
#[derive(Clone, Debug)]
pub struct Knowledge {
    gpus: gpus::Table,
    speeds: speeds::Table,
    drivers: drivers::Table,
    toolkits: drivers::Toolkits,
    frameworks: frameworks::Table,
    xids: xids::Table,
    vm_sizes: vm_sizes::Table,
    lab_services: lab_services::Table,
}

/// A table that cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub struct KnowledgeError {
    /// The table's file name.
    pub table: String,
    /// What is wrong, with line and column.
    pub message: String,
}

impl std::fmt::Display for KnowledgeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.table, self.message)
    }
}

/// Rows under their source.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sourced<T> {
    /// When the source was read: `2026-08` or a day.
    as_of: String,
    /// Where the rows are from.
    source: String,
    row: Vec<T>,
}

/// All rows of a table's blocks.
fn rows<T>(blocks: &[Sourced<T>]) -> impl DoubleEndedIterator<Item = &T> {
    blocks.iter().flat_map(|block| &block.row)
}

/// The tables by file name, as they were when this was built.
const BUILT_IN: [(&str, &str); 8] = [
    ("gpus.toml", include_str!("knowledge/gpus.toml")),
    ("speeds.toml", include_str!("knowledge/speeds.toml")),
    ("drivers.toml", include_str!("knowledge/drivers.toml")),
    ("toolkits.toml", include_str!("knowledge/toolkits.toml")),
    ("frameworks.toml", include_str!("knowledge/frameworks.toml")),
    ("xids.toml", include_str!("knowledge/xids.toml")),
    ("vm_sizes.toml", include_str!("knowledge/vm_sizes.toml")),
    ("lab_services.toml", include_str!("knowledge/lab_services.toml")),
];

impl Knowledge {
    /// The tables that this version was built with.
    ///
    /// # Errors
    /// A table that is not of its form; a test keeps that from shipping.
    pub fn built_in() -> Result<Self, KnowledgeError> {
        Self::with(&BTreeMap::new())
    }

    /// The same with some tables replaced: the text of each by its file name, one of [`Knowledge::tables`].
    ///
    /// # Errors
    /// A name that no table has, or a table that is not of its form or contradicts itself.
    pub fn with(replaced: &BTreeMap<String, String>) -> Result<Self, KnowledgeError> {
        if let Some(name) = replaced.keys().find(|name| !Self::tables().any(|table| table == name.as_str())) {
            let tables: Vec<&str> = Self::tables().collect();
            return Err(error(name, format!("no table has this name; there are {}", tables.join(", "))));
        }
        let knowledge = Self {
            gpus: table("gpus.toml", replaced)?,
            speeds: table("speeds.toml", replaced)?,
            drivers: table("drivers.toml", replaced)?,
            toolkits: table("toolkits.toml", replaced)?,
            frameworks: table("frameworks.toml", replaced)?,
            xids: table("xids.toml", replaced)?,
            vm_sizes: table("vm_sizes.toml", replaced)?,
            lab_services: table("lab_services.toml", replaced)?,
        };
        match knowledge.contradiction() {
            Some((table, message)) => Err(error(table, message)),
            None => Ok(knowledge),
        }
    }

    /// The file names of all tables.
    pub fn tables() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// What in the tables cannot be true together: the table and the reason.
    fn contradiction(&self) -> Option<(&'static str, String)> {
        let by_table = [
            ("gpus.toml", self.gpus.contradiction()),
            ("speeds.toml", self.speeds.contradiction()),
            ("drivers.toml", self.drivers.contradiction()),
            ("toolkits.toml", self.toolkits.contradiction(&self.drivers)),
            ("frameworks.toml", self.frameworks.contradiction(&self.toolkits)),
            ("xids.toml", self.xids.contradiction()),
            ("vm_sizes.toml", self.vm_sizes.contradiction()),
            ("lab_services.toml", self.lab_services.contradiction()),
        ];
        by_table.into_iter().find_map(|(table, contradiction)| Some((table, contradiction?)))
    }
}

fn error(table: &str, message: String) -> KnowledgeError {
    KnowledgeError { table: table.to_owned(), message }
}

fn table<T: DeserializeOwned>(name: &str, replaced: &BTreeMap<String, String>) -> Result<T, KnowledgeError> {
    let built_in = BUILT_IN.iter().find(|(known, _)| *known == name).map_or("", |(_, text)| *text);
    let text = replaced.get(name).map_or(built_in, String::as_str);
    toml::from_str(text).map_err(|what| error(name, placed(text, &what)))
}

/// What a table's reader says, with line and column.
fn placed(text: &str, what: &toml::de::Error) -> String {
    let before = what.span().and_then(|span| text.get(..span.start));
    let Some(before) = before else { return what.message().to_owned() };
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |start| start.chars().count()) + 1;
    format!("line {line}, column {column}: {}", what.message())
}

/// Says of the first block that does not tell where it is from, or of when it is.
fn unsourced<T>(blocks: &[Sourced<T>]) -> Option<String> {
    let is_date = |text: &str| {
        let parts: Vec<&str> = text.split('-').collect();
        matches!(parts.len(), 2 | 3)
            && parts
                .iter()
                .zip([4, 2, 2])
                .all(|(part, digits)| part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    blocks.iter().find_map(|block| {
        if block.source.trim().is_empty() {
            return Some("a block without a source".to_owned());
        }
        (!is_date(&block.as_of)).then(|| format!("as_of = {:?} is no year and month (2026-08)", block.as_of))
    })
}

/// The first that stands twice.
fn twice<T: Ord + Copy>(items: impl Iterator<Item = T>) -> Option<T> {
    let mut seen = std::collections::BTreeSet::new();
    items.into_iter().find(|item| !seen.insert(*item))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_tables_are_sound() {
        if let Err(error) = Knowledge::built_in() {
            panic!("{error}");
        }
    }

    fn replaced(table: &str, edit: impl Fn(&str) -> String) -> Result<Knowledge, KnowledgeError> {
        let text = BUILT_IN.iter().find(|(name, _)| *name == table).unwrap().1;
        Knowledge::with(&BTreeMap::from([(table.to_owned(), edit(text))]))
    }

    #[test]
    fn a_table_can_be_replaced() {
        let longer = |text: &str| {
            format!(
                "{text}\n[[xid]]\nas_of = \"2027-01\"\nsource = \"test\"\nrow = [{{ number = 999, class = \"hardware\", mnemonic = \"NEW\", description = \"new\" }}]\n"
            )
        };
        assert_eq!(replaced("xids.toml", longer).unwrap().xid(999).unwrap().mnemonic, "NEW");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let error = replaced("xids.toml", |text| text.replacen("number = 8,", "numbr = 8,", 1)).unwrap_err();
        assert_eq!(error.table, "xids.toml");
        for part in ["line 10, column 5:", "numbr", "expected"] {
            assert!(error.message.contains(part), "{error}");
        }
        for (table, from, to, expected) in [
            ("xids.toml", "number = 11,", "number = 8,", "Xid 8 stands twice"),
            ("gpus.toml", "0x13f2]", "0x102d]", "102d stands twice"),
            (
                "gpus.toml",
                "architecture = \"volta\"",
                "architecture = \"turing\"",
                "lies among the ids of volta",
            ),
            ("drivers.toml", "branch = 418,", "branch = 390,", "branch 390 stands twice"),
            ("drivers.toml", "cuda = [12, 4]", "cuda = [11, 9]", "older CUDA than"),
            ("toolkits.toml", "linux = \"590.44.01\"", "linux = \"535.44.01\"", "toolkit 13.1"),
            ("frameworks.toml", "\"sm_60\"", "\"sm60\"", "sm60"),
            ("frameworks.toml", "cuda = [12, 5]", "cuda = [12, 77]", "CUDA 12.77"),
            ("vm_sizes.toml", "vendor = \"amd\"", "vendor = \"amc\"", "amc"),
            ("lab_services.toml", "an_hour = \"139\"", "an_hour = \"0\"", "zero costs nothing"),
            ("speeds.toml", "of = \"memory\"", "of = \"arithmetic\"", "Memory: one bar"),
            ("gpus.toml", "as_of = \"2026-08\"", "as_of = \"August\"", "August"),
        ] {
            let error = replaced(table, |text| text.replacen(from, to, 1)).unwrap_err();
            assert!(error.table == table && error.message.contains(expected), "{expected}: {error}");
        }
    }

    #[test]
    fn a_name_that_no_table_has_is_an_error() {
        let error = Knowledge::with(&BTreeMap::from([("gpu.toml".to_owned(), String::new())])).unwrap_err();
        assert!(error.message.contains("gpus.toml"), "{error}");
    }
}

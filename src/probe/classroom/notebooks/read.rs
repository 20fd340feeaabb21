//! One notebook: its file, read as what a stranger wrote.
//!
//! Source: <https://nbformat.readthedocs.io/en/latest/format_description.html>; format 3 keeps cells in worksheets, and
//! their text in `input`.

use super::{baked, code};
use crate::root::Root;
use gpucheck_checks::fact::{Baked, NotebookContent, Observed, ProbeFailure};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// Largest file that is read, in bytes: pictures of results make them large.
const LARGEST: u64 = 64 << 20;
/// Most lines that are told of one notebook, and most characters of a text.
const MOST: usize = 32;
const LONGEST: usize = 200;
const STEP: &str = "read the notebook";
/// Modules that use a GPU.
const FRAMEWORKS: [&str; 5] = ["cudf", "cupy", "jax", "tensorflow", "torch"];

#[derive(Deserialize)]
struct Raw {
    nbformat: Option<u32>,
    #[serde(default)]
    metadata: Value,
    #[serde(default)]
    cells: Vec<RawCell>,
    #[serde(default)]
    worksheets: Vec<Worksheet>,
}

#[derive(Deserialize)]
struct Worksheet {
    #[serde(default)]
    cells: Vec<RawCell>,
}

#[derive(Deserialize)]
struct RawCell {
    #[serde(default)]
    cell_type: String,
    #[serde(default, alias = "input")]
    source: Source,
}

/// A text, or its lines.
#[derive(Deserialize)]
#[serde(untagged)]
enum Source {
    Text(String),
    Lines(Vec<String>),
    /// What is none, as in cells of a foreign kind.
    Other(serde::de::IgnoredAny),
}

impl Default for Source {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl Source {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Lines(lines) => lines.concat(),
            Self::Other(_) => String::new(),
        }
    }
}

/// What a notebook's file says.
pub(super) fn content(root: &Root, path: &str) -> Observed<NotebookContent> {
    if root.stat(path).is_some_and(|found| u64::try_from(found.st_size).unwrap_or(0) > LARGEST) {
        return garbled(format!("it is larger than {} MiB", LARGEST >> 20));
    }
    let bytes = match root.bytes(path, LARGEST) {
        Ok(bytes) => bytes,
        Err(error) => {
            return Observed::refused(
                STEP,
                error.raw_os_error().unwrap_or_default().into(),
                error.kind().to_string(),
                "",
            );
        }
    };
    match serde_json::from_slice::<Raw>(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes)) {
        Ok(raw) => of(root, &raw),
        Err(error) if bytes.is_empty() => garbled(format!("it is empty: {error}")),
        Err(error) => garbled(format!("it is no notebook: {error}")),
    }
}

fn garbled(message: String) -> Observed<NotebookContent> {
    Observed::Failed(ProbeFailure::Garbled { step: STEP.to_owned(), message })
}

fn of(root: &Root, raw: &Raw) -> Observed<NotebookContent> {
    let Some(format) = raw.nbformat else {
        return garbled("it is no notebook: it has no nbformat".to_owned());
    };
    let text = |pointer: &str| raw.metadata.pointer(pointer).and_then(Value::as_str).map(cut);
    let mut content = NotebookContent {
        format,
        kernel: text("/kernelspec/name").filter(|name| !name.is_empty()),
        language: text("/kernelspec/language").or_else(|| text("/language_info/name")),
        ..NotebookContent::default()
    };
    let is_python = content.language.as_ref().is_none_or(|language| language.eq_ignore_ascii_case("python"));
    let cells = raw.cells.iter().chain(raw.worksheets.iter().flat_map(|sheet| &sheet.cells));
    let mut imports = BTreeSet::new();
    for (cell, number) in cells.zip(1..).filter(|(cell, _)| cell.cell_type == "code") {
        content.code_cells += 1;
        if is_python {
            look_at_cell(root, (&cell.source.text(), number), &mut content, &mut imports);
        }
    }
    content.imports = imports.into_iter().map(str::to_owned).collect();
    Observed::Seen(content)
}

fn look_at_cell(
    root: &Root,
    (source, cell): (&str, u32),
    content: &mut NotebookContent,
    imports: &mut BTreeSet<&'static str>,
) {
    for line in code::lines(source) {
        imports.extend(imported(&line.text));
        for what in baked::of(root, &line) {
            if content.baked.len() >= MOST {
                content.more += 1;
                continue;
            }
            let text = cut(source.lines().nth(line.number.saturating_sub(1)).unwrap_or_default().trim());
            let number = u32::try_from(line.number).unwrap_or(u32::MAX);
            content.baked.push(Baked { cell, line: number, what, text });
        }
    }
}

/// The frameworks that a line imports.
fn imported(line: &str) -> Vec<&'static str> {
    let line = line.trim_start();
    let modules = match (line.strip_prefix("import "), line.strip_prefix("from ")) {
        (Some(modules), _) => modules,
        (None, Some(module)) => module.split(" import").next().unwrap_or_default(),
        (None, None) => return Vec::new(),
    };
    let names =
        modules.split([',', ';']).filter_map(|name| name.split_whitespace().next()?.split('.').next());
    names.filter_map(|name| FRAMEWORKS.into_iter().find(|known| *known == name)).collect()
}

/// The beginning of a text, on one line.
fn cut(text: &str) -> String {
    let clean = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut cut: String = text.chars().take(LONGEST).map(clean).collect();
    if text.chars().nth(LONGEST).is_some() {
        cut.push('…');
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_those_of_frameworks() {
        for (line, expected) in [
            ("import tensorflow as tf", vec!["tensorflow"]),
            ("import numpy as np, torch", vec!["torch"]),
            ("    from jax import numpy as jnp", vec!["jax"]),
            ("from torch.utils.data import DataLoader", vec!["torch"]),
            ("import torchvision", vec![]),
            ("important = torch", vec![]),
        ] {
            assert_eq!(imported(line), expected, "{line}");
        }
    }
}

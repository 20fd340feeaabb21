//! Lists the files of checks, causes and texts, so that adding one is adding a file.

#![expect(clippy::disallowed_methods, reason = "a build script looks at files; the crate it builds does not")]

use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// Folders of checks, in the order in which a machine works.
const LAYERS: &[&str] = &[
    "pci",
    "module",
    "nvml",
    "driver",
    "compute",
    "libraries",
    "frameworks",
    "notebooks",
    "performance",
    "load",
    "next_boot",
    "updates",
    "clones",
    "classroom",
    "target",
];

fn main() {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let mut text = String::new();
    let checks: Vec<_> = LAYERS.iter().map(|layer| (*layer, files(&here.join(layer)))).collect();
    let causes = files(&here.join("causes"));
    for (folder, files) in checks.iter().map(|(layer, files)| (*layer, files)).chain([("causes", &causes)]) {
        let _ = writeln!(text, "mod {folder} {{");
        for file in files {
            let _ = writeln!(
                text,
                "    #[path = \"{}\"]
    pub(super) mod {};",
                file.path.display(),
                file.name
            );
        }
        text += "}\n";
    }
    text += "/// Every check, by layer and name.\n";
    text += "static BY_NAME: &[Registered<Check>] = &[\n";
    for (layer, files) in &checks {
        for file in files {
            text += &file.entry(&format!("{layer}.{}", file.name), &format!("{layer}::{}::CHECK", file.name));
        }
    }
    text += "];\n/// Every cause, by name.\npub static CAUSES: &[Registered<Cause>] = &[\n";
    for file in &causes {
        text += &file.entry(&file.name.replace('_', "-"), &format!("causes::{}::CAUSE", file.name));
    }
    text += "];\n";
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("registry.rs"), text).expect("OUT_DIR is writable");
    let texts: String = [("en", "ENGLISH_FILES"), ("ko", "KOREAN_FILES")]
        .iter()
        .map(|(folder, table)| texts_of(&here.join("texts").join(folder), table))
        .collect();
    fs::write(out.join("texts.rs"), texts).expect("OUT_DIR is writable");
}

/// The files of one language as a table: name, text.
fn texts_of(folder: &Path, table: &str) -> String {
    let language = folder.file_name().expect("a folder has a name").display();
    let mut text = format!("static {table}: &[(&str, &str)] = &[\n");
    for path in paths(folder, "toml") {
        let name = path.file_name().expect("a file has a name").display();
        let path = path.to_string_lossy();
        let _ = writeln!(text, "    (\"{language}/{name}\", include_str!({path:?})),");
    }
    text + "];\n"
}

struct File {
    path: PathBuf,
    name: String,
    manual: String,
}

impl File {
    fn entry(&self, id: &str, item: &str) -> String {
        let title = self.manual.lines().next().unwrap_or_default().trim_end_matches('.');
        format!(
            "    Registered {{ id: {id:?}, title: {title:?}, manual: {:?}, item: &{item} }},\n",
            self.manual
        )
    }
}

fn files(folder: &Path) -> Vec<File> {
    let file = |path: PathBuf| {
        let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        let manual = manual(&fs::read_to_string(&path).expect("a readable file"));
        File { path, name, manual }
    };
    paths(folder, "rs").into_iter().map(file).collect()
}

/// The files in a folder whose names end so, by name.
fn paths(folder: &Path, extension: &str) -> Vec<PathBuf> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    paths.sort();
    for path in &paths {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    paths
}

/// The doc comment that a file begins with.
fn manual(source: &str) -> String {
    source
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect::<Vec<_>>()
        .join("\n")
}

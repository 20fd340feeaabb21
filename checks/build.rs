//! Lists the files of checks and causes, so that adding one is adding a file.

#![expect(clippy::disallowed_methods, reason = "a build script looks at files; the crate it builds does not")]

use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// Folders of checks, in the order in which a machine works.
const LAYERS: [&str; 7] = ["pci", "module", "nvml", "driver", "compute", "frameworks", "notebooks"];

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
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files: Vec<File> = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| {
            println!("cargo::rerun-if-changed={}", path.display());
            let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
            let manual = manual(&fs::read_to_string(&path).expect("a readable file"));
            File { path, name, manual }
        })
        .collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
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

//! The kernels that root's notebook may be run in.
//!
//! Invariants: every specification counts that Jupyter could take by the name, wherever it lies; what it starts must be
//! root's, with all that its command and its variables lead to.
//!
//! Source: `nbclient/client.py` (`create_kernel_manager`: a notebook that names none gets Jupyter's own), `jupyter_client/
//! kernelspec.py` (names are lowercased, `NATIVE_KERNEL_NAME`), `jupyter_core/paths.py`.

use crate::{
    probe::{
        frameworks::{self, Vouched},
        notebooks,
    },
    root::Root,
};
use gpucheck_checks::fact::{Notebooks, Program};
use std::path::{Path, PathBuf};

/// What a notebook gets that names none.
const NATIVE: &str = "python3";

/// A specification that a notebook may get.
#[derive(Debug)]
pub(super) struct Named<'a> {
    folder: String,
    /// What it starts; none where nobody has looked.
    program: Option<&'a Program>,
}

/// Those that a notebook may get by this name.
pub(super) fn named<'a>(
    name: Option<&str>,
    known: &'a Notebooks,
    jupyter: &Path,
    home: Option<&Path>,
) -> Vec<Named<'a>> {
    let name = name.unwrap_or(NATIVE).to_lowercase();
    let of_known = known.kernelspecs.iter().filter(|spec| spec.name.to_lowercase() == name);
    let mut named: Vec<Named<'_>> =
        of_known.map(|spec| Named { folder: spec.folder.clone(), program: Some(&spec.program) }).collect();
    let root = Root::new("/");
    for kernels in places(jupyter, home).iter().map(|place| place.join("kernels").display().to_string()) {
        for found in root.names(&kernels).into_iter().filter(|found| found.to_lowercase() == name) {
            let folder = format!("{kernels}/{found}");
            let is_new = named.iter().all(|known| known.folder != folder);
            if is_new && root.exists(&format!("{folder}/kernel.json")) {
                named.push(Named { folder, program: None });
            }
        }
    }
    named
}

/// Where the Jupyter of this Python looks for root's.
fn places(jupyter: &Path, home: Option<&Path>) -> Vec<PathBuf> {
    let own = home.into_iter().flat_map(|home| [home.join(".local/share/jupyter"), home.join(".ipython")]);
    let prefix = prefix(jupyter).map(|prefix| Path::new(&prefix).join("share/jupyter"));
    let system = ["/usr/local/share/jupyter", "/usr/share/jupyter"].map(PathBuf::from);
    own.chain(prefix).chain(system).collect()
}

fn prefix(jupyter: &Path) -> Option<String> {
    notebooks::prefix_of(&jupyter.to_string_lossy())
}

impl Named<'_> {
    /// Why root may not start it in the folder `here`, if it may not.
    pub(super) fn may_be_roots(&self, here: &Path, jupyter: &Path, vouched: &Vouched) -> Result<(), String> {
        let file = Path::new(&self.folder).join("kernel.json");
        frameworks::only_root_writes(&file)?;
        let untold = |why: &str| {
            format!("gpucheck runs as root, and what {} starts cannot be told: {why}", file.display())
        };
        let (words, variables) = notebooks::all_of(&Root::new("/"), &self.folder)
            .ok_or_else(|| untold("its command cannot be read"))?;
        let prefix = prefix(jupyter);
        let whole = |word: &String| {
            let word = word.replace("{resource_dir}", &self.folder);
            prefix.as_ref().map_or(word.clone(), |prefix| word.replace("{prefix}", prefix))
        };
        let words: Vec<String> = words.iter().map(whole).collect();
        if let Some(program) = self.program(&words).map_err(|why| untold(&why))?
            && !frameworks::vouch(Path::new(program), &[])?.is_root()
        {
            return Err(format!("gpucheck runs as root, and {program} is another user's"));
        }
        frameworks::only_root_leads(&words, &variables, here, vouched)
    }

    /// The program that it starts; none for the Python of Jupyter itself.
    fn program<'a>(&'a self, words: &'a [String]) -> Result<Option<&'a str>, String> {
        match (self.program, words.first().map(String::as_str)) {
            (Some(Program::File { path, .. }), _) => Ok(Some(path)),
            (Some(Program::Untold { why }), _) => Err(why.clone()),
            (Some(Program::OfServer), _) | (None, Some("python" | "python3")) => Ok(None),
            (None, Some(path)) if path.starts_with('/') => Ok(Some(path)),
            (None, _) => Err("it is looked for on a path".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpucheck_checks::fact::{Kernelspec, Observed};
    use std::fs;

    fn folders<'a>(named: &'a [Named<'_>]) -> Vec<&'a str> {
        named.iter().map(|kernel| kernel.folder.as_str()).collect()
    }

    #[test]
    fn names_are_those_that_jupyter_takes() {
        let spec = |name: &str| Kernelspec {
            name: name.to_owned(),
            folder: format!("/nowhere/{name}"),
            spec: Observed::not_probed("no need"),
            program: Program::OfServer,
            environment: None,
            activates: None,
            user: None,
        };
        let home = tempfile::tempdir().unwrap();
        let own = home.path().join(".local/share/jupyter/kernels/Kim");
        fs::create_dir_all(&own).unwrap();
        fs::write(own.join("kernel.json"), "{}").unwrap();
        let known = Notebooks { kernelspecs: vec![spec("python3"), spec("kim")], ..Notebooks::default() };
        let named = |name| named(name, &known, Path::new("/nowhere/bin/python"), Some(home.path()));
        let kims = ["/nowhere/kim", own.to_str().unwrap()];
        // Python lowercases the sign of Kelvin, U+212A, to a k.
        for name in ["kim", "KIM", "\u{212a}im"] {
            assert_eq!(folders(&named(Some(name))), kims, "{name}");
        }
        for name in [None, Some("python3"), Some("Python3")] {
            assert_eq!(folders(&named(name)).first(), Some(&"/nowhere/python3"), "{name:?}");
        }
        assert_eq!(folders(&named(Some("no-such-kernel"))), [""; 0]);
    }

    #[test]
    fn what_starts_must_be_told() {
        let words = |word: &str| vec![word.to_owned()];
        let of = |program: Option<&Program>, word: &str| {
            let kernel = Named { folder: String::new(), program };
            kernel.program(&words(word)).map(|program| program.map(str::to_owned))
        };
        let untold = Program::Untold { why: "R is not on the path of this shell".to_owned() };
        assert!(of(Some(&untold), "R").is_err());
        assert!(of(None, "R").is_err());
        assert_eq!(of(Some(&Program::OfServer), "python"), Ok(None));
        assert_eq!(of(None, "python3"), Ok(None));
        assert_eq!(of(None, "/usr/bin/R"), Ok(Some("/usr/bin/R".to_owned())));
    }
}

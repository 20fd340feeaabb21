//! What a framework's libraries want, gone through as the dynamic loader does, without loading one.
//!
//! Invariants: each library is looked at once, by its name, as the loader does; their number is bounded; headers alone are
//! read; of another processor's libraries none counts.
//! Source: ld.so(8); `_preload_cuda_deps` in torch/__init__.py.

use super::{Ask, elf, elf::Wants, leftovers::inherited, libraries::is_cuda_library, loader::Loader};
use crate::root::Root;
use gpucheck_checks::fact::{
    FoundLibrary, Interpreter, LinkedLibraries, LoaderRule, MissingLibrary, Observed, Torch,
};
use std::{
    collections::{BTreeSet, VecDeque},
    fs, io,
};

/// Most libraries that are gone through; PyTorch with CUDA has about sixty.
const MOST: usize = 512;
/// Most folders of one search path.
const MOST_FOLDERS: usize = 64;
/// What `import torch` loads first, as far as it is there.
const ROOTS: [&str; 3] = ["libtorch_global_deps.so", "libtorch_cuda.so", "libtorch_python.so"];

/// What the libraries of this PyTorch want.
pub(super) fn of_torch(
    torch: &Torch,
    interpreter: &Interpreter,
    sys_path: &[String],
    ask: &Ask,
) -> Observed<LinkedLibraries> {
    if torch.cuda().is_none() {
        return Observed::not_probed("it was built without CUDA");
    }
    let roots = ROOTS.map(|library| format!("{}/lib/{library}", torch.package));
    let mut walk = Walk::of(interpreter, sys_path, ask);
    if walk.begin(&roots) {
        Observed::Seen(walk.told())
    } else {
        Observed::not_probed("its libraries are not where PyTorch's are")
    }
}

/// Folders of NVIDIA's wheels: what the loader does not find there by itself, PyTorch loads from there.
fn preloaded(sys_path: &[String]) -> Vec<String> {
    let files = Root::new("/");
    let mut folders = Vec::new();
    for site in sys_path.iter().filter(|site| site.starts_with('/')).take(MOST_FOLDERS) {
        let parts = files.names(&format!("{site}/nvidia"));
        folders.extend(parts.iter().take(MOST_FOLDERS).map(|part| format!("{site}/nvidia/{part}/lib")));
    }
    folders
}

/// A library to look at.
struct Open {
    path: String,
    wants: Wants,
    /// `DT_RPATH` of those that led to it, the nearest first.
    above: Vec<String>,
}

impl Open {
    /// The folders of its `DT_RPATH`, which a `DT_RUNPATH` takes out of force.
    fn own_rpath(&self) -> Vec<String> {
        folders(self.wants.rpath.as_deref().filter(|_| self.wants.runpath.is_none()), &self.path)
    }
}

/// When a framework itself loads from NVIDIA's wheels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wheels {
    /// Before all else, as JAX does.
    First,
    /// What the loader does not find, as PyTorch does.
    Last,
    /// Not by itself.
    Never,
}

/// A walk through what libraries want.
pub(super) struct Walk {
    files: Root,
    loader: Loader,
    library_path: Vec<String>,
    preloaded: Vec<String>,
    /// When the folders of NVIDIA's wheels come.
    wheels: Wheels,
    /// The interpreter's own processor, and its `DT_RPATH`, which counts for all that it loads.
    machine: Option<u64>,
    rpath: Vec<String>,
    known: BTreeSet<String>,
    open: VecDeque<Open>,
    told: LinkedLibraries,
}

impl Walk {
    /// A walk with the variables and the interpreter of a Python.
    pub(super) fn of(interpreter: &Interpreter, sys_path: &[String], ask: &Ask) -> Self {
        let library_path = inherited(&ask.environment, "LD_LIBRARY_PATH").unwrap_or_default();
        let mut walk = Self::new(&ask.system, &library_path.to_string_lossy(), preloaded(sys_path));
        // Of a program the loader knows the file that links lead to.
        let program = fs::canonicalize(&interpreter.executable).ok();
        walk.start(program.as_ref().and_then(|program| program.to_str()).unwrap_or(&interpreter.executable));
        walk
    }

    /// Of a framework that does otherwise with NVIDIA's wheels than PyTorch.
    pub(super) fn with(mut self, wheels: Wheels) -> Self {
        self.wheels = wheels;
        self
    }

    /// Begins with a framework's own libraries; false where none of them is there.
    pub(super) fn begin(&mut self, roots: &[String]) -> bool {
        let before = self.known.len();
        for library in roots {
            self.start(library);
        }
        self.known.len() > before
    }

    /// A library that a framework's own open by its name (`dlopen`): the search paths are those of the openers.
    pub(super) fn opens(&mut self, name: &str, openers: &[String]) {
        let (mut rpath, mut runpath, mut by) = (Vec::new(), Vec::new(), None);
        for path in openers {
            let Some(wants) = self.read(path) else { continue };
            let open = Open { path: path.clone(), wants, above: Vec::new() };
            rpath.extend(open.own_rpath());
            runpath.extend(folders(open.wants.runpath.as_deref(), path));
            by.get_or_insert_with(|| path.clone());
        }
        rpath.extend(self.rpath.iter().cloned());
        if let Some(by) = by {
            self.take(name, &by, (&rpath, &rpath), &runpath);
        }
    }

    /// Where the interpreter itself would find a library.
    pub(super) fn by_interpreter(&self, name: &str) -> Option<(String, LoaderRule)> {
        self.find(name, &self.rpath, &[]).map(|(path, _, rule)| (path, rule))
    }

    /// What there is to tell, after the last library.
    pub(super) fn told(mut self) -> LinkedLibraries {
        self.go();
        self.told
    }

    fn new(system: &Root, library_path: &str, preloaded: Vec<String>) -> Self {
        let library_path = library_path.split([':', ';']).filter(|folder| folder.starts_with('/'));
        Self {
            files: Root::new("/"),
            loader: Loader::of(system),
            library_path: library_path.map(str::to_owned).collect(),
            preloaded,
            wheels: Wheels::Last,
            machine: None,
            rpath: Vec::new(),
            known: BTreeSet::new(),
            open: VecDeque::new(),
            told: LinkedLibraries::default(),
        }
    }

    /// Begins with a file: the interpreter first, then what it is made to load.
    fn start(&mut self, path: &str) {
        let Some(wants) = self.read(path) else { return };
        let name = path.rsplit('/').next().unwrap_or(path);
        self.known.insert(wants.soname.clone().unwrap_or_else(|| name.to_owned()));
        let open = Open { path: path.to_owned(), wants, above: self.rpath.clone() };
        if self.machine.is_none() {
            self.machine = Some(open.wants.machine);
            self.rpath = open.own_rpath();
        }
        self.open.push_back(open);
    }

    fn read(&self, path: &str) -> Option<Wants> {
        let wants = elf::wants(&mut self.files.open(path).ok()?).ok()?;
        self.machine.is_none_or(|machine| machine == wants.machine).then_some(wants)
    }

    fn go(&mut self) {
        while let Some(open) = self.open.pop_front() {
            // RUNPATH takes the place of every RPATH, of those above as well.
            let runpath = folders(open.wants.runpath.as_deref(), &open.path);
            let mut rpath = open.own_rpath();
            rpath.extend(open.above.iter().cloned());
            let searched = if open.wants.runpath.is_none() { rpath.as_slice() } else { &[] };
            for name in &open.wants.needed {
                self.take(name, &open.path, (searched, &rpath), &runpath);
            }
        }
    }

    /// Takes in what a library wants; the first search path is its own, the second counts for what is found.
    fn take(&mut self, name: &str, by: &str, (searched, rpath): (&[String], &[String]), runpath: &[String]) {
        if self.known.len() >= MOST || !self.known.insert(name.to_owned()) {
            return;
        }
        match self.find(name, searched, runpath) {
            Some((path, wants, rule)) => {
                self.known.extend(wants.soname.clone());
                if is_cuda_library(name) {
                    self.told.found.push(FoundLibrary { name: name.to_owned(), path: path.clone(), rule });
                }
                self.open.push_back(Open { path, wants, above: rpath.to_vec() });
            }
            None if is_of_driver(name) || self.is_hidden(name, searched, runpath) => {}
            None => {
                self.told.missing.push(MissingLibrary { name: name.to_owned(), wanted_by: by.to_owned() });
            }
        }
    }

    fn find(&self, name: &str, rpath: &[String], runpath: &[String]) -> Option<(String, Wants, LoaderRule)> {
        let mut all = self.candidates(name, rpath, runpath);
        all.find_map(|(path, rule)| self.read(&path).map(|wants| (path, wants, rule)))
    }

    /// Whether one of these may be there, and the asking user may not look.
    fn is_hidden(&self, name: &str, rpath: &[String], runpath: &[String]) -> bool {
        let denied = |(path, _): (String, LoaderRule)| {
            let opened = self.files.open(&path);
            opened.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
        };
        self.candidates(name, rpath, runpath).any(denied)
    }

    /// The paths that the loader tries for a name, in its order.
    fn candidates<'b>(
        &'b self,
        name: &'b str,
        rpath: &'b [String],
        runpath: &'b [String],
    ) -> impl Iterator<Item = (String, LoaderRule)> + 'b {
        let all = |folders: &'b [String], rule| folders.iter().map(move |folder| (folder.as_str(), rule));
        let library_path = self.library_path.iter().map(|folder| (folder.as_str(), LoaderRule::LibraryPath));
        let first =
            all(rpath, LoaderRule::Rpath).chain(library_path).chain(all(runpath, LoaderRule::Runpath));
        let within =
            move |(folder, rule): (&str, _)| (format!("{}/{name}", folder.trim_end_matches('/')), rule);
        let cache = self.loader.cached(name).map(|path| (path, LoaderRule::Cache));
        let own = Loader::own(name).map(|path| (path, LoaderRule::Default));
        let wheels = |when| all(&self.preloaded, LoaderRule::Preloaded).filter(move |_| self.wheels == when);
        let before = wheels(Wheels::First).chain(first);
        before.map(within).chain(cache).chain(own).chain(wheels(Wheels::Last).map(within))
    }
}

/// The folders of a search path; `$ORIGIN` is the folder of the library that has it, as it was found: the loader follows
/// no link to a library for it.
fn folders(search_path: Option<&str>, library: &str) -> Vec<String> {
    let origin = library.rsplit_once('/').map_or("/", |(folder, _)| folder);
    let entries = search_path.unwrap_or_default().split(':').filter(|entry| !entry.is_empty());
    let mut known = BTreeSet::new();
    let each_once = entries.filter(|entry| known.insert(*entry));
    let expanded = each_once.map(|entry| entry.replace("${ORIGIN}", origin).replace("$ORIGIN", origin));
    expanded.filter(|folder| folder.starts_with('/')).take(MOST_FOLDERS).collect()
}

/// What a driver brings: where it is missing, that is no trouble of the environment's.
fn is_of_driver(name: &str) -> bool {
    ["libcuda.so", "libnvidia-", "libnvcuvid.so"].iter().any(|start| name.starts_with(start))
}

#[cfg(test)]
mod tests;

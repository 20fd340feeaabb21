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
    let library_path = inherited(&ask.environment, "LD_LIBRARY_PATH").unwrap_or_default();
    let library_path = library_path.to_string_lossy();
    let mut walk = Walk::new(&ask.system, &library_path, preloaded(sys_path));
    // Of a program the loader knows the file that links lead to.
    let program = fs::canonicalize(&interpreter.executable).ok();
    walk.start(program.as_ref().and_then(|program| program.to_str()).unwrap_or(&interpreter.executable));
    let before = walk.known.len();
    for library in ROOTS {
        walk.start(&format!("{}/lib/{library}", torch.package));
    }
    if walk.known.len() == before {
        return Observed::not_probed("its libraries are not where PyTorch's are");
    }
    walk.go();
    Observed::Seen(walk.told)
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

struct Walk<'a> {
    files: Root,
    loader: Loader,
    library_path: Vec<&'a str>,
    preloaded: Vec<String>,
    /// The interpreter's own processor, and its `DT_RPATH`, which counts for all that it loads.
    machine: Option<u64>,
    rpath: Vec<String>,
    known: BTreeSet<String>,
    open: VecDeque<Open>,
    told: LinkedLibraries,
}

impl<'a> Walk<'a> {
    fn new(system: &Root, library_path: &'a str, preloaded: Vec<String>) -> Self {
        Self {
            files: Root::new("/"),
            loader: Loader::of(system),
            library_path: library_path.split([':', ';']).filter(|folder| folder.starts_with('/')).collect(),
            preloaded,
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
                if self.known.len() >= MOST || !self.known.insert(name.clone()) {
                    continue;
                }
                match self.find(name, searched, &runpath) {
                    Some((path, wants, rule)) => {
                        self.known.extend(wants.soname.clone());
                        if is_cuda_library(name) {
                            self.told.found.push(FoundLibrary {
                                name: name.clone(),
                                path: path.clone(),
                                rule,
                            });
                        }
                        self.open.push_back(Open { path, wants, above: rpath.clone() });
                    }
                    None if is_of_driver(name) || self.is_hidden(name, searched, &runpath) => {}
                    None => {
                        let wanted_by = open.path.clone();
                        self.told.missing.push(MissingLibrary { name: name.clone(), wanted_by });
                    }
                }
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
        let library_path = self.library_path.iter().map(|folder| (*folder, LoaderRule::LibraryPath));
        let first =
            all(rpath, LoaderRule::Rpath).chain(library_path).chain(all(runpath, LoaderRule::Runpath));
        let within =
            move |(folder, rule): (&str, _)| (format!("{}/{name}", folder.trim_end_matches('/')), rule);
        let cache = self.loader.cached(name).map(|path| (path, LoaderRule::Cache));
        let own = Loader::own(name).map(|path| (path, LoaderRule::Default));
        let last = all(&self.preloaded, LoaderRule::Preloaded);
        first.map(within).chain(cache).chain(own).chain(last.map(within))
    }
}

/// The folders of a search path; `$ORIGIN` is the folder of the library that has it, as it was found: the loader follows
/// no link to a library for it.
fn folders(search_path: Option<&str>, library: &str) -> Vec<String> {
    let origin = library.rsplit_once('/').map_or("/", |(folder, _)| folder);
    let entries = search_path.unwrap_or_default().split(':').filter(|entry| !entry.is_empty());
    let expanded = entries.map(|entry| entry.replace("${ORIGIN}", origin).replace("$ORIGIN", origin));
    expanded.filter(|folder| folder.starts_with('/')).take(MOST_FOLDERS).collect()
}

/// What a driver brings: where it is missing, that is no trouble of the environment's.
fn is_of_driver(name: &str) -> bool {
    ["libcuda.so", "libnvidia-", "libnvcuvid.so"].iter().any(|start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpucheck_checks::fact::TorchBuild;
    use std::{path::Path, process::Command};

    /// A library of the least that is one: what it wants, and nothing else (ELF gABI).
    fn library(needed: &[&str], rpath: Option<&str>, runpath: Option<&str>) -> Vec<u8> {
        let (mut names, mut entries) = (vec![0], Vec::new());
        let tagged = needed.iter().map(|name| (1_u64, *name));
        for (tag, text) in tagged.chain(rpath.map(|path| (15, path))).chain(runpath.map(|path| (29, path))) {
            entries.push((tag, names.len() as u64));
            names.extend(text.bytes().chain([0]));
        }
        let (dynamic, strings) = (64 + 2 * 56, 64 + 2 * 56 + 16 * (entries.len() as u64 + 2));
        entries.extend([(5, strings), (0, 0)]);
        let mut file = b"\x7fELF\x02\x01\x01".to_vec();
        file.resize(64, 0);
        file[0x12] = 62;
        file[0x20] = 64;
        file[0x36] = 56;
        file[0x38] = 2;
        let whole = strings + names.len() as u64;
        for (kind, at, size) in [(1_u32, 0, whole), (2, dynamic, strings - dynamic)] {
            file.extend(kind.to_le_bytes().into_iter().chain([0; 4]));
            file.extend([at, at, at, size, size, 8].into_iter().flat_map(u64::to_le_bytes));
        }
        file.extend(entries.into_iter().flat_map(|(tag, value)| [tag, value]).flat_map(u64::to_le_bytes));
        file.extend(names);
        file
    }

    struct Site(tempfile::TempDir);

    impl Site {
        fn new(files: &[(&str, Vec<u8>)]) -> Self {
            let tree = tempfile::tempdir().unwrap();
            for (path, content) in files {
                let path = tree.path().join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, content).unwrap();
            }
            Self(tree)
        }

        fn path(&self, path: &str) -> String {
            self.0.path().canonicalize().unwrap().join(path).to_str().unwrap().to_owned()
        }

        fn linked(&self, library_path: &str) -> LinkedLibraries {
            let torch = Torch {
                package: self.path("site/torch"),
                distribution: None,
                conda_build: None,
                build: Observed::Seen(TorchBuild { cuda: Some("12.4".to_owned()), ..TorchBuild::default() }),
                architectures: Observed::not_probed(""),
                requirements: Vec::new(),
                libraries: Observed::not_probed(""),
                devices: Observed::not_probed(""),
                log: String::new(),
                elapsed_ms: 0,
                operations: Observed::not_probed(""),
            };
            let environment = super::super::Environment {
                changes: vec![("LD_LIBRARY_PATH".into(), Some(library_path.into()))],
                ..Default::default()
            };
            let ask = Ask { system: Root::new(self.path("system")), ..Ask::new(environment) };
            let interpreter = Interpreter { executable: self.path("bin/python"), ..Interpreter::default() };
            of_torch(&torch, &interpreter, &[self.path("site")], &ask).seen().unwrap().clone()
        }
    }

    fn rules(linked: &LinkedLibraries) -> Vec<(&str, LoaderRule)> {
        linked.found.iter().map(|found| (found.name.as_str(), found.rule)).collect()
    }

    /// ld.so(8), "the shared objects ... are searched for in the following order".
    #[test]
    fn libraries_are_found_in_the_order_of_the_loader() {
        let plain = || library(&[], None, None);
        let site = Site::new(&[
            ("bin/python", plain()),
            (
                "site/torch/lib/libtorch_cuda.so",
                library(
                    &[
                        "libcublas.so.12",
                        "libcusparse.so.12",
                        "libcudnn.so.9",
                        "libcuda.so.1",
                        "libnccl.so.2",
                    ],
                    Some("$ORIGIN/../../nvidia/cublas/lib:$ORIGIN/../../nvidia/cusparse/lib"),
                    None,
                ),
            ),
            ("site/nvidia/cublas/lib/libcublas.so.12", plain()),
            ("other/libcublas.so.12", plain()),
            // RPATH holds for what such a library wants as well; RUNPATH takes it out of force.
            (
                "site/nvidia/cusparse/lib/libcusparse.so.12",
                library(&["libnvJitLink.so.12"], None, Some("$ORIGIN")),
            ),
            ("site/nvidia/cusparse/lib/libnvJitLink.so.12", plain()),
            ("other/libnvJitLink.so.12", plain()),
            ("site/nvidia/nccl/lib/libnccl.so.2", plain()),
        ]);
        let linked = site.linked(&site.path("other"));
        assert_eq!(
            rules(&linked),
            [
                ("libcublas.so.12", LoaderRule::Rpath),
                ("libcusparse.so.12", LoaderRule::Rpath),
                ("libnccl.so.2", LoaderRule::Preloaded),
                ("libnvJitLink.so.12", LoaderRule::LibraryPath),
            ]
        );
        let wanted_by = site.path("site/torch/lib/libtorch_cuda.so");
        assert_eq!(linked.missing, [MissingLibrary { name: "libcudnn.so.9".to_owned(), wanted_by }]);
        assert_eq!(rules(&site.linked(""))[3], ("libnvJitLink.so.12", LoaderRule::Runpath));
    }

    #[test]
    fn libraries_that_want_each_other_or_are_none_end_the_walk() {
        let site = Site::new(&[
            ("bin/python", library(&[], Some("$ORIGIN/../lib"), None)),
            ("site/torch/lib/libtorch_cuda.so", library(&["liba.so", "libcudart.so.12"], None, None)),
            ("lib/liba.so", library(&["libb.so"], None, None)),
            ("lib/libb.so", library(&["liba.so", "libtorch_cuda.so"], None, None)),
            ("lib/libcudart.so.12", b"\x7fELF\x01 of 32 bits".to_vec()),
        ]);
        let missing: Vec<_> = site.linked("").missing.into_iter().map(|missing| missing.name).collect();
        assert_eq!(missing, ["libcudart.so.12"]);
    }

    /// As uv installs with `--link-mode symlink`, and as every virtual environment has its interpreter.
    #[test]
    fn a_link_to_a_library_is_no_place_and_one_to_an_interpreter_is() {
        let site = Site::new(&[
            ("base/bin/python", library(&[], Some("$ORIGIN/../lib"), None)),
            ("base/lib/libcurand.so.10", library(&[], None, None)),
            ("bin/x", Vec::new()),
            (
                "cache/libtorch_cuda.so",
                library(&["libcurand.so.10", "libcufft.so.11"], Some("$ORIGIN"), None),
            ),
            ("cache/libcurand.so.10", library(&["libnccl.so.2"], None, None)),
            ("site/torch/lib/libcufft.so.11", library(&[], None, None)),
        ]);
        let link = |to: &str, at: &str| std::os::unix::fs::symlink(site.path(to), site.path(at)).unwrap();
        link("base/bin/python", "bin/python");
        link("cache/libtorch_cuda.so", "site/torch/lib/libtorch_cuda.so");
        let linked = site.linked("");
        let paths: Vec<_> = linked.found.iter().map(|found| found.path.clone()).collect();
        let lib = site.path("site/torch/lib/libcufft.so.11");
        assert_eq!(linked.missing, [], "{paths:?}");
        assert_eq!(paths.len(), 2);
        assert!(paths[0].ends_with("lib/libcurand.so.10") && !paths[0].contains("cache"), "{paths:?}");
        assert_eq!(paths[1], lib);
    }

    /// The loader of this machine, asked by `ldd`, finds the same files.
    #[test]
    fn real_programs_find_what_ldd_says() {
        let programs = ["/bin/bash", "/usr/bin/git", "/usr/bin/perl", "/usr/bin/ssh"];
        let mut compared = 0;
        for program in programs.into_iter().filter(|program| Path::new(program).exists()) {
            let Ok(printed) = Command::new("ldd").arg(program).env_remove("LD_LIBRARY_PATH").output() else {
                println!("skipped: no ldd here");
                return;
            };
            let printed = String::from_utf8(printed.stdout).unwrap();
            let mut walk = Walk::new(&Root::new("/"), "", Vec::new());
            walk.start(program);
            walk.go();
            assert_eq!(walk.told.missing, [], "{program}");
            for line in printed.lines() {
                let Some((name, _)) = line.trim().split_once(" => /") else { continue };
                assert!(walk.known.contains(name), "{program}: {name}");
                compared += 1;
            }
        }
        assert!(compared > 0);
    }
}

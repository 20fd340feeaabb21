//! The walk through libraries of the least that is one, and of this machine's.

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
                &["libcublas.so.12", "libcusparse.so.12", "libcudnn.so.9", "libcuda.so.1", "libnccl.so.2"],
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
        ("cache/libtorch_cuda.so", library(&["libcurand.so.10", "libcufft.so.11"], Some("$ORIGIN"), None)),
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

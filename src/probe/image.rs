//! What an image is: for which processor, and whether it starts as a machine of its own.
//!
//! Invariant: headers of a few files are read, and nothing is run.

use crate::root::Root;
use gpucheck_checks::fact::{Image, Observed};

/// Files that every image has one of, and that are for the image's own processor.
const PROGRAMS: [&str; 7] = [
    "/bin/sh",
    "/usr/bin/env",
    "/bin/busybox",
    "/usr/bin/bash",
    "/lib64/ld-linux-x86-64.so.2",
    "/lib/ld-linux-aarch64.so.1",
    "/sbin/init",
];
/// What starts a machine.
const INIT: [&str; 4] = ["/usr/lib/systemd/systemd", "/lib/systemd/systemd", "/sbin/init", "/usr/sbin/init"];

/// Looks at an image.
pub fn look(root: &Root) -> Image {
    let mut told = PROGRAMS.iter().filter_map(|path| machine(root, path));
    let untold = || Observed::not_probed("no shell and no loader of it could be read");
    Image {
        mounted: !root.is_this_machine(),
        architecture: told.next().map_or_else(untold, |name| Observed::Seen(name.to_owned())),
        has_init: INIT.iter().any(|path| root.is_file(path)),
    }
}

/// The processor that a program is for, as `uname -m` prints it; none where it is no program, or for another one.
///
/// Source: ELF gABI, "ELF Header": `e_ident`, `e_machine` at 18.
fn machine(root: &Root, path: &str) -> Option<&'static str> {
    let header = root.bytes(path, 20).ok()?;
    let [0x7f, b'E', b'L', b'F', class, order, _, _, _, _, _, _, _, _, _, _, _, _, low, high] =
        *header.as_slice()
    else {
        return None;
    };
    let machine = if order == 2 { u16::from_be_bytes([low, high]) } else { u16::from_le_bytes([low, high]) };
    match (machine, class, order) {
        (62, _, _) => Some("x86_64"),
        (183, _, _) => Some("aarch64"),
        (3, _, _) => Some("i686"),
        (40, _, _) => Some("armv7l"),
        (21, 2, 1) => Some("ppc64le"),
        (243, 2, _) => Some("riscv64"),
        (22, 2, _) => Some("s390x"),
        (_, _, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(files: &[(&str, &[u8])]) -> Image {
        let folder = tempfile::tempdir().unwrap();
        for (path, bytes) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        look(&Root::new(folder.path()))
    }

    fn header(machine: u8) -> [u8; 20] {
        [0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, machine, 0]
    }

    #[test]
    fn the_processor_is_that_of_its_programs() {
        for (machine, name) in [(62, "x86_64"), (183, "aarch64"), (3, "i686")] {
            let seen = image(&[("bin/sh", &header(machine))]).architecture;
            assert_eq!(seen, Observed::Seen(name.to_owned()));
        }
        // A script, a cut file, and a processor that nobody bakes for say nothing; the next file may.
        for odd in [&b"#!/bin/busybox sh\n"[..], &header(62)[..19], &header(99)[..], b""] {
            assert!(image(&[("bin/sh", odd)]).architecture.seen().is_none());
            let seen = image(&[("bin/sh", odd), ("usr/bin/env", &header(183))]).architecture;
            assert_eq!(seen, Observed::Seen("aarch64".to_owned()));
        }
    }

    #[test]
    fn an_image_of_a_container_has_no_init() {
        assert!(!image(&[("bin/sh", &header(62))]).has_init);
        assert!(image(&[("usr/lib/systemd/systemd", &header(62))]).has_init);
    }
}

use super::*;
use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

/// A member of a cpio archive.
fn member(name: &str, content: &[u8]) -> Vec<u8> {
    let numbers = [1, 0o100_644, 0, 0, 1, 0, content.len(), 0, 0, 0, 0, name.len() + 1, 0];
    let head = numbers.map(|number| format!("{number:08X}")).concat();
    let mut bytes = format!("070701{head}{name}\0").into_bytes();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes: Vec<u8> = members.iter().flat_map(|(name, content)| member(name, content)).collect();
    bytes.extend(member("TRAILER!!!", b""));
    // cpio fills its last block up.
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

/// What a compressor of the system makes of bytes.
fn packed(program: &str, arguments: &[&str], bytes: &[u8]) -> Vec<u8> {
    let mut command = Command::new(program);
    let mut child =
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap_or_else(
            |error| panic!("{program}: {error}; tests/parts/initramfs.sh FOLDER installs it (apt: bzip2, zstd, gzip, lz4, xz-utils)"),
        );
    let mut input = child.stdin.take().unwrap();
    let bytes = bytes.to_owned();
    let writer = std::thread::spawn(move || input.write_all(&bytes));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}");
    output.stdout
}

/// What is told with as much time as a busy machine may need.
fn told(bytes: &[u8]) -> Observed<Initramfs> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    look(file, "/boot/initrd.img-6.8.0-1021-azure".to_owned(), Instant::now() + LIMIT * 20)
}

/// Noise that packs badly, so that blocks of every form are met.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0] & 0x3f
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// One whose largest module is a little longer than `length`.
fn main_archive(length: usize) -> Vec<u8> {
    let of =
        |length| [noise(length), b"\0version=535.161.08\0license=NVIDIA\0".to_vec(), noise(100_000)].concat();
    let (module, small) = (of(length), of(1000));
    archive(&[
        ("init", b"#!/bin/sh\n"),
        ("etc/modprobe.d/aliases.conf", b"alias a b\n"),
        ("usr/lib/modules/6.8.0-1021-azure/updates/dkms/nvidia.ko", &module),
        ("usr/lib/modules/6.8.0-1021-azure/updates/dkms/nvidia-uvm.ko", &small),
        ("usr/lib/modules/6.8.0-1021-azure/kernel/drivers/gpu/drm/nouveau/nouveau.ko", b"\x7fELF"),
        ("./etc/modprobe.d/nvidia-graphics-drivers.conf", b"blacklist nouveau\nalias nouveau off\n"),
    ])
}

fn is_whole(seen: &Initramfs) {
    assert_eq!(seen.nvidia.len(), 1, "{seen:?}");
    assert_eq!(seen.nvidia[0].version.as_deref(), Some("535.161.08"));
    assert!(seen.nouveau);
    assert_eq!(seen.nouveau_blacklisted_in, ["/etc/modprobe.d/nvidia-graphics-drivers.conf"]);
}

#[test]
fn every_packing_that_mkinitramfs_offers_is_read_behind_microcode() {
    let microcode = archive(&[("kernel/x86/microcode/GenuineIntel.bin", &noise(100_000))]);
    // mkinitramfs of initramfs-tools 0.142: these programs with these switches.
    let programs: [(&str, &str, &[&str]); 7] = [
        ("zstd", "zstd", &["-q", "-1", "-T0"]),
        ("gzip", "gzip", &["-n", "-9"]),
        ("lz4", "lz4", &["-9", "-l"]),
        ("xz", "xz", &["-0", "--check=crc32"]),
        ("lzma", "xz", &["--format=lzma", "-0"]),
        ("bzip2", "bzip2", &["-1"]),
        ("cpio", "cat", &[]),
    ];
    // A block of lz4's has 8 MiB.
    let main = main_archive(8 << 20);
    for (name, program, arguments) in programs {
        let bytes = [microcode.clone(), packed(program, arguments, &main)].concat();
        let told = told(&bytes);
        let Observed::Seen(seen) = &told else { panic!("{program}: {told:?}") };
        is_whole(seen);
        assert_eq!(
            (seen.packed.as_slice(), seen.files),
            (["cpio".to_owned(), name.to_owned()].as_slice(), 7)
        );
    }
}

#[test]
fn modules_that_are_packed_by_themselves_tell_their_version() {
    let module = [noise(300_000), b"\0version=550.90.07\0".to_vec()].concat();
    for (ending, program, arguments) in
        [("zst", "zstd", ["-q", "-19"]), ("xz", "xz", ["-6", "--check=crc32"]), ("gz", "gzip", ["-n", "-9"])]
    {
        let name = format!("usr/lib/modules/6.8.0-1021-azure/updates/dkms/nvidia.ko.{ending}");
        let whole = archive(&[(&name, &packed(program, &arguments, &module)), ("init", b"")]);
        let told = told(&whole);
        let Observed::Seen(seen) = &told else { panic!("{ending}: {told:?}") };
        assert_eq!((seen.nvidia[0].version.as_deref(), seen.files), (Some("550.90.07"), 2));
    }
}

#[test]
fn what_breaks_off_tells_what_was_seen_before() {
    // Some blocks of each form: they have 100 to 900 kB.
    let main = main_archive(1 << 20);
    for (program, argument) in [("xz", "--format=lzma"), ("bzip2", "--compress")] {
        let whole = packed(program, &[argument, "-1"], &main);
        let told_of = told(&whole[..whole.len() - 1000]);
        assert!(matches!(&told_of, Observed::Interrupted { seen, .. } if seen.files >= 1), "{told_of:?}");
    }
    // More than its window: of that nothing is let out before its end.
    let whole = packed("zstd", &["-q"], &main_archive(6 << 20));
    let told_of = told(&whole[..whole.len() - 1000]);
    let Observed::Interrupted { seen, by } = &told_of else { panic!("{told_of:?}") };
    assert!(seen.files >= 2 && by.step() == "read /boot/initrd.img-6.8.0-1021-azure", "{told_of:?}");
    for garbage in [
        &b""[..],
        b"garbage",
        &[0; 2000],
        b"BZh91AY",
        &[0x5d, 0, 0, 0x80, 0, 0xff],
        &[0x5d, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 1, 2, 3, 4, 5, 6],
        &[0x1f, 0x8b],
        &[0x28, 0xb5, 0x2f, 0xfd],
        &[2, 0x21, 0x4c, 0x18, 1],
    ] {
        assert!(told(garbage).failure().is_some(), "{garbage:?}");
    }
    for at in (0..whole.len()).step_by(whole.len() / 23) {
        let mut garbled = whole.clone();
        garbled[at] ^= 0xff;
        told(&garbled);
    }
}

#[test]
fn what_takes_too_long_is_left() {
    // A gigabyte of zeros behind a member's head is a few kilobytes.
    let mut bytes = member("big", b"");
    bytes[54..62].copy_from_slice(b"FFFFFFF0");
    bytes.extend(vec![0; 64 << 20]);
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&packed("gzip", &["-1"], &bytes)).unwrap();
    file.rewind().unwrap();
    let told = look(file, String::new(), Instant::now());
    assert!(matches!(told, Observed::Interrupted { by: ProbeFailure::TimedOut { .. }, .. }), "{told:?}");
}

#[test]
fn none_is_no_trouble_and_one_that_may_not_be_read_is_told() {
    let tree = tempfile::tempdir().unwrap();
    let root = Root::new(tree.path());
    assert!(matches!(read(&root, "6.8.0", None), Observed::NotProbed { .. }));
    std::fs::create_dir_all(tree.path().join("boot/initrd.img-6.8.0")).unwrap();
    assert!(read(&root, "6.8.0", None).failure().is_some());
    std::fs::write(tree.path().join("boot/other.img"), archive(&[("init", b"")])).unwrap();
    let named = read(&root, "6.8.0", Some("/other.img"));
    assert_eq!(named.seen().unwrap().path, "/boot/other.img");
}

/// What `mkinitramfs` of a Debian made, with its own list of what is in it beside it: tests/parts/initramfs.sh.
#[test]
fn a_real_initramfs_is_read_as_its_own_tools_list_it() {
    let Some(parts) = std::env::var_os("GPUCHECK_TEST_PARTS") else {
        return eprintln!("skipped: no GPUCHECK_TEST_PARTS");
    };
    let folder = Path::new(&parts).join("initramfs");
    let Ok(files) = std::fs::read_dir(&folder) else {
        return eprintln!("skipped: no {}; tests/parts/initramfs.sh makes it", folder.display());
    };
    let images: Vec<_> = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "img"))
        .collect();
    assert!(!images.is_empty());
    for image in images {
        let start = Instant::now();
        let told = look(File::open(&image).unwrap(), "/boot/it".to_owned(), start + LIMIT * 20);
        let took = start.elapsed();
        let list = std::fs::read_to_string(image.with_extension("list")).unwrap();
        let Observed::Seen(seen) = &told else { panic!("{}: {told:?}", image.display()) };
        println!("{}: {} files, {:?}, {took:?}", image.display(), seen.files, seen.packed);
        let lists = |what: &str| list.lines().any(|line| line.contains(what));
        assert_eq!(seen.files, u64::try_from(list.lines().count()).unwrap(), "{}", image.display());
        assert_eq!(seen.nouveau, lists("/nouveau.ko"), "{}", image.display());
        assert_eq!(!seen.nvidia.is_empty(), lists("/nvidia.ko"), "{}", image.display());
        assert_eq!(
            !seen.nouveau_blacklisted_in.is_empty(),
            lists("modprobe.d/blacklist-nouveau.conf"),
            "{}",
            image.display()
        );
    }
}

#[test]
fn one_that_the_menu_names_and_that_is_gone_is_told() {
    let tree = tempfile::tempdir().unwrap();
    std::fs::create_dir(tree.path().join("boot")).unwrap();
    let by = |named| super::read(&Root::new(tree.path()), "6.8.0-1021-azure", named);
    for named in ["/boot/initrd.img-6.8.0-1021-azure", "/initrd.img-6.8.0-1021-azure"] {
        assert!(by(Some(named)).why_not().contains("is not there"), "{named}");
    }
    // A menu that starts Linux without one, and Red Hat's variable for one more.
    for named in [None, Some("$tuned_initrd"), Some("/4a67b082/6.8.0/initrd")] {
        assert!(matches!(by(named), Observed::NotProbed { .. }), "{named:?}");
    }
}

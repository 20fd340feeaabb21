//! For which GPUs a PyTorch was built: the text that `torch.cuda.get_arch_list()` splits, found in the constants of
//! `libtorch_python.so`.
//!
//! Invariant: of a library that somebody else wrote, its section of constants is read and no more than `LARGEST` of it.

use super::elf::{header, number, odd, read_at};
use crate::root::Root;
use gpucheck_checks::fact::{Observed, ProbeFailure};
use std::{fs::File, io};

/// Most of a section that is read; PyTorch 2's has 3 to 8 MB.
const LARGEST: u64 = 64 << 20;
/// Most section headers that are looked at; honest libraries have some thirty.
const MOST_SECTIONS: u16 = 256;
/// Longest list of architectures, in bytes.
const LONGEST: usize = 512;

/// The `sm_XY` and `compute_XY` that the library names.
pub(super) fn of(root: &Root, path: &str) -> Observed<Vec<String>> {
    let step = "read libtorch_python.so";
    let constants = root.open(path).and_then(constants);
    match constants.map(|constants| list_in(&constants)) {
        Ok(Some(list)) => Observed::Seen(list),
        Ok(None) => Observed::Failed(ProbeFailure::Garbled {
            step: step.to_owned(),
            message: "no list of architectures in it".to_owned(),
        }),
        Err(error) => Observed::refused(step, 0, "unreadable", error.to_string()),
    }
}

/// The longest text that is made of nothing but architectures.
fn list_in(constants: &[u8]) -> Option<Vec<String>> {
    let texts = constants.split(|byte| *byte == 0).filter(|text| (5..LONGEST).contains(&text.len()));
    let lists = texts.filter(|text| text.starts_with(b"sm_") || text.starts_with(b"compute_"));
    let longest =
        lists.filter_map(|text| architectures(std::str::from_utf8(text).ok()?)).max_by_key(Vec::len);
    // A lone name may stand there for any other reason.
    longest.filter(|list| list.len() > 1)
}

fn architectures(text: &str) -> Option<Vec<String>> {
    let is_one = |word: &str| {
        let number = word.strip_prefix("sm_").or_else(|| word.strip_prefix("compute_"));
        let number = number.map(|number| number.trim_end_matches(['a', 'f']));
        number.is_some_and(|number| number.len() > 1 && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    words.iter().all(|word| is_one(word)).then(|| words.into_iter().map(str::to_owned).collect())
}

/// The section `.rodata` of a 64-bit library (ELF gABI, "Sections").
fn constants(mut file: File) -> io::Result<Vec<u8>> {
    let header = header(&mut file)?;
    let (table, size) = (number(&header, 0x28, 8)?, number(&header, 0x3a, 2)?);
    let (count, names) = (number(&header, 0x3c, 2)?, number(&header, 0x3e, 2)?);
    if size != 64 || count > u64::from(MOST_SECTIONS) || names >= count {
        return Err(odd("its sections are not those of a library"));
    }
    let sections = read_at(&mut file, table, size * count)?;
    let section = |index: u64| -> io::Result<(u64, u64, u64)> {
        let at = usize::try_from(index * size).map_err(|_| odd("too large"))?;
        Ok((number(&sections, at, 4)?, number(&sections, at + 0x18, 8)?, number(&sections, at + 0x20, 8)?))
    };
    let (_, names_at, names_size) = section(names)?;
    let names = read_at(&mut file, names_at, names_size.min(64 << 10))?;
    for index in 0..count {
        let (name, at, size) = section(index)?;
        let name = usize::try_from(name).ok().and_then(|name| names.get(name..)).unwrap_or_default();
        if name.starts_with(b".rodata\0") {
            return read_at(&mut file, at, size.min(LARGEST));
        }
    }
    Err(odd("it has no constants"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_list_counts() {
        let constants =
            b"\0sm_70\0sm_75 sm_80 sm_86 sm_90 sm_100 sm_120 compute_120\0sm_xy\0compute_90a sm_9\0";
        assert_eq!(
            list_in(constants).unwrap(),
            ["sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120", "compute_120"]
        );
        assert_eq!(list_in(b"sm_50 sm_60 "), Some(vec!["sm_50".to_owned(), "sm_60".to_owned()]));
        for text in [&b""[..], b"sm_70\0", b"sm_ sm_\0", b"sm_70 and sm_80\0", b"\xffsm_70 sm_80"] {
            assert_eq!(list_in(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_file_that_is_no_library_is_refused() {
        let tree = tempfile::tempdir().unwrap();
        let mut lying = b"\x7fELF\x02\x01".to_vec();
        lying.resize(64, 0xff);
        for content in [&b""[..], b"\x7fELF\x02\x01", &lying] {
            std::fs::write(tree.path().join("lib.so"), content).unwrap();
            let told = of(&Root::new(tree.path()), "/lib.so");
            assert!(told.failure().is_some(), "{told:?}");
        }
        assert!(of(&Root::new(tree.path()), "/nothing.so").failure().is_some());
    }

    #[test]
    fn the_constants_of_a_library_are_found() {
        // This program is a 64-bit library of a kind, with this very text among its constants.
        let list =
            std::hint::black_box("\0sm_11 sm_12 sm_13 sm_14 sm_15 sm_16 sm_17 sm_18 sm_19 compute_19\0");
        let told = of(&Root::new("/"), std::env::current_exe().unwrap().to_str().unwrap());
        assert_eq!(told.seen().unwrap().join(" "), list.trim_matches('\0'));
    }
}

//! Where the dynamic loader finds a library: its cache, its own folders.
//!
//! Invariants: the cache is read as far as it is of its form and bounded; a path is taken from it and never trusted to exist.
//! Source: `elf/cache.c` and `sysdeps/generic/dl-cache.h` of glibc (`struct file_entry_new`), ld.so(8).

use super::elf::number;
use crate::root::Root;
use std::collections::BTreeMap;

/// The mark of the format that glibc has written since 2.2.
const MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
/// Most that is read of the cache, in bytes; a workstation's has 200 kB.
const LONGEST: u64 = 8 << 20;
/// Most entries that are looked at.
const MOST: u64 = 131_072;
const HEADER: usize = 48;
const ENTRY: usize = 24;
/// The loader's own folders, of Debian's kind and of Red Hat's.
const OWN: [&str; 6] =
    ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"];

/// What the loader of a system knows by itself.
pub(super) struct Loader {
    /// Paths by name, in the order of the cache.
    cache: BTreeMap<String, Vec<String>>,
}

impl Loader {
    pub(super) fn of(system: &Root) -> Self {
        let cache = system.bytes("/etc/ld.so.cache", LONGEST).ok();
        Self { cache: cache.and_then(|bytes| parse(&bytes)).unwrap_or_default() }
    }

    /// Paths that the cache has for this name.
    pub(super) fn cached(&self, name: &str) -> impl Iterator<Item = String> {
        self.cache.get(name).into_iter().flatten().cloned()
    }

    /// Paths that this name would have in the loader's own folders.
    pub(super) fn own(name: &str) -> impl Iterator<Item = String> {
        OWN.iter().map(move |folder| format!("{folder}/{name}"))
    }
}

/// The names and paths of a cache; none where it has another form.
fn parse(bytes: &[u8]) -> Option<BTreeMap<String, Vec<String>>> {
    // Older systems put the form of before in front of it.
    let start = bytes.windows(MAGIC.len()).position(|window| window == MAGIC)?;
    let cache = bytes.get(start..)?;
    let count = number(cache, MAGIC.len(), 4).ok()?.min(MOST);
    let mut paths: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for index in 0..usize::try_from(count).ok()? {
        let at = HEADER + index * ENTRY;
        let (Ok(name), Ok(path)) = (number(cache, at + 4, 4), number(cache, at + 8, 4)) else { break };
        if let (Some(name), Some(path)) = (text(cache, name), text(cache, path)) {
            paths.entry(name).or_default().push(path);
        }
    }
    Some(paths)
}

fn text(cache: &[u8], at: u64) -> Option<String> {
    let rest = cache.get(usize::try_from(at).ok()?..)?;
    let end = rest.iter().take(4096).position(|byte| *byte == 0)?;
    String::from_utf8(rest.get(..end)?.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{path::Path, process::Command};

    /// `ldconfig -p` reads the same file.
    #[test]
    fn the_cache_of_this_machine_says_what_ldconfig_says() {
        let Some(ldconfig) =
            ["/sbin/ldconfig", "/usr/sbin/ldconfig"].into_iter().find(|path| Path::new(path).exists())
        else {
            println!("skipped: no ldconfig here");
            return;
        };
        let printed = Command::new(ldconfig).arg("-p").output().unwrap().stdout;
        let printed = String::from_utf8(printed).unwrap();
        let loader = Loader::of(&Root::new("/"));
        let mut compared = 0;
        for line in printed.lines().skip(1) {
            let Some((left, path)) = line.split_once(" => ") else { continue };
            let name = left.split_whitespace().next().unwrap();
            assert!(loader.cached(name).any(|found| found == path), "{line}");
            compared += 1;
        }
        assert_eq!(compared > 0, Path::new("/etc/ld.so.cache").exists());
    }

    #[test]
    fn a_cache_that_lies_is_read_no_further_than_it_goes() {
        let mut cache = b"ld.so-1.7.0\0....".to_vec();
        assert_eq!(parse(&cache), None);
        cache.extend(MAGIC);
        cache.extend(u32::MAX.to_le_bytes());
        cache.resize(cache.len() + HEADER + ENTRY, 0xff);
        assert_eq!(parse(&cache), Some(BTreeMap::new()));
    }
}

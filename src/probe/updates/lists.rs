//! apt's lists of packages, searched for some names.
//!
//! Invariants: bytes are searched, a paragraph is read only where its name is one of those wanted; never more than `MOST` bytes
//! of lists and their time, and what was left out is told.

use super::{
    archive::Archive,
    preferences::{Pin, priority},
    version::compare,
};
use crate::{probe::next_boot::packed::Packing, root::Root};
use gpucheck_checks::fact::{Offer, OfferedPackage, PackageLists};
use memchr::memmem;
use std::{
    cmp::Ordering,
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Read},
    time::{Duration, Instant},
};

const FOLDER: &str = "/var/lib/apt/lists";
/// Bytes of lists that are searched at most, unpacked. All of Ubuntu's with NVIDIA's have a fifth.
const MOST: u64 = 1 << 30;
/// Time for all lists together, where nothing else is said.
pub(super) const TIME: Duration = Duration::from_secs(3);
/// Lists that are looked at, at most.
const MOST_LISTS: usize = 400;
/// Bytes that are searched at a time. A paragraph that is longer is passed over.
const BLOCK: usize = 1 << 20;
/// Characters kept of a version.
const LONGEST: usize = 100;

/// Whose lists are searched, and by which rules.
pub(super) struct Search<'a> {
    pub(super) pins: &'a [Pin],
    /// The patterns by which unattended-upgrades takes from an archive.
    pub(super) allowed: &'a [String],
    /// Time for all lists together.
    pub(super) time: Duration,
}

impl Search<'_> {
    /// Adds what each list offers for these packages. `architectures` has theirs, in the same order.
    pub(super) fn offers(
        &self,
        root: &Root,
        packages: &mut [OfferedPackage],
        architectures: &[String],
    ) -> PackageLists {
        let names = root.names(FOLDER);
        let mut told = PackageLists { fetched: fetched(root), ..PackageLists::default() };
        let mut by_name: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
        for (at, package) in packages.iter().enumerate() {
            by_name.entry(package.name.clone().into_bytes()).or_default().push(at);
        }
        if by_name.is_empty() {
            return told;
        }
        let mut budget = Budget { bytes: MOST, until: Instant::now() + self.time };
        for name in names.iter().filter(|name| is_list(name)).take(MOST_LISTS) {
            let archive = Archive::of_list(root, FOLDER, name, &names);
            let mut best: BTreeMap<usize, Offer> = BTreeMap::new();
            let mut own: BTreeMap<usize, i32> = BTreeMap::new();
            let mut found = |name: &[u8], paragraph: &str| {
                for at in by_name.get(name).into_iter().flatten() {
                    let (package, architecture) = (packages.get(*at), architectures.get(*at));
                    let offer = package.zip(architecture).and_then(|(package, architecture)| {
                        self.offer(package, architecture, &archive, paragraph)
                    });
                    if let Some(offer) = offer {
                        if package.is_some_and(|package| package.installed == offer.version) {
                            own.insert(*at, offer.priority);
                        }
                        keep(&mut best, *at, offer);
                    }
                }
            };
            let searched = unpacked(root, name, |list| {
                paragraphs(list, &mut budget, |name| by_name.contains_key(name), &mut found)
            });
            match searched {
                Ok(()) => told.read += 1,
                Err(error) => told.unread.push(format!("{name}: {error}")),
            }
            for (at, priority) in own {
                packages
                    .get_mut(at)
                    .into_iter()
                    .for_each(|package| package.priority = package.priority.max(priority));
            }
            for (at, offer) in best {
                packages.get_mut(at).into_iter().for_each(|package| package.offers.push(offer.clone()));
            }
        }
        for package in packages {
            package.offers.sort_by(|a, b| compare(&b.version, &a.version));
        }
        told
    }

    fn offer(
        &self,
        package: &OfferedPackage,
        architecture: &str,
        archive: &Archive,
        paragraph: &str,
    ) -> Option<Offer> {
        let field = |name: &str| {
            let mut lines = paragraph.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            lines.next().map(str::trim)
        };
        let built_for = field("Architecture").unwrap_or("all");
        if built_for != "all"
            && architecture != "all"
            && !architecture.is_empty()
            && built_for != architecture
        {
            return None;
        }
        let version: String = field("Version")?.chars().take(LONGEST).collect();
        Some(Offer {
            newer: compare(&version, &package.installed) == Ordering::Greater,
            priority: priority(self.pins, &package.name, &version, archive),
            allowed_by: self.allowed.iter().find(|pattern| archive.is_allowed_by(pattern)).cloned(),
            phased: field("Phased-Update-Percentage").and_then(|percentage| percentage.parse().ok()),
            origin: archive.origin.clone(),
            suite: archive.suite.clone(),
            component: archive.component.clone(),
            version,
        })
    }
}

fn keep(best: &mut BTreeMap<usize, Offer>, at: usize, offer: Offer) {
    let is_better = best.get(&at).is_none_or(|known| {
        offer.priority.cmp(&known.priority).then_with(|| compare(&offer.version, &known.version)).is_gt()
    });
    if is_better {
        best.insert(at, offer);
    }
}

fn is_list(name: &str) -> bool {
    let bare = ["", ".lz4", ".gz", ".xz", ".zst", ".bz2", ".lzma"].iter();
    bare.filter_map(|ending| name.strip_suffix(ending)).any(|bare| bare.ends_with("_Packages"))
}

/// Has a list read, unpacked. What follows the end of what is packed is told: a reader would not come to it.
fn unpacked(root: &Root, name: &str, read: impl FnOnce(&mut dyn Read) -> io::Result<()>) -> io::Result<()> {
    let mut file = root.open(&format!("{FOLDER}/{name}"))?;
    let packing = match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("lz4") => return read(&mut lz4_flex::frame::FrameDecoder::new(file)),
        Some("gz") => return read(&mut flate2::read::MultiGzDecoder::new(file)),
        Some("xz") => Packing::Xz,
        Some("zst") => Packing::Zstd,
        Some("bz2") => Packing::Bzip2,
        Some("lzma") => Packing::Lzma,
        _ => return read(&mut file),
    };
    let mut packed = BufReader::with_capacity(BLOCK, file);
    read(&mut packing.unpack(&mut packed)?)?;
    if packed.fill_buf()?.is_empty() { Ok(()) } else { Err(io::Error::other("something follows its end")) }
}

/// When apt last put something there: the lists themselves keep the times of their server.
fn fetched(root: &Root) -> Option<String> {
    let seconds = root.stat(FOLDER)?.st_mtime;
    let time = jiff::Timestamp::from_second(seconds).ok()?;
    Some(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

struct Budget {
    bytes: u64,
    until: Instant,
}

/// Calls `each` with the name and the text of every paragraph whose name is wanted.
fn paragraphs(
    list: impl Read,
    budget: &mut Budget,
    wanted: impl Fn(&[u8]) -> bool,
    mut each: impl FnMut(&[u8], &str),
) -> io::Result<()> {
    let mut list = list.take(budget.bytes);
    // A line break before the first name makes it like all others.
    let mut block = b"\n".to_vec();
    loop {
        if Instant::now() > budget.until {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "no time was left for it"));
        }
        let before = block.len();
        let ended = list.by_ref().take(BLOCK as u64).read_to_end(&mut block)? == 0;
        budget.bytes = budget.bytes.saturating_sub((block.len() - before) as u64);
        if ended {
            search(&block, &wanted, &mut each);
            return if list.limit() == 0 { Err(io::Error::other("it goes on for too long")) } else { Ok(()) };
        }
        let Some(end) = memmem::rfind(&block, b"\n\n").map(|at| at + 1) else {
            if block.len() > BLOCK {
                block.clear();
            }
            continue;
        };
        search(block.get(..end).unwrap_or_default(), &wanted, &mut each);
        block.drain(..end);
    }
}

fn search(block: &[u8], wanted: &impl Fn(&[u8]) -> bool, each: &mut impl FnMut(&[u8], &str)) {
    const FIELD: &[u8] = b"\nPackage: ";
    for at in memmem::find_iter(block, FIELD) {
        let (before, after) = (block.get(..=at).unwrap_or_default(), block.get(at..).unwrap_or_default());
        let rest = after.get(FIELD.len()..).unwrap_or_default();
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let name = rest.get(..end).unwrap_or_default().trim_ascii();
        if wanted(name) {
            // The name is not the first field in every archive.
            let start = memmem::rfind(before, b"\n\n").map_or(0, |at| at + 2);
            let end = memmem::find(after, b"\n\n").map_or(block.len(), |end| at + end);
            each(name, &String::from_utf8_lossy(block.get(start..end).unwrap_or_default()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &[u8], names: &[&str]) -> Vec<String> {
        let mut found = Vec::new();
        let mut budget = Budget { bytes: MOST, until: Instant::now() + TIME };
        let wanted = |name: &[u8]| names.iter().any(|wanted| wanted.as_bytes() == name);
        paragraphs(text, &mut budget, wanted, |_, text| found.push(text.trim().to_owned())).unwrap();
        found
    }

    #[test]
    fn paragraphs_are_found_wherever_their_name_stands() {
        let text = b"Package: a\nVersion: 1\n\nFilename: ./b.deb\nPackage: b\nVersion: 2\n\nPackage: bb\nVersion: 3\n\nPackage: c\nVersion: 4";
        assert_eq!(found(text, &["a"]), ["Package: a\nVersion: 1"]);
        assert_eq!(found(text, &["b"]), ["Filename: ./b.deb\nPackage: b\nVersion: 2"]);
        assert_eq!(found(text, &["c"]), ["Package: c\nVersion: 4"]);
        assert!(found(text, &["d"]).is_empty() && found(b"", &["a"]).is_empty());
    }

    #[test]
    fn paragraphs_across_blocks_are_whole_and_endless_ones_are_passed_over() {
        let filler = format!("Package: x\nDescription: {}\n\n", "y".repeat(BLOCK / 3));
        let text = format!("{}Package: a\nVersion: 1\n\n", filler.repeat(7));
        assert!(found(text.as_bytes(), &["a"]) == ["Package: a\nVersion: 1"]);
        assert_eq!(found(text.as_bytes(), &["x"]).len(), 7);
        let endless = format!("Package: x\n{}\n\nPackage: a\nVersion: 1\n\n", "z".repeat(BLOCK * 5));
        assert!(found(endless.as_bytes(), &["a"]) == ["Package: a\nVersion: 1"]);
    }

    #[test]
    fn a_list_that_does_not_end_is_told() {
        let mut budget = Budget { bytes: 1 << 20, until: Instant::now() + TIME };
        let error = paragraphs(io::repeat(b'\n'), &mut budget, |_| true, |_, _| ()).unwrap_err();
        assert_eq!(error.to_string(), "it goes on for too long");
    }
}

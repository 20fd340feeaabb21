//! Entries in files of their own, as the Boot Loader Specification has them: those of Fedora's GRUB and of systemd-boot.
//!
//! Source: <https://uapi-group.org/specifications/specs/boot_loader_specification/>, loader.conf(5).

use super::{grub::environment, release::compare};
use crate::{probe::wildcard::is_like, root::Root};

/// Entries that are read.
const MOST: usize = 500;
/// Where systemd-boot's partition may be mounted.
const PARTITIONS: [&str; 3] = ["/boot", "/efi", "/boot/efi"];
/// Variables of the firmware in which systemd-boot keeps an entry: for once, and for good.
const ONCE: &str = "/sys/firmware/efi/efivars/LoaderEntryOneShot-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
const DEFAULT: &str = "/sys/firmware/efi/efivars/LoaderEntryDefault-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";

/// An entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// The name of its file, without ending and count of attempts.
    pub(super) id: String,
    pub(super) title: String,
    version: String,
    sort_key: Option<String>,
    pub(super) linux: Option<String>,
    pub(super) initrd: Option<String>,
    pub(super) options: String,
}

/// The entries in a folder, in the order of the menu.
pub(super) fn entries(root: &Root, folder: &str) -> Vec<Entry> {
    let names = root.some_names(folder, MOST).into_iter().filter(|name| crate::root::is_conf(name));
    let mut entries: Vec<Entry> = names
        .filter_map(|name| Some(entry(&name, &root.configuration(&format!("{folder}/{name}"))?)))
        .collect();
    entries.sort_by(|a, b| match (&a.sort_key, &b.sort_key) {
        (Some(one), Some(other)) => one.cmp(other).then_with(|| compare(&b.version, &a.version)),
        (Some(_), None) => std::cmp::Ordering::Less,
        (None, Some(_)) => std::cmp::Ordering::Greater,
        (None, None) => compare(&b.id, &a.id),
    });
    entries
}

/// The same in GRUB's order, which goes by the names of files alone.
pub(super) fn entries_of_grub(root: &Root, folder: &str) -> Vec<Entry> {
    let mut entries = entries(root, folder);
    entries.sort_by(|a, b| compare(&b.id, &a.id));
    entries
}

fn entry(name: &str, text: &str) -> Entry {
    let stem = name.strip_suffix(".conf").unwrap_or(name);
    let id = stem.rsplit_once('+').filter(|(_, count)| is_count(count)).map_or(stem, |(id, _)| id);
    let mut entry = Entry { id: id.to_owned(), ..Entry::default() };
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        let (key, value) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let value = value.trim();
        match key {
            "title" => value.clone_into(&mut entry.title),
            "version" => value.clone_into(&mut entry.version),
            "sort-key" => entry.sort_key = Some(value.to_owned()),
            "linux" => entry.linux = Some(value.to_owned()),
            "initrd" => entry.initrd = value.split_whitespace().next_back().map(str::to_owned),
            "options" => format!("{} {value}", entry.options).trim().clone_into(&mut entry.options),
            _ => {}
        }
    }
    entry
}

fn is_count(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}

/// What systemd-boot takes: the partition, the entry if there is one, by what, and whether for one boot.
pub(super) struct Taken {
    pub(super) entry: Option<Entry>,
    pub(super) by: String,
    pub(super) once: bool,
    pub(super) is_fallback: bool,
}

/// systemd-boot's choice; none where it is not there.
pub(super) fn systemd_boot(root: &Root) -> Option<Taken> {
    let base = PARTITIONS.iter().find(|base| root.exists(&format!("{base}/loader/loader.conf")))?;
    let settings = root.configuration(&format!("{base}/loader/loader.conf"))?;
    let entries = entries(root, &format!("{base}/loader/entries"));
    let default =
        settings.lines().filter_map(|line| line.trim().strip_prefix("default")).map(str::trim).next_back();
    let saved = || variable(root, DEFAULT);
    let once = variable(root, ONCE);
    let pattern =
        once.clone().or_else(saved).or_else(|| default.filter(|name| *name != "@saved").map(str::to_owned));
    let named = pattern.as_ref().map(|pattern| entries.iter().find(|entry| fits(pattern, &entry.id)));
    let entry = named.flatten().or(entries.first()).cloned();
    let id = entry.as_ref().map_or("no entry", |entry| entry.id.as_str());
    Some(Taken {
        by: format!("{base}/loader/loader.conf: {id}"),
        once: once.is_some(),
        is_fallback: matches!(named, Some(None)),
        entry,
    })
}

/// Whether an entry is meant by a name with `*` and `?` in it.
fn fits(pattern: &str, id: &str) -> bool {
    is_like(id, pattern.strip_suffix(".conf").unwrap_or(pattern))
}

/// A variable of the firmware: four bytes of attributes, then a name in UTF-16.
fn variable(root: &Root, path: &str) -> Option<String> {
    let bytes = root.bytes(path, 1024).ok()?;
    let letters: Vec<u16> = bytes
        .get(4..)?
        .chunks_exact(2)
        .map(|pair| pair.iter().rev().fold(0, |number, byte| number << 8 | u16::from(*byte)))
        .collect();
    let name = String::from_utf16_lossy(&letters);
    Some(name.trim_end_matches('\0').to_owned()).filter(|name| !name.is_empty())
}

/// The options that `$kernelopts` and `$tuned_params` stand for in GRUB's environment.
pub(super) fn expanded(options: &str, grubenv: &str) -> String {
    let values = environment(grubenv);
    let word = |word: &str| match word.strip_prefix('$') {
        Some(name) => values.get(name.trim_matches(['{', '}'])).cloned().unwrap_or_default(),
        None => word.to_owned(),
    };
    options.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_loader_conf() {
        for (pattern, id, meant) in [
            ("arch.conf", "arch", true),
            ("arch*", "arch-lts", true),
            ("*-lts", "arch-lts", true),
            ("a?ch", "arch", true),
            ("arch", "arch-lts", false),
            ("", "arch", false),
            ("*", "", true),
        ] {
            assert_eq!(fits(pattern, id), meant, "{pattern} {id}");
        }
    }

    #[test]
    fn the_newest_entry_comes_first() {
        let tree = tempfile::tempdir().unwrap();
        let folder = tree.path().join("boot/loader/entries");
        std::fs::create_dir_all(&folder).unwrap();
        for release in ["6.8.5-301.fc40.x86_64", "6.11.4-201.fc40.x86_64", "0-rescue"] {
            let text = format!(
                "title Fedora Linux ({release}) 40 (Cloud Edition)\nversion {release}\nlinux /vmlinuz-{release}\n\
                 initrd /initramfs-{release}.img\noptions root=UUID=1 ro $tuned_params\ngrub_class fedora\n"
            );
            std::fs::write(folder.join(format!("a1b2-{release}.conf")), text).unwrap();
        }
        let entries = entries_of_grub(&Root::new(tree.path()), "/boot/loader/entries");
        assert_eq!(entries[0].linux.as_deref(), Some("/vmlinuz-6.11.4-201.fc40.x86_64"));
        assert_eq!(entries[2].id, "a1b2-0-rescue");
        assert_eq!(expanded(&entries[0].options, "tuned_params=isolcpus=1\n"), "root=UUID=1 ro isolcpus=1");
    }
}

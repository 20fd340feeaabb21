//! Folders of caches, and how much is in them.
//!
//! Invariant: no more entries are counted than `MOST`, and a folder with more says so; links are not followed.

use super::places::Places;
use crate::root::Root;
use gpucheck_checks::fact::{CacheFolder, Cached};

/// Entries that are counted of one cache, at most.
const MOST: usize = 20_000;
/// Folders below each other that are looked into.
const DEEPEST: usize = 12;

/// Those of a home. Of downloads: huggingface_hub's, torch.hub's, kagglehub's, Keras's, TensorFlow Datasets' and NLTK's.
const OWN: [(&str, Cached); 9] = [
    (".nv/ComputeCache", Cached::CompiledCode),
    (".cache/pip", Cached::Pip),
    (".conda/pkgs", Cached::Conda),
    (".cache/huggingface", Cached::Downloads),
    (".cache/torch", Cached::Downloads),
    (".cache/kagglehub", Cached::Downloads),
    (".keras", Cached::Downloads),
    ("tensorflow_datasets", Cached::Downloads),
    ("nltk_data", Cached::Downloads),
];

/// The caches that there are, by path.
pub(super) fn caches(root: &Root, places: &Places) -> Vec<CacheFolder> {
    let own = places.homes.iter().flat_map(|home| OWN.map(|(name, of)| (format!("{home}/{name}"), of)));
    let conda = places.in_prefixes(&["pkgs"]).map(|path| (path, Cached::Conda));
    let apt = [("/var/cache/apt/archives".to_owned(), Cached::Apt)];
    let mut found = Vec::new();
    for (path, of) in own.chain(conda).chain(apt) {
        let (bytes, at_least) = size(root, &path);
        if bytes > 0 {
            found.push(CacheFolder { path, of, bytes, at_least });
        }
    }
    found
}

/// Bytes in a folder, and whether there are more.
fn size(root: &Root, folder: &str) -> (u64, bool) {
    let (mut bytes, mut left) = (0_u64, MOST);
    let mut open = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = open.pop() {
        for name in root.some_names(&folder, left.saturating_add(1)) {
            if left == 0 {
                return (bytes, true);
            }
            left -= 1;
            let path = format!("{folder}/{name}");
            if root.link(&path).is_some() {
                continue;
            }
            let Some(found) = root.stat(&path) else { continue };
            match found.st_mode & 0o170_000 {
                0o040_000 if depth < DEEPEST => open.push((path, depth + 1)),
                0o100_000 => bytes = bytes.saturating_add(u64::try_from(found.st_size).unwrap_or(0)),
                _ => {}
            }
        }
    }
    (bytes, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_added_up_and_links_are_not_followed() {
        let tree = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(tree.path().join("c/a/b")).unwrap();
        std::fs::write(tree.path().join("c/a/b/one"), [0; 100]).unwrap();
        std::fs::write(tree.path().join("c/two"), [0; 20]).unwrap();
        std::os::unix::fs::symlink("..", tree.path().join("c/a/up")).unwrap();
        assert_eq!(size(&Root::new(tree.path()), "/c"), (120, false));
        assert_eq!(size(&Root::new(tree.path()), "/nowhere"), (0, false));
    }
}

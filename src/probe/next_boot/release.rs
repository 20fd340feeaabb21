//! Releases of Linux: in names of files, and in the order in which boot loaders sort them.

use std::cmp::Ordering;

/// What the names of images of Linux begin with.
const IMAGES: [&str; 4] = ["vmlinuz-", "vmlinux-", "kernel-", "bzImage-"];

/// The release in the name of an image: `6.8.0-1021-azure` of `/boot/vmlinuz-6.8.0-1021-azure`.
pub(super) fn of_image(path: &str) -> Option<&str> {
    let name = path.rsplit(['/', '\\']).next()?;
    IMAGES.iter().find_map(|beginning| name.strip_prefix(beginning)).filter(|release| !release.is_empty())
}

/// Which of two releases or names of entries is the newer one, as RPM and boot loaders compare versions: runs of digits
/// as numbers, runs of letters as words, a number above a word.
pub(super) fn compare(one: &str, other: &str) -> Ordering {
    let (mut ones, mut others) = (parts(one), parts(other));
    loop {
        let order = match (ones.next(), others.next()) {
            (None, None) => return Ordering::Equal,
            // What is left of a name that goes on is newer: 6.8.0-10 after 6.8.0.
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => compare_part(a, b),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn compare_part(a: &str, b: &str) -> Ordering {
    let is_number = |part: &str| part.starts_with(|c: char| c.is_ascii_digit());
    match (is_number(a), is_number(b)) {
        (true, true) => {
            let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
            a.len().cmp(&b.len()).then_with(|| a.cmp(b))
        }
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => a.cmp(b),
    }
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    let runs = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|run| !run.is_empty());
    runs.flat_map(|run| {
        run.as_bytes()
            .chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit())
            .filter_map(|part| std::str::from_utf8(part).ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_sorted_as_boot_loaders_do() {
        let newest_first = [
            "6.11.0-1015-azure",
            "6.8.0-1021-azure",
            "6.8.0-1003-azure",
            "6.8.0-101-azure",
            "6.5.0-1025-azure",
            "5.15.0-119-generic",
        ];
        let mut sorted = newest_first;
        sorted.reverse();
        sorted.sort_by(|a, b| compare(b, a));
        assert_eq!(sorted, newest_first);
        assert_eq!(compare("6.8.5-301.fc40.x86_64", "6.8.5-1000.fc40.x86_64"), Ordering::Less);
        assert_eq!(compare("6.8.0", "6.8.0-rc1"), Ordering::Less);
        assert_eq!(compare("", ""), Ordering::Equal);
    }

    #[test]
    fn names_of_images() {
        assert_eq!(of_image("/boot/vmlinuz-6.8.0-1021-azure"), Some("6.8.0-1021-azure"));
        assert_eq!(of_image("/vmlinuz-5.14.0-427.el9.x86_64"), Some("5.14.0-427.el9.x86_64"));
        for path in ["/boot/vmlinuz", "/boot/vmlinuz-", "/memtest86+.elf", ""] {
            assert_eq!(of_image(path), None, "{path}");
        }
    }
}

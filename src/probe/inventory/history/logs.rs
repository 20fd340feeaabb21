//! Logs that were turned over and packed, bounded, the newest first; and command lines without secrets.

use crate::root::Root;
use flate2::read::GzDecoder;
use std::io::{Read, Seek, SeekFrom};

/// Bytes read of a log, its last ones.
const MOST: u64 = 4 << 20;
/// Bytes unpacked of one that is packed, its first ones.
const MOST_UNPACKED: u64 = 16 << 20;
/// Older logs that are looked for: logrotate keeps a year of months for apt and dpkg.
const OLDER: u32 = 12;
/// Longest command line that is kept, in characters.
const LONGEST: usize = 300;

/// The texts of a log, the newest first, each with its path: `history.log`, `.1`, `.1.gz`, `.2.gz`, ... A text that was cut
/// off at its beginning begins with half a line.
pub(super) fn texts<'a>(root: &'a Root, path: &'a str) -> impl Iterator<Item = (String, String)> + 'a {
    let older =
        (1..=OLDER).flat_map(move |number| [format!("{path}.{number}"), format!("{path}.{number}.gz")]);
    std::iter::once(path.to_owned())
        .chain(older)
        .filter_map(|path| text(root, &path).map(|text| (path, text)))
}

/// The text of a log, of a long one its end.
pub(super) fn text(root: &Root, path: &str) -> Option<String> {
    let mut file = root.open(path).ok()?;
    let mut bytes = Vec::new();
    if path.strip_suffix(".gz").is_some() {
        // What was unpacked before a file turns out to be cut off counts.
        let _ = GzDecoder::new(file.take(MOST)).take(MOST_UNPACKED).read_to_end(&mut bytes);
    } else {
        let size = file.seek(SeekFrom::End(0)).ok()?;
        file.seek(SeekFrom::Start(size.saturating_sub(MOST))).ok()?;
        file.take(MOST).read_to_end(&mut bytes).ok()?;
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// A command line on one line, without passwords in addresses (`https://user:password@host`) and without the tokens of
/// conda's channels (`/t/TOKEN/`); bounded.
pub(super) fn command(text: &str) -> String {
    let words = text.split_whitespace().map(|word| {
        let word = word.split_once("/t/").map_or(word.to_owned(), |(before, rest)| {
            let rest = rest.split_once('/').map_or("", |(_, rest)| rest);
            if before.contains("://") { format!("{before}/t/redacted/{rest}") } else { word.to_owned() }
        });
        match word.split_once("://") {
            Some((scheme, rest)) if rest.split('/').next().is_some_and(|host| host.contains('@')) => {
                let rest = rest.split_once('@').map_or("", |(_, rest)| rest);
                format!("{scheme}://redacted@{rest}")
            }
            _ => word,
        }
    });
    words.collect::<Vec<_>>().join(" ").chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    #[test]
    fn command_lines_keep_no_secret() {
        for (text, kept) in [
            ("pip install  torch\n", "pip install torch"),
            (
                "pip install -i https://kim:hunter2@pypi.example/simple x",
                "pip install -i https://redacted@pypi.example/simple x",
            ),
            (
                "conda install -c https://conda.anaconda.org/t/ab-12/chan x",
                "conda install -c https://conda.anaconda.org/t/redacted/chan x",
            ),
            ("apt install /t/x/y.deb", "apt install /t/x/y.deb"),
        ] {
            assert_eq!(command(text), kept);
        }
    }

    #[test]
    fn older_logs_are_unpacked_as_far_as_they_are_whole() {
        let folder = tempfile::tempdir().unwrap();
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        // What does not repeat: that of a file that was cut off something can be had.
        let numbers = (0..20_000_u32).map(|number| number.wrapping_mul(2_654_435_761).to_string());
        let long = numbers.collect::<Vec<_>>().join("\n");
        packed.write_all(long.as_bytes()).unwrap();
        let packed = packed.finish().unwrap();
        std::fs::write(folder.path().join("a.log"), "new\n").unwrap();
        std::fs::write(folder.path().join("a.log.1"), "older\n").unwrap();
        std::fs::write(folder.path().join("a.log.2.gz"), &packed).unwrap();
        std::fs::write(folder.path().join("a.log.3.gz"), &packed[..packed.len() / 2]).unwrap();
        std::fs::write(folder.path().join("a.log.4.gz"), "no gzip").unwrap();
        let root = Root::new(folder.path());
        let texts: Vec<String> = texts(&root, "/a.log").map(|(_, text)| text).collect();
        assert_eq!(texts[..3], ["new\n", "older\n", &long]);
        assert!(
            long.starts_with(&texts[3]) && texts[3].len() > 1000 && texts[4].is_empty(),
            "{}",
            texts[3].len()
        );
    }
}

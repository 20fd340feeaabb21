//! What the administrator sets, in `/etc/gpucheck/gpucheckd.toml`.
//!
//! Invariants: a file that is wrong is told with line and reason and changes nothing; metrics are offered on loopback alone.

use super::journal::Level;
use crate::cli::seconds;
use serde::{Deserialize, Deserializer, de::Error as _};
use std::{
    fs,
    io::{self, Read},
    net::SocketAddr,
    path::Path,
    time::Duration,
};

/// Where the file lies.
pub const PATH: &str = "/etc/gpucheck/gpucheckd.toml";
/// Largest file that is read, in bytes.
const LARGEST: u64 = 64 << 10;

/// What can be set.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Time between two looks where nothing calls for one.
    #[serde(deserialize_with = "at_least_a_minute")]
    pub interval: Duration,
    /// How old a report may be to be an answer.
    #[serde(deserialize_with = "time")]
    pub fresh_for: Duration,
    /// Look at the Pythons that root alone can write to.
    pub pythons: bool,
    /// Where to offer metrics; nowhere where it is not given.
    #[serde(deserialize_with = "loopback")]
    pub metrics: Option<SocketAddr>,
    /// Least grave messages that are logged.
    pub log_level: Level,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            interval: Duration::from_hours(1),
            fresh_for: Duration::from_mins(10),
            pythons: true,
            metrics: None,
            log_level: Level::Info,
        }
    }
}

impl Config {
    /// The file; the defaults where there is none.
    ///
    /// # Errors
    /// What is wrong with it, with its line.
    pub fn read(path: &Path) -> Result<Self, String> {
        let told = |error: io::Error| format!("{}: {error}", path.display());
        let mut text = String::new();
        match fs::File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(told(error)),
            Ok(file) if !file.metadata().is_ok_and(|found| found.is_file()) => {
                return Err(format!("{}: not a regular file", path.display()));
            }
            Ok(file) => file.take(LARGEST).read_to_string(&mut text).map_err(told)?,
        };
        toml::from_str(&text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map_or(1, |before| before.matches('\n').count() + 1);
            format!("{}:{line}: {}", path.display(), error.message().replace('\n', ", "))
        })
    }
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    seconds(&text).map(Duration::from_secs).map_err(D::Error::custom)
}

fn at_least_a_minute<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let time = time(deserializer)?;
    if time < Duration::from_mins(1) {
        return Err(D::Error::custom("looks are at least a minute apart: 1m"));
    }
    Ok(time)
}

fn loopback<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    let address: SocketAddr = text
        .parse()
        .map_err(|_| D::Error::custom(format!("{text:?} is no address such as 127.0.0.1:9835")))?;
    if !address.ip().is_loopback() {
        let why = format!("{text} is reached from outside; metrics are offered on loopback alone");
        return Err(D::Error::custom(why));
    }
    Ok(Some(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        let name = file.path().display().to_string();
        Config::read(file.path()).map_err(|why| why.replace(&name, "FILE"))
    }

    #[test]
    fn the_file_that_ships_says_what_is_so_without_it() {
        let shipped = include_str!("../../packaging/gpucheckd.toml");
        assert_eq!(read(shipped), Ok(Config::default()));
        let uncommented = shipped.replace("\n#= ", "\n");
        assert_ne!(uncommented, shipped);
        let metrics = Some("127.0.0.1:9835".parse().unwrap());
        assert_eq!(read(&uncommented), Ok(Config { metrics, ..Config::default() }));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, told) in [
            ("\ninterval = \"90\"\n", "FILE:2: a time is a number and s, m or h: 90s, 10m, 2h"),
            ("interval = \"30s\"", "FILE:1: looks are at least a minute apart: 1m"),
            ("# x\n\nintervall = \"1h\"\n", "FILE:3: unknown field `intervall`"),
            ("metrics = \"0.0.0.0:9835\"", "FILE:1: 0.0.0.0:9835 is reached from outside"),
            ("metrics = \"9835\"", "is no address such as 127.0.0.1:9835"),
            ("log_level = \"loud\"", "FILE:1: unknown variant `loud`"),
            ("pythons = \"no\"", "FILE:1: invalid type"),
            ("interval = ", "FILE:1: "),
        ] {
            let why = read(text).unwrap_err();
            assert!(why.contains(told), "{text}: {why}");
        }
    }

    #[test]
    fn no_file_is_no_wrong_one() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Config::read(&folder.path().join("none.toml")), Ok(Config::default()));
        assert!(Config::read(folder.path()).is_err());
    }
}

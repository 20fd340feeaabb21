//! What pip, uv and Poetry leave beside each distribution: `INSTALLER`, `REQUESTED`, and the time of `RECORD`.
//!
//! They keep no log: when and by whom is told, the command is not. What was installed within moments by one of them counts
//! as one run. Source: PEP 376, PEP 627, <https://packaging.python.org/en/latest/specifications/recording-installed-packages/>.

use super::is_since;
use crate::{
    probe::{
        environments::{self, Surroundings},
        frameworks::{self, Located},
    },
    root::Root,
};
use gpucheck_checks::fact::{Event, Installer, PackageChange, Stock};

/// Seconds between two distributions of one run: a wheel of PyTorch takes half a minute to unpack.
const PAUSE: i64 = 60;
/// Most distributions that are looked at.
const MOST: usize = 4096;

/// A distribution that was put there.
struct Put {
    at: i64,
    by: Installer,
    site: String,
    change: PackageChange,
    asked_for: bool,
}

/// What was installed into an environment from a day on.
pub(super) fn events(root: &Root, name: &str, stock: &Stock, since: &str) -> Vec<Event> {
    let Some(environment) = environments::of_program(root, &Surroundings::of_this_process(), &stock.python)
    else {
        return Vec::new();
    };
    let located = frameworks::distributions_on(root, &environment.folders).into_iter().take(MOST);
    let mut put: Vec<Put> = located.filter_map(|located| put(root, located, since)).collect();
    put.sort_by(|a, b| (a.by, &a.site, a.at).cmp(&(b.by, &b.site, b.at)));
    let runs = put.chunk_by(|a, b| a.by == b.by && a.site == b.site && b.at - a.at <= PAUSE);
    runs.filter_map(|run| event(name, run)).collect()
}

/// None where it was put there before, where conda did it, which tells more elsewhere, or where nobody noted who.
fn put(root: &Root, located: Located, since: &str) -> Option<Put> {
    let record = root.stat(&format!("{}/RECORD", located.folder))?;
    let at = record.st_mtime;
    let day = time(at)?;
    if !is_since(&day, since) {
        return None;
    }
    let by = match root.value(&format!("{}/INSTALLER", located.folder))?.to_ascii_lowercase() {
        name if name == "pip" => Installer::Pip,
        name if name.starts_with("uv") => Installer::Uv,
        name if name.starts_with("poetry") => Installer::Poetry,
        name if matches!(name.as_str(), "conda" | "debian") => return None,
        _ => Installer::Other,
    };
    Some(Put {
        at,
        by,
        site: located.site,
        asked_for: root.is_file(&format!("{}/REQUESTED", located.folder)),
        change: PackageChange { package: located.name, from: None, to: Some(located.version) },
    })
}

fn event(environment: &str, run: &[Put]) -> Option<Event> {
    let first = run.first()?;
    let asked_for = run.iter().filter(|put| put.asked_for).map(|put| put.change.package.clone());
    Some(Event {
        at: time(first.at)?,
        by: first.by,
        log: first.site.clone(),
        command: None,
        by_user: None,
        environment: Some(environment.to_owned()),
        asked_for: asked_for.collect(),
        changes: run.iter().map(|put| put.change.clone()).collect(),
        others: 0,
    })
}

fn time(seconds: i64) -> Option<String> {
    let at = jiff::Timestamp::from_second(seconds).ok()?;
    Some(at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

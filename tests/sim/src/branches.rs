//! What tells driver branches apart: symbols, the newest PTX, and a slip of R535.
//!
//! Invariant: nothing here is made up. Symbols were read from NVIDIA's libraries (`tests/sim/symbols.sh`), PTX versions
//! from their compilers' own refusals; `nearest older` stands for what could not be had.

use std::collections::BTreeMap;

/// The table that `tests/sim/symbols.sh` writes: a symbol and the branches whose library exports it.
const TABLE: &str = include_str!("symbols.tsv");

/// Branches whose libraries were read. The last stands for all that are newer: R555's symbols and what the headers of
/// CUDA 13.5 declare.
pub const BRANCHES: [u32; 10] = [390, 418, 450, 460, 470, 525, 535, 550, 555, NEWER];
/// The first branch after R555.
pub const NEWER: u32 = 560;

/// The newest PTX that a branch takes, from the first branch that takes it. Up to R555 by NVIDIA's compilers, which
/// say it when they refuse; after that by the CUDA version that the branch brings.
const PTX: [(u32, (u32, u32)); 19] = [
    (390, (6, 1)),
    (410, (6, 3)),
    (418, (6, 4)),
    (440, (6, 5)),
    (450, (7, 0)),
    (455, (7, 1)),
    (460, (7, 2)),
    (465, (7, 3)),
    (470, (7, 4)),
    (495, (7, 5)),
    (510, (7, 6)),
    (515, (7, 7)),
    (520, (7, 8)),
    (525, (8, 0)),
    (530, (8, 1)),
    (535, (8, 2)),
    (545, (8, 3)),
    (550, (8, 4)),
    (555, (8, 5)),
];
/// The same for branches after R555; CUDA 12.8 to 13.5.
const NEWER_PTX: [(u32, (u32, u32)); 6] =
    [(570, (8, 7)), (575, (8, 8)), (580, (9, 0)), (590, (9, 1)), (595, (9, 2)), (610, (9, 3))];

/// The branch of a version: 535 of 535.161.08.
pub fn branch(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}

/// The branch of [`BRANCHES`] that stands for a version: its own or the nearest older one. None before R390.
pub fn table_of(version: &str) -> Option<u32> {
    let branch = branch(version)?;
    BRANCHES.into_iter().rev().find(|table| *table <= branch)
}

/// What a branch of [`BRANCHES`] exports, of both libraries.
pub fn symbols(table: u32) -> impl Iterator<Item = &'static str> {
    rows().filter(move |(_, branches)| branches.contains(&table)).map(|(symbol, _)| symbol)
}

/// Every symbol of the table with the branches that have it.
pub fn rows() -> impl Iterator<Item = (&'static str, Vec<u32>)> {
    let rows = TABLE.lines().filter(|line| !line.starts_with('#'));
    rows.filter_map(|line| {
        let (symbol, branches) = line.split_once('\t')?;
        Some((symbol, branches.split(' ').filter_map(|branch| branch.parse().ok()).collect()))
    })
}

/// The newest PTX that a branch takes.
pub(crate) fn newest_ptx(branch: u32) -> (u32, u32) {
    let table: BTreeMap<_, _> = PTX.into_iter().chain(NEWER_PTX).collect();
    table.range(..=branch).next_back().map_or((0, 0), |(_, version)| *version)
}

/// R535.43 to R535.9x write process entries that are 8 bytes longer than the third version of the call has them
/// (nvitop issue 88, gpustat issue 161).
pub(crate) fn has_swollen_processes(version: &str) -> bool {
    let mut parts = version.split('.').map_while(|part| part.parse::<u32>().ok());
    parts.next() == Some(535) && parts.next().is_some_and(|minor| (43..100).contains(&minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_the_table_of_its_branch_or_the_nearest_older_one() {
        for (version, table) in [
            ("390.157", Some(390)),
            ("440.33.01", Some(418)),
            ("535.161.08", Some(535)),
            ("545.23.08", Some(535)),
            ("580.95.05", Some(NEWER)),
            ("340.108", None),
            ("newest", None),
        ] {
            assert_eq!(table_of(version), table, "{version}");
        }
    }

    #[test]
    fn ptx_follows_the_branch() {
        for (branch, newest) in [(390, (6, 1)), (470, (7, 4)), (540, (8, 2)), (590, (9, 1)), (340, (0, 0))] {
            assert_eq!(newest_ptx(branch), newest, "{branch}");
        }
    }

    #[test]
    fn only_the_first_releases_of_r535_have_swollen_entries() {
        for (version, swollen) in [
            ("535.43.02", true),
            ("535.54.03", true),
            ("535.98", true),
            ("535.104.05", false),
            ("550.54.14", false),
        ] {
            assert_eq!(has_swollen_processes(version), swollen, "{version}");
        }
    }

    #[test]
    fn the_table_is_of_exactly_what_is_implemented() {
        let implemented: std::collections::BTreeSet<_> = crate::exported().collect();
        let listed: std::collections::BTreeSet<_> = rows().map(|(symbol, _)| symbol).collect();
        let unlisted: Vec<_> = implemented.difference(&listed).collect();
        let lost: Vec<_> = listed.difference(&implemented).collect();
        assert!(unlisted.is_empty() && lost.is_empty(), "unlisted {unlisted:?}, lost {lost:?}");
    }

    #[test]
    fn old_drivers_lack_what_came_later() {
        let has = |table, symbol| symbols(table).any(|listed| listed == symbol);
        assert!(has(470, "nvmlDeviceGetMemoryInfo") && !has(470, "nvmlDeviceGetMemoryInfo_v2"));
        assert!(has(525, "nvmlDeviceGetMemoryInfo_v2"));
        assert!(has(418, "cuDevicePrimaryCtxRelease") && !has(418, "cuDevicePrimaryCtxRelease_v2"));
        assert!(!has(555, "cuEventElapsedTime_v2") && has(NEWER, "cuEventElapsedTime_v2"));
    }
}

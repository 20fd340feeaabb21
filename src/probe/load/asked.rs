//! The process that was asked about: what it is called, what it has loaded, whether it is still there.

use super::programs::Stat;
use crate::root::Root;
use gpucheck_checks::fact::AskedProcess;

/// Most that is read of the list of what a process has mapped, in bytes.
const MAPS: u64 = 16 << 20;

/// Whose slowness is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whom {
    /// The process.
    pub pid: u32,
    /// The notebook, where it is one's kernel.
    pub notebook: Option<String>,
}

/// What a process is at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sight {
    name: Option<String>,
    started: Option<u64>,
    has_cuda: Option<bool>,
    has_compiler: Option<bool>,
}

impl Sight {
    /// It has mapped the driver's compiler.
    pub(super) fn has_compiler(&self) -> Option<bool> {
        self.has_compiler
    }

    /// Looks at a process; nothing is known of one that is gone, or has ended and waits for its parent.
    pub(super) fn of(root: &Root, pid: u32) -> Self {
        let folder = format!("/proc/{pid}");
        let Some(stat) = Stat::of(root, &folder).filter(|stat| !matches!(stat.state, 'Z' | 'X')) else {
            return Self::default();
        };
        let maps = root.bytes(&format!("{folder}/maps"), MAPS).ok().filter(|maps| !maps.is_empty());
        let has = |library: &str| maps.as_deref().map(|maps| has_mapped(maps, library));
        Self {
            name: Some(stat.name),
            started: Some(stat.started),
            has_cuda: has("libcuda.so"),
            has_compiler: has("libnvidia-ptxjitcompiler.so"),
        }
    }
}

/// What is to be told of a process that was seen before and after.
pub(super) fn told(whom: &Whom, before: Sight, after: Sight) -> AskedProcess {
    let ended = after.started.is_none() || (before.started.is_some() && before.started != after.started);
    // A number that is another process's by now says nothing.
    let after = if ended { Sight::default() } else { after };
    let either = |before: Option<bool>, after: Option<bool>| match (before, after) {
        (Some(before), Some(after)) => Some(before || after),
        (one, other) => one.or(other),
    };
    AskedProcess {
        pid: whom.pid,
        notebook: whom.notebook.clone(),
        name: after.name.or(before.name),
        ended,
        has_cuda: either(before.has_cuda, after.has_cuda),
        has_compiler: either(before.has_compiler, after.has_compiler),
    }
}

/// Whether a library of this name, with whatever version behind it, is mapped.
fn has_mapped(maps: &[u8], library: &str) -> bool {
    String::from_utf8_lossy(maps).lines().any(|line| {
        let file = line.rsplit('/').next().unwrap_or_default();
        line.contains('/')
            && file.strip_prefix(library).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', ' ']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: &str = "\
7f00-7f10 r-xp 00000000 08:01 1 /usr/lib/x86_64-linux-gnu/libcuda.so.535.161.08
7f10-7f20 r--p 00000000 08:01 2 /opt/tf/libcudart.so.12
7f20-7f30 rw-p 00000000 00:00 0 libnvidia-ptxjitcompiler.so.1
7f30-7f40 rw-p 00000000 00:00 0 [heap]
";

    #[test]
    fn libraries_are_known_by_their_files() {
        assert!(has_mapped(MAPS.as_bytes(), "libcuda.so"));
        assert!(!has_mapped(MAPS.as_bytes(), "libnvidia-ptxjitcompiler.so"));
        assert!(!has_mapped(b"1-2 r-xp 0 0:0 1 /lib/libcudart.so.12\n\xff\n", "libcuda.so"));
        assert!(has_mapped(b"1-2 r-xp 0 0:0 1 /lib/libcuda.so.1 (deleted)\n", "libcuda.so"));
    }

    #[test]
    fn a_number_that_went_to_another_process_is_one_that_ended() {
        let sight = |name: &str, started, has_cuda| Sight {
            name: Some(name.to_owned()),
            started: Some(started),
            has_cuda,
            has_compiler: None,
        };
        let whom = Whom { pid: 7, notebook: None };
        let same = told(&whom, sight("a", 1, Some(false)), sight("b", 1, Some(true)));
        assert_eq!((same.ended, same.has_cuda, same.name.as_deref()), (false, Some(true), Some("b")));
        let other = told(&whom, sight("a", 1, Some(false)), sight("b", 2, Some(true)));
        assert_eq!((other.ended, other.has_cuda, other.name.as_deref()), (true, Some(false), Some("a")));
        let gone = told(&whom, Sight::default(), Sight::default());
        assert_eq!((gone.ended, gone.has_cuda, gone.name), (true, None, None));
    }
}

//! Whether the driver compiles code for the GPU meanwhile, and whether it keeps it.

use super::{FULL, WORKS, Watch};
use crate::{fact::CompiledCode, readings::size};

/// A cache that holds no framework's code, in bytes. CUDA's own limit is 256 MiB and more.
const TINY: u64 = 32 << 20;

/// Whether the driver compiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Compiling {
    /// It does not, for this reason.
    No(String),
    /// It does.
    Yes {
        /// What was seen.
        summary: String,
        /// Why it will do so at every run; none where it keeps what it compiles.
        every_run: Option<String>,
    },
    /// It may, or the program computes by itself: this was seen.
    Maybe(String),
}

/// Whether the driver compiles for the program.
///
/// Compiling keeps one thread of the program full and the GPU idle. So does a program that prepares data; that the
/// compiler is loaded is no proof, for it stays loaded. What its cache does tells them apart.
pub(crate) fn compiling(watch: &Watch) -> Compiling {
    let Some(program) = watch.program.as_ref().filter(|program| program.on_gpu != Some(false)) else {
        return Compiling::No("no program that uses a GPU is to be seen".to_owned());
    };
    let activity = watch.gpu().and_then(|gpu| watch.own_activity(gpu));
    match activity {
        None => return Compiling::No("NVML does not tell how long the GPU works".to_owned()),
        Some(activity) if activity >= WORKS => return Compiling::No("the GPU is at work".to_owned()),
        Some(_) => {}
    }
    let thread = program.launching_thread();
    if thread < FULL {
        return Compiling::No("no thread of the program is full".to_owned());
    }
    let loaded = program.has_compiler();
    if loaded == Some(false) {
        return Compiling::No("the driver's compiler is not loaded".to_owned());
    }
    let cache = watch.load.compiled.as_ref().filter(|_| program.has_seen_cache(watch.facts));
    let Some(cache) = cache else {
        return Compiling::Maybe(format!(
            "the GPU is idle, one thread is busy {thread} % of the time, and nobody saw CUDA's cache"
        ));
    };
    match judge(cache, loaded, thread) {
        // Whoever is not asked about was seen once, at the end: that the cache grew is proof, a loaded compiler is none.
        Compiling::Yes { summary, .. } if program.asked.is_none() && !grew(cache) => {
            Compiling::Maybe(summary)
        }
        told @ (Compiling::No(_) | Compiling::Maybe(_) | Compiling::Yes { .. }) => told,
    }
}

fn grew(cache: &CompiledCode) -> bool {
    cache.bytes_after > Some(cache.bytes_before.unwrap_or(0))
}

fn judge(cache: &CompiledCode, loaded: Option<bool>, thread: u32) -> Compiling {
    let useless = useless(cache);
    let sure = loaded == Some(true);
    let seen = |what: &str| format!("the GPU is idle, one thread is busy {thread} % of the time, {what}");
    match (cache.bytes_before, cache.bytes_after) {
        (before, Some(after)) if after > before.unwrap_or(0) => {
            let grown = size_of(after - before.unwrap_or(0));
            let summary = seen(&format!("and CUDA's cache of compiled code grew by {grown}"));
            Compiling::Yes { summary, every_run: useless }
        }
        _ if sure && useless.is_some() => {
            let summary = seen("and the driver's compiler is loaded");
            Compiling::Yes { summary, every_run: useless }
        }
        (None, None) if sure => {
            let summary = seen("the driver's compiler is loaded, and nothing is in CUDA's cache yet");
            Compiling::Yes { summary, every_run: None }
        }
        (_, _) if sure => {
            Compiling::Maybe(seen("the driver's compiler is loaded, and its cache did not grow"))
        }
        (_, _) => Compiling::No("CUDA's cache of compiled code did not grow".to_owned()),
    }
}

/// Why a cache keeps nothing, or not for long.
fn useless(cache: &CompiledCode) -> Option<String> {
    let is_set = |value: &&String| value.trim().parse::<i64>().is_ok_and(|value| value != 0);
    if let Some(value) = cache.disable.as_ref().filter(is_set) {
        return Some(format!("CUDA_CACHE_DISABLE={value} turns the cache off"));
    }
    let is_tiny = |value: &&String| value.trim().parse::<u64>().is_ok_and(|value| value < TINY);
    if let Some(value) = cache.max_size.as_ref().filter(is_tiny) {
        return Some(format!("CUDA_CACHE_MAXSIZE={value} bytes hold no framework's code"));
    }
    let folder = cache.folder.as_deref().unwrap_or("its folder");
    (cache.writable == Some(false)).then(|| format!("{folder} is closed to the program's user"))
}

fn size_of(bytes: u64) -> String {
    if bytes < 1 << 20 { format!("{} KiB", bytes.div_ceil(1 << 10)) } else { size(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(before: Option<u64>, after: Option<u64>) -> CompiledCode {
        CompiledCode { writable: Some(true), bytes_before: before, bytes_after: after, ..Default::default() }
    }

    fn told(cache: &CompiledCode, loaded: Option<bool>) -> (bool, bool) {
        match judge(cache, loaded, 99) {
            Compiling::Yes { every_run, .. } => (true, every_run.is_some()),
            Compiling::Maybe(_) => (true, true),
            Compiling::No(_) => (false, false),
        }
    }

    #[test]
    fn a_cache_that_grows_tells_that_the_driver_compiles() {
        let sizes = [
            (Some(10), Some(20), None, (true, false)),
            (None, Some(20), None, (true, false)),
            (None, None, Some(true), (true, false)),
            (None, None, None, (false, false)),
            (Some(20), Some(20), None, (false, false)),
            // CUDA has thrown something out.
            (Some(20), Some(10), None, (false, false)),
        ];
        for (before, after, loaded, expected) in sizes {
            assert_eq!(told(&cache(before, after), loaded), expected, "{before:?} {after:?} {loaded:?}");
        }
    }

    #[test]
    fn a_loaded_compiler_alone_tells_nothing() {
        assert!(matches!(judge(&cache(Some(20), Some(20)), Some(true), 99), Compiling::Maybe(_)));
    }

    #[test]
    fn a_cache_that_keeps_nothing_makes_every_run_slow() {
        let whole = cache(None, None);
        let off = CompiledCode { disable: Some("1".to_owned()), ..whole.clone() };
        let on = CompiledCode { disable: Some("0".to_owned()), ..whole.clone() };
        let tiny = CompiledCode { max_size: Some("1000".to_owned()), ..whole.clone() };
        let odd = CompiledCode { max_size: Some("much".to_owned()), ..whole.clone() };
        let closed = CompiledCode { writable: Some(false), ..whole };
        for (cache, every_run) in [(off, true), (on, false), (tiny, true), (odd, false), (closed, true)] {
            assert_eq!(told(&cache, Some(true)), (true, every_run), "{cache:?}");
        }
    }
}

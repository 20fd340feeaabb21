//! The machine that is replayed: the scenario as the process found it.
//!
//! Invariant: read once, at the first call; what cannot be read is said once, and refuses every call.

use crate::scenario::{Fault, Gpu, Reading, Scenario, TRACE, VARIABLE};
use std::{
    env,
    fs::{File, OpenOptions},
    io::Write,
    path::Path,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

/// The machine, and how often each of its faults was met.
pub(crate) struct Machine {
    pub(crate) scenario: Scenario,
    met: Mutex<Vec<u64>>,
}

static MACHINE: OnceLock<Option<Machine>> = OnceLock::new();
static LOG: OnceLock<Option<Mutex<File>>> = OnceLock::new();

/// The machine; none where no scenario could be read.
pub(crate) fn machine() -> Option<&'static Machine> {
    let read = || match read(env::var_os(VARIABLE).as_deref().map(Path::new)) {
        Ok(scenario) => Some(Machine { met: Mutex::new(vec![0; scenario.faults.len()]), scenario }),
        Err(why) => {
            complain(&why);
            None
        }
    };
    MACHINE.get_or_init(read).as_ref()
}

fn read(file: Option<&Path>) -> Result<Scenario, String> {
    let file = file.ok_or_else(|| format!("{VARIABLE} names no scenario"))?;
    let said = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let text = std::fs::read(file).map_err(|error| said(&error))?;
    serde_json::from_slice(&text).map_err(|error| said(&error))
}

/// Says something on standard error, where anybody reads it.
pub(crate) fn complain(what: &str) {
    let _unread = writeln!(std::io::stderr(), "gpusim: {what}");
}

/// Appends a line to the log, where there is one.
pub(crate) fn trace(line: &str) {
    let open = || {
        let file = OpenOptions::new().create(true).append(true).open(env::var_os(TRACE)?);
        file.map_err(|error| complain(&format!("{TRACE}: {error}"))).ok().map(Mutex::new)
    };
    if let Some(log) = LOG.get_or_init(open) {
        let _full = lock(log).write_all(format!("{line}\n").as_bytes());
    }
}

/// A panic elsewhere costs its own call and no other.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Machine {
    /// The driver's branch: 535 of 535.161.08.
    pub(crate) fn branch(&self) -> u32 {
        crate::branches::branch(&self.scenario.driver.version).unwrap_or(u32::MAX)
    }

    /// The GPU in a place of the list.
    pub(crate) fn gpu(&self, index: usize) -> Option<&Gpu> {
        self.scenario.gpus.get(index)
    }

    /// The faults that this call meets now. Each call of this counts.
    pub(crate) fn faults(&self, symbol: &str, gpu: Option<usize>) -> Vec<&Fault> {
        let mut met = lock(&self.met);
        let faults = self.scenario.faults.iter().zip(met.iter_mut());
        let concerned = faults
            .filter(|(fault, _)| matches(&fault.call, symbol) && fault.gpu.is_none_or(|of| gpu == Some(of)));
        let now = concerned.filter_map(|(fault, count)| {
            *count += 1;
            let due =
                fault.nth.is_none_or(|nth| *count == nth) && fault.from.is_none_or(|from| *count >= from);
            due.then_some(fault)
        });
        now.collect()
    }
}

fn matches(pattern: &str, symbol: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => symbol.starts_with(beginning),
        None => pattern == symbol,
    }
}

/// A reading that a scenario gives, or the code of its absence.
pub(crate) fn told<T: Clone>(reading: Option<&Reading<T>>) -> Result<T, u32> {
    match reading {
        Some(Reading::Told(value)) => Ok(value.clone()),
        Some(Reading::Refused { error }) => Err(*error),
        None => Err(crate::nvml::NOT_SUPPORTED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(faults: &str) -> Machine {
        let text = format!(r#"{{"driver": {{"version": "535.161.08", "cuda": 12020}}, "faults": {faults}}}"#);
        let scenario: Scenario = serde_json::from_str(&text).unwrap();
        Machine { met: Mutex::new(vec![0; scenario.faults.len()]), scenario }
    }

    #[test]
    fn faults_are_met_by_call_number_and_gpu() {
        let machine = machine(
            r#"[{"call": "cuMem*", "nth": 2, "do": "hang"}, {"call": "cuMemFree_v2", "gpu": 1, "do": "segv"},
                {"call": "cuMemFree_v2", "from": 2, "do": "abort"}]"#,
        );
        let met = |symbol, gpu| {
            machine.faults(symbol, gpu).iter().map(|fault| fault.call.clone()).collect::<Vec<_>>()
        };
        assert_eq!(met("cuMemAlloc_v2", Some(0)), [""; 0]);
        assert_eq!(met("cuMemFree_v2", Some(1)), ["cuMem*", "cuMemFree_v2"]);
        assert_eq!(met("cuMemFree_v2", Some(0)), ["cuMemFree_v2"]);
        assert_eq!(met("cuInit", None), [""; 0]);
    }

    #[test]
    fn a_scenario_that_is_not_there_or_not_one_is_said() {
        assert!(read(None).unwrap_err().contains(VARIABLE));
        assert!(
            read(Some(Path::new("/nowhere.json"))).unwrap_err().starts_with("/nowhere.json: No such file")
        );
        let folder = std::env::temp_dir().join(format!("gpusim-{}.json", std::process::id()));
        std::fs::write(&folder, "{\n  \"drivers\": 1\n}").unwrap();
        let error = read(Some(&folder)).unwrap_err();
        assert!(error.contains("unknown field `drivers`") && error.contains("line 2"), "{error}");
        std::fs::remove_file(folder).unwrap();
    }
}

//! Event sets.
//!
//! Invariants: a set is a number that is never followed; what a scenario lets happen is told once in a process, and to a
//! set that asked for it.

use super::{INVALID_ARGUMENT, TIMEOUT, handle::Handle, initialized};
use crate::{
    call::{Api, Outcome, exports},
    machine::{Machine, lock},
    outs::{Concerns, Out},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{LazyLock, Mutex},
    time::Duration,
};

/// Single and double bit errors, performance state, Xid, clocks.
const EVENTS: u64 = 0x1f;
/// `nvmlEventTypeXidCriticalError`.
const XID: u64 = 8;
/// Where handles begin.
const FIRST: usize = 0x6770_0e00;
/// No wait is longer, however long is asked for: nothing can happen here any more.
const LONGEST: Duration = Duration::from_secs(1);

/// The sets of this process.
#[derive(Default)]
struct Sets {
    made: usize,
    /// Places of the GPUs that each set hears of Xids of.
    heard: BTreeMap<usize, BTreeSet<usize>>,
    /// How many Xids were told of each GPU.
    told: BTreeMap<usize, usize>,
}

static SETS: LazyLock<Mutex<Sets>> = LazyLock::new(Mutex::default);

/// `nvmlEventData_t`; the first version of the call has its first three fields.
struct Event {
    device: usize,
    xid: u64,
}

fn create(set: Out<usize>) -> Outcome {
    initialized()?;
    let mut sets = lock(&SETS);
    sets.made += 1;
    let handle = FIRST + sets.made;
    set.put(handle, INVALID_ARGUMENT)?;
    sets.heard.insert(handle, BTreeSet::new());
    Ok(())
}

fn register(machine: &'static Machine, device: Handle, events: u64, set: usize) -> Outcome {
    device.gpu_of(machine)?;
    let mut sets = lock(&SETS);
    let gpus = sets.heard.get_mut(&set).ok_or(INVALID_ARGUMENT)?;
    if events & !EVENTS != 0 {
        return Err(INVALID_ARGUMENT);
    }
    if events & XID != 0 {
        gpus.extend(device.gpu());
    }
    Ok(())
}

/// What a set has not been told yet.
fn next(machine: &'static Machine, set: usize) -> Result<Option<Event>, u32> {
    initialized()?;
    let mut sets = lock(&SETS);
    let Sets { heard, told, .. } = &mut *sets;
    for place in heard.get(&set).ok_or(INVALID_ARGUMENT)? {
        let told = told.entry(*place).or_default();
        if let Some(xid) = machine.gpu(*place).and_then(|gpu| gpu.xid_events.get(*told)) {
            *told += 1;
            return Ok(Some(Event { device: Handle::address(*place), xid: *xid }));
        }
    }
    Ok(None)
}

fn wait(machine: &'static Machine, set: usize, data: Out<u64>, wait_ms: u32, instances: bool) -> Outcome {
    if data.is_null() {
        return Err(INVALID_ARGUMENT);
    }
    let Some(Event { device, xid }) = next(machine, set)? else {
        std::thread::sleep(Duration::from_millis(wait_ms.into()).min(LONGEST));
        return Err(TIMEOUT);
    };
    data.put(device as u64, INVALID_ARGUMENT)?;
    data.put_at(1, XID, INVALID_ARGUMENT)?;
    data.put_at(2, xid, INVALID_ARGUMENT)?;
    // No instance: all ones for both.
    if instances { data.put_at(3, u64::MAX, INVALID_ARGUMENT) } else { Ok(()) }
}

exports! { Api::Nvml;
    nvmlEventSetCreate(set: Out<usize>) |_| create(set);
    nvmlDeviceRegisterEvents(device: Handle, events: u64, set: usize) |machine| {
        register(machine, device, events, set)
    };
    nvmlDeviceGetSupportedEventTypes(device: Handle, events: Out<u64>) |machine| {
        device.gpu_of(machine)?;
        events.put(EVENTS, INVALID_ARGUMENT)
    };
    nvmlEventSetWait(set: usize, data: Out<u64>, wait_ms: u32) |machine| wait(machine, set, data, wait_ms, false);
    nvmlEventSetWait_v2(set: usize, data: Out<u64>, wait_ms: u32) |machine| wait(machine, set, data, wait_ms, true);
    nvmlEventSetFree(set: usize) |_| {
        initialized()?;
        lock(&SETS).heard.remove(&set).map(|_| ()).ok_or(INVALID_ARGUMENT)
    };
}

//! What a process has of CUDA: contexts, memory, modules, streams, events.
//!
//! Invariant: one lock, held for a call; handles count up and are never given twice.

use super::{
    INVALID_CONTEXT, INVALID_DEVICE, NOT_INITIALIZED,
    memory::Allocation,
    visible::{self, Visible},
};
use crate::{
    contexts::{self, Noted},
    machine::{Machine, lock},
    ptx::Program,
    scenario::{Gpu, Instance, Memory, Process, ProcessKind},
};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    env,
    sync::{Arc, LazyLock, Mutex, MutexGuard},
};

/// `CUDA_ERROR_CONTEXT_IS_DESTROYED`.
const CONTEXT_IS_DESTROYED: u32 = 709;

/// A context.
pub(super) struct Context {
    /// CUDA's number of its device.
    pub(super) device: usize,
    /// How often it was retained. Those that were created have 1.
    pub(super) retained: u32,
    /// It is the device's own.
    pub(super) primary: bool,
}

/// Everything.
#[derive(Default)]
pub(super) struct State {
    pub(super) devices: Option<Vec<Visible>>,
    pub(super) contexts: BTreeMap<usize, Context>,
    pub(super) allocations: BTreeMap<u64, Allocation>,
    /// The allocation that was made last.
    pub(super) latest: Option<u64>,
    /// Modules, and the context that each was loaded in.
    pub(super) modules: BTreeMap<usize, (Arc<Program>, usize)>,
    /// Functions: their module, and their entry in its program.
    pub(super) functions: BTreeMap<usize, (usize, usize)>,
    pub(super) streams: BTreeSet<usize>,
    /// Events: what the clock of the GPU said when they were recorded.
    pub(super) events: BTreeMap<usize, Option<f64>>,
    /// Each GPU's clock, in seconds.
    pub(super) clocks: BTreeMap<usize, f64>,
    /// The first address that each GPU's memory ever had.
    pub(super) firsts: BTreeMap<usize, u64>,
    /// The contexts that were noted last.
    noted: Vec<Noted>,
    handles: usize,
}

static STATE: LazyLock<Mutex<State>> = LazyLock::new(Mutex::default);

thread_local! {
    /// The thread's stack of contexts.
    pub(super) static STACK: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// The state, whether or not `cuInit` was called.
pub(super) fn any() -> MutexGuard<'static, State> {
    lock(&STATE)
}

/// The state after `cuInit`.
pub(super) fn state() -> Result<MutexGuard<'static, State>, u32> {
    let state = any();
    if state.devices.is_some() { Ok(state) } else { Err(NOT_INITIALIZED) }
}

impl State {
    /// Looks once which devices the process has.
    pub(super) fn initialize(&mut self, machine: &Machine) -> usize {
        let variable = |name| env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        let look = || {
            let (wanted, order) = (variable("CUDA_VISIBLE_DEVICES"), variable("CUDA_DEVICE_ORDER"));
            visible::devices(&machine.scenario, wanted.as_deref(), order.as_deref())
        };
        self.devices.get_or_insert_with(look).len()
    }

    /// A handle that is not yet one of anything.
    pub(super) fn handle(&mut self) -> usize {
        self.handles += 1;
        0x6720_0000 + self.handles * 0x10
    }

    /// What CUDA's device of this number is.
    pub(super) fn device(&self, number: i32) -> Result<(usize, Visible), u32> {
        let index = usize::try_from(number).map_err(|_| INVALID_DEVICE)?;
        let devices = self.devices.as_ref().ok_or(NOT_INITIALIZED)?;
        devices.get(index).map(|device| (index, *device)).ok_or(INVALID_DEVICE)
    }

    /// The current context, and its device.
    pub(super) fn current(&self) -> Result<(usize, Visible), u32> {
        let handle = STACK.with_borrow(|stack| stack.last().copied()).ok_or(INVALID_CONTEXT)?;
        let context = self.contexts.get(&handle).ok_or(CONTEXT_IS_DESTROYED)?;
        let device = self.devices.as_ref().and_then(|all| all.get(context.device)).ok_or(INVALID_DEVICE)?;
        Ok((handle, *device))
    }

    /// Memory that this process has on a device.
    pub(super) fn taken(&self, device: Visible) -> u64 {
        self.allocations.values().filter(|one| one.device == device).map(|one| one.length as u64).sum()
    }

    /// Notes the contexts, where they or their memory have changed.
    pub(super) fn note(&mut self, machine: &'static Machine) {
        let used: BTreeSet<usize> = self.contexts.values().map(|context| context.device).collect();
        let all = self.devices.as_deref().unwrap_or_default();
        let devices = used.into_iter().filter_map(|device| all.get(device));
        let noted: Vec<Noted> = devices.map(|device| (device.gpu, self.process(machine, *device))).collect();
        if noted != self.noted {
            contexts::note(machine, &noted);
            self.noted = noted;
        }
    }

    /// This process, as NVML lists it.
    fn process(&self, machine: &'static Machine, device: Visible) -> Process {
        let instance = behind(machine, device).ok().and_then(|(_, instance)| instance);
        Process {
            pid: std::process::id(),
            memory: Some(self.taken(device)),
            kind: ProcessKind::Compute,
            gpu_instance: instance.zip(device.instance).map(|(instance, place)| instance.gpu_instance(place)),
            activity: None,
            memory_activity: None,
        }
    }

    /// Ends a context, with all that was made in it.
    pub(super) fn destroy(&mut self, context: usize) {
        self.contexts.remove(&context);
        self.allocations.retain(|_, allocation| allocation.context != context);
        self.modules.retain(|_, (_, of)| *of != context);
        let State { functions, modules, .. } = self;
        functions.retain(|_, (module, _)| modules.contains_key(module));
    }
}

/// A device's GPU and, where it is one, its instance.
pub(super) fn behind(
    machine: &'static Machine,
    device: Visible,
) -> Result<(&'static Gpu, Option<&'static Instance>), u32> {
    let gpu = machine.gpu(device.gpu).ok_or(INVALID_DEVICE)?;
    let of = |number| gpu.mig.as_ref().and_then(|mig| mig.instances.get(number));
    Ok((gpu, device.instance.and_then(of)))
}

/// Its memory.
pub(super) fn memory(machine: &'static Machine, device: Visible) -> Result<Memory, u32> {
    let (gpu, instance) = behind(machine, device)?;
    Ok(instance.map_or(gpu.memory, |instance| instance.memory))
}

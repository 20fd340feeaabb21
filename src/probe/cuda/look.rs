//! The worker's side: open, initialize, describe each device, then have each one add.

use super::{Cuda, NO_DEVICE, SONAME, api::Api, compute};
use crate::{child::Trail, probe::library, worker::Ask};
use gpucheck_checks::fact::{Compute, ComputeDevice, CudaDevice, Driver, Observed, ProbeFailure, VectorAdd};

/// Asks libcuda in this process.
pub(crate) fn look(ask: &Ask, trail: &mut Trail) -> Cuda {
    trail.step(&format!("dlopen {SONAME}"));
    let opened = match library::open(SONAME, &ask.search) {
        Ok(opened) => opened,
        Err(by) => {
            let mut cuda = unasked(&format!("{SONAME} was not loaded"));
            cuda.driver.library = Observed::Failed(by);
            return cuda;
        }
    };
    let mut cuda = unasked(ask.hold_init.as_deref().unwrap_or("not reached"));
    cuda.driver.library = Observed::Seen(opened.path);
    let mut api = Api::new(opened.library, trail);
    // Answers without a device and before cuInit, in every driver tried from R340 to R555.
    cuda.driver.version = api.version().into();
    api.so_far(&cuda);
    if ask.hold_init.is_none() {
        initialize(&mut api, &mut cuda);
    }
    cuda
}

/// How many devices CUDA lists in this process; none where it could not be asked. No context is opened.
pub(crate) fn count(ask: &Ask, trail: &mut Trail) -> Option<usize> {
    trail.step(&format!("dlopen {SONAME}"));
    let opened = library::open(SONAME, &ask.search).ok()?;
    let mut api = Api::new(opened.library, trail);
    match api.init(0) {
        Ok(()) => usize::try_from(api.count().ok()?).ok(),
        Err(by) => (by.refusal_code() == Some(NO_DEVICE)).then_some(0),
    }
}

fn unasked(why: &str) -> Cuda {
    let visible =
        std::env::var_os("CUDA_VISIBLE_DEVICES").map(|visible| visible.to_string_lossy().into_owned());
    Cuda {
        driver: Driver { visible_devices: visible, ..Driver::unasked(why) },
        compute: Observed::not_probed(why),
        computing: false,
    }
}

fn initialize(api: &mut Api<'_>, cuda: &mut Cuda) {
    cuda.driver.init = api.init(0).into();
    if cuda.driver.init.failure().is_some() {
        cuda.driver.devices = Observed::not_probed("cuInit failed");
        cuda.compute = Observed::not_probed("cuInit failed");
        return;
    }
    api.so_far(cuda);
    match api.count() {
        Ok(count) => use_devices(api, cuda, count),
        Err(by) => {
            cuda.driver.devices = Observed::Failed(by);
            cuda.compute = Observed::not_probed("the devices were not counted");
        }
    }
}

/// Describes every device before the first one works: the list must survive what a kernel may do.
fn use_devices(api: &mut Api<'_>, cuda: &mut Cuda, count: i32) {
    let mut devices: Vec<CudaDevice> = (0..count).map(|ordinal| describe(api, ordinal)).collect();
    let mut computed = Compute::default();
    let mut spoilt: Option<String> = None;
    for position in 0..devices.len() {
        tell(api, cuda, &devices, &computed, false);
        let Some(device) = devices.get_mut(position) else { break };
        if let Some(why) = &spoilt {
            device.context = Observed::not_probed(why);
            continue;
        }
        let context = match api.device(device.ordinal).and_then(|number| Ok((number, api.retain(number)?))) {
            Ok(context) => context,
            Err(by) => {
                device.context = Observed::Failed(by);
                continue;
            }
        };
        device.context = Observed::Seen(());
        let (ordinal, pci) = (device.ordinal, device.pci.seen().cloned());
        tell(api, cuda, &devices, &computed, true);
        let vector_add = work(api, context);
        spoilt = vector_add.as_ref().err().and_then(|by| spoils_process(by, ordinal));
        computed.devices.push(ComputeDevice { ordinal, pci, vector_add: vector_add.into() });
    }
    tell(api, cuda, &devices, &computed, false);
}

/// Takes over what is known and tells it to the parent.
fn tell(api: &mut Api<'_>, cuda: &mut Cuda, devices: &[CudaDevice], computed: &Compute, computing: bool) {
    cuda.driver.devices = Observed::Seen(devices.to_vec());
    cuda.compute = Observed::Seen(computed.clone());
    cuda.computing = computing;
    api.so_far(cuda);
}

fn describe(api: &mut Api<'_>, ordinal: i32) -> CudaDevice {
    let device = api.device(ordinal);
    let device = || device.clone();
    CudaDevice {
        ordinal,
        pci: device().and_then(|device| api.pci(device)).into(),
        name: device().and_then(|device| api.name(device)).into(),
        compute_capability: device().and_then(|device| api.compute_capability(device)).into(),
        memory: device().and_then(|device| api.memory(device)).into(),
        context: Observed::not_probed("not reached"),
    }
}

/// Adds in the context of a device, then gives the context back.
fn work(api: &mut Api<'_>, (device, context): (i32, usize)) -> Result<VectorAdd, ProbeFailure> {
    let sum = api.make_current(context).and_then(|()| compute::vector_add(api));
    let released = api.release(device);
    sum.and_then(|sum| released.map(|()| sum))
}

/// Why no other device can be used after this failure: cuda.h says of these that they leave the process in an
/// inconsistent state, and that any further CUDA work returns the same error.
pub(super) fn spoils_process(by: &ProbeFailure, ordinal: i32) -> Option<String> {
    let ProbeFailure::Refused { code: 700 | 702 | 710 | 714..=719, name, .. } = by else { return None };
    Some(format!("device {ordinal} left {name}, which CUDA keeps for the whole process"))
}

//! One device's work, step after step. What fails costs its step; what CUDA keeps costs the rest.

use super::{
    super::api::Api,
    arithmetic,
    bench::Bench,
    desk::Desk,
    look::Products,
    memory::{self, Region},
    plan::{DevicePlan, LITTLE, Plan, SCARCE},
    products, rounds,
    told::Step,
    transfers::{self, Host},
};
use cudarc::driver::sys::CUdevice_attribute as Attribute;
use gpucheck_checks::{
    fact::{Level, MadeOf, MemoryTest, Observed, ProbeFailure},
    kernels::MULTIPLY,
};

/// What is left of free memory where all is taken: one of so many parts, and at least and at most so many bytes.
const LEFT: (u64, u64, u64) = (64, 16 << 20, 512 << 20);
/// Time of the device for arithmetic: usually, in deep work, in a round of work that goes on; in microseconds.
const ARITHMETIC: [u64; 3] = [30_000, 200_000, 2_000_000];
/// Blocks for each multiprocessor.
const BLOCKS: u32 = 8;
/// Multiprocessors where their number was not told.
const MULTIPROCESSORS: u32 = 64;

/// What is to be done with which device.
#[derive(Clone, Copy)]
pub(super) struct Job<'a> {
    pub(super) plan: &'a Plan,
    pub(super) device: &'a DevicePlan,
    pub(super) products: &'a Products,
}

/// Does it. What came of it is on the desk.
pub(super) fn work(api: &mut Api<'_>, job: Job<'_>, desk: &mut Desk<'_>) {
    desk.device.stepped_back.clone_from(&job.device.stepped_back);
    let began = desk.begin(api, Step::Context);
    let retained = api.device(job.device.ordinal).and_then(|number| Ok((number, api.retain(number)?)));
    let Some((number, context)) = desk.end(Step::Context, began, retained) else {
        return desk.leave("it had no context");
    };
    match api.make_current(context) {
        Ok(()) => in_context(api, number, job, desk),
        Err(by) => desk.fail(Step::Context, &by),
    }
    let released = api.release(number);
    desk.given_back(Step::Context, released);
    let why = desk.spoilt();
    desk.leave(why.as_deref().unwrap_or("a step before it failed"));
}

fn in_context(api: &mut Api<'_>, number: i32, job: Job<'_>, desk: &mut Desk<'_>) {
    desk.device.free = api.free_memory().into();
    desk.device.made_of = made_of(api, number).into();
    let multiprocessors = desk.device.made_of.seen().map(|made_of| made_of.multiprocessors);
    let blocks =
        multiprocessors.filter(|count| (1..=1024).contains(count)).unwrap_or(MULTIPROCESSORS) * BLOCKS;
    let began = desk.begin(api, Step::Load);
    let opened = Bench::new(api, blocks);
    let Some(mut bench) = desk.end(Step::Load, began, opened) else {
        return desk.leave("the code of the work was not loaded");
    };
    loop {
        round(&mut bench, job, desk);
        if desk.has_failed() {
            break;
        }
        desk.device.rounds += 1;
        if !desk.goes_on() {
            break;
        }
    }
    let closed = bench.close();
    desk.given_back(Step::Load, closed);
}

fn made_of(api: &mut Api<'_>, number: i32) -> Result<MadeOf, ProbeFailure> {
    let mut ask = |attribute| {
        let value = api.attribute(number, attribute)?;
        Ok(u32::try_from(value).unwrap_or_default())
    };
    Ok(MadeOf {
        multiprocessors: ask(Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?,
        clock_khz: ask(Attribute::CU_DEVICE_ATTRIBUTE_CLOCK_RATE)?,
        memory_clock_khz: ask(Attribute::CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE)?,
        memory_bus_width: ask(Attribute::CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH)?,
    })
}

/// Everything once. A step is not begun where CUDA keeps an error of one before.
fn round(bench: &mut Bench<'_, '_>, job: Job<'_>, desk: &mut Desk<'_>) {
    let [integers, floats] = MULTIPLY;
    if let Some(product) = step(bench, desk, Step::IntegerProduct, |bench| {
        products::multiply(bench, integers, &job.products.integers)
    }) {
        desk.device.integer_product = rounds::add(&desk.device.integer_product, Observed::Seen(product));
    }
    if let Some(product) =
        step(bench, desk, Step::FloatProduct, |bench| products::multiply(bench, floats, &job.products.floats))
    {
        desk.device.float_product = rounds::add(&desk.device.float_product, Observed::Seen(product));
    }
    if let Some(why) = with_memory(bench, job, desk) {
        desk.device.arithmetic = Observed::NotProbed { why };
        return;
    }
    let [usual, deep, soak] = ARITHMETIC;
    let enough = match job.plan.level {
        Level::Usual => usual,
        Level::Deep => deep,
        Level::Soak => soak,
    };
    if let Some(done) = step(bench, desk, Step::Arithmetic, |bench| arithmetic::compute(bench, enough)) {
        desk.device.arithmetic = rounds::add(&desk.device.arithmetic, Observed::Seen(done));
    }
}

fn step<T>(
    bench: &mut Bench<'_, '_>,
    desk: &mut Desk<'_>,
    step: Step,
    run: impl FnOnce(&mut Bench<'_, '_>) -> Result<T, ProbeFailure>,
) -> Option<T> {
    if desk.spoilt().is_some() {
        return None;
    }
    let began = desk.begin(bench.api, step);
    let done = run(bench);
    desk.end(step, began, done)
}

/// What needs much memory: it is taken once for all of it. Returns why nothing is to be timed.
fn with_memory(bench: &mut Bench<'_, '_>, job: Job<'_>, desk: &mut Desk<'_>) -> Option<String> {
    let Some(free) = desk.device.free.seen().copied() else {
        desk.device.memory = Observed::not_probed("how much of it is free was not told");
        return Some("how much memory is free was not told".to_owned());
    };
    let (wanted, scarce) = room(job.device, free);
    if desk.device.stepped_back.is_none() {
        desk.device.stepped_back.clone_from(&scarce);
    }
    let untimed = job.device.untimed.clone().or(scarce);
    if desk.spoilt().is_some() {
        return untimed;
    }
    let mark = bench.mark();
    let began = desk.begin(bench.api, Step::Memory);
    match memory::take(bench, wanted) {
        Err(by) => _ = desk.end::<()>(Step::Memory, began, Err(by)),
        Ok(region) if region.chunks.is_empty() => {
            desk.device.memory = Observed::not_probed("none of it is free");
        }
        Ok(region) => {
            desk.device.memory = test_memory(bench, &region, job, desk);
            if let Some(by) = desk.device.memory.failure().cloned() {
                desk.note(&by);
            }
            _ = desk.end(Step::Memory, began, Ok(()));
            transfer(bench, &region, (job, untimed.as_deref()), desk);
        }
    }
    let given = bench.give_back(mark);
    desk.given_back(Step::Memory, given);
    untimed
}

/// Bytes that shall be taken of those that are free, and why these are few.
fn room(device: &DevicePlan, free: u64) -> (u64, Option<String>) {
    if free < SCARCE {
        let most = device.most.unwrap_or(LITTLE).min(LITTLE);
        return (most.min(free / 2), Some(format!("{} MiB of its memory are free", free >> 20)));
    }
    let (part, least, most) = LEFT;
    (device.most.map_or(free - (free / part).clamp(least, most), |most| most.min(free / 2)), None)
}

fn test_memory(
    bench: &mut Bench<'_, '_>,
    region: &Region,
    job: Job<'_>,
    desk: &mut Desk<'_>,
) -> Observed<MemoryTest> {
    let before = desk.device.memory.clone();
    let level = job.plan.level;
    let tested = memory::test(bench, region, &job.plan.passes, |bench, test| {
        desk.device.memory = rounds::add(&before, Observed::Seen(test.clone()));
        desk.tell(bench.api, Step::Memory);
        if level != Level::Usual {
            let passes = (level == Level::Deep).then_some(job.plan.passes.len());
            let progress = desk.progress(test, passes);
            bench.api.progress(&progress);
        }
        !desk.is_late()
    });
    rounds::add(&before, tested)
}

/// The copies, once, where they are to be timed.
fn transfer(
    bench: &mut Bench<'_, '_>,
    region: &Region,
    (job, untimed): (Job<'_>, Option<&str>),
    desk: &mut Desk<'_>,
) {
    if desk.device.rounds > 0 {
        return;
    }
    if let Some(why) = untimed {
        desk.device.copy = Observed::not_probed(why);
    } else if let Some(copy) = step(bench, desk, Step::Copy, |bench| transfers::within(bench, region)) {
        desk.device.copy = Observed::Seen(copy);
    }
    if let Some(why) = untimed.or(job.device.without_host.as_deref()) {
        desk.device.upload = Observed::not_probed(why);
        desk.device.download = Observed::not_probed(why);
        return;
    }
    let Some(mut host) = step(bench, desk, Step::Download, |bench| Host::new(bench, region)) else { return };
    if let Some(download) = step(bench, desk, Step::Download, |bench| host.download(bench, region)) {
        desk.device.download = Observed::Seen(download);
    }
    if let Some(upload) = step(bench, desk, Step::Upload, |bench| host.upload(bench, region)) {
        desk.device.upload = Observed::Seen(upload);
    }
    let closed = host.close(bench);
    desk.given_back(Step::Download, closed);
}

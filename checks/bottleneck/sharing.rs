//! Whether a GPU is shared with others: its time, or its memory.

use super::{BUSY, GpuWork, Watch};
use crate::{
    fact::GpuUse,
    holder::{self, Holder},
};

/// Time that others use of a GPU, in percent, that is felt: a display takes a few, this is a fifth of the GPU.
const OTHERS: u32 = 20;

/// Who else is on a GPU.
pub(crate) enum Sharing<'a> {
    /// Nobody whom the program would feel.
    Alone(String),
    /// Others use its time: theirs, most first, and what is left to the program; none where nobody was asked about.
    Time { others: Vec<GpuUse>, own: Option<u32> },
    /// Another program holds its memory.
    Memory(Box<Holder<'a>>),
    /// Another program is on it and at work, and the driver does not tell who uses its time.
    Untold(String),
    /// Who is on it cannot be seen from here.
    Unseen,
}

/// Who else is on this GPU.
pub(crate) fn sharing<'a>(watch: &Watch<'a>, gpu: &GpuWork<'a>) -> Sharing<'a> {
    if watch.load.asked.is_some() && !watch.tells_apart(gpu) {
        return Sharing::Unseen;
    }
    if let Some(holder) = memory_holder(watch, gpu) {
        return Sharing::Memory(Box::new(holder));
    }
    match gpu.load.processes.seen() {
        Some(used) => time(watch, used),
        None => by_lists(watch, gpu),
    }
}

fn own_pids<'w>(watch: &'w Watch) -> &'w [u32] {
    let asked = watch.program.as_ref().filter(|program| program.asked.is_some());
    asked.map(|program| program.pids.as_slice()).unwrap_or_default()
}

/// Who holds the memory that the program that was asked about would want: most of a full card, and more than itself.
fn memory_holder<'a>(watch: &Watch<'a>, gpu: &GpuWork<'a>) -> Option<Holder<'a>> {
    let own = own_pids(watch);
    let device = gpu.device.filter(|device| !own.is_empty() && !device.has_mig())?;
    let memory = device.memory.seen().filter(|memory| memory.is_full())?;
    let most = holder::holders(watch.facts, device).into_iter().next()?;
    let held = most.process.memory?;
    (!own.contains(&most.process.pid) && held >= memory.total / 2).then_some(most)
}

fn time<'a>(watch: &Watch, used: &[GpuUse]) -> Sharing<'a> {
    let own = own_pids(watch);
    let mut parts: Vec<GpuUse> = used.iter().filter(|part| part.activity <= 100).copied().collect();
    parts.sort_by_key(|part| (std::cmp::Reverse(part.activity), part.pid));
    let (mine, others): (Vec<GpuUse>, Vec<GpuUse>) =
        parts.into_iter().partition(|part| own.contains(&part.pid));
    let felt: Vec<GpuUse> = others.iter().filter(|part| part.activity >= OTHERS).copied().collect();
    let sum: u32 = others.iter().map(|part| part.activity).sum();
    if own.is_empty() {
        return match felt.as_slice() {
            [_, _, ..] => Sharing::Time { others: felt, own: None },
            [] | [_] => Sharing::Alone(format!("{} used its time", programs(others.len()))),
        };
    }
    let of_own = mine.iter().map(|part| part.activity).sum();
    if sum >= OTHERS {
        let others = if felt.is_empty() { others } else { felt };
        return Sharing::Time { others, own: Some(of_own) };
    }
    Sharing::Alone(format!("other programs used {sum} % of its time"))
}

fn programs(count: usize) -> String {
    match count {
        0 => "no program".to_owned(),
        1 => "one program".to_owned(),
        count => format!("{count} programs"),
    }
}

/// Without the driver's word on each process: who is on the GPU, and which of them is at work on the processors, without
/// which nobody computes on a GPU.
fn by_lists<'a>(watch: &Watch, gpu: &GpuWork) -> Sharing<'a> {
    let Some(listed) = gpu.device.and_then(|device| device.compute_processes.seen()) else {
        return Sharing::Unseen;
    };
    let own = own_pids(watch);
    let host = watch.host.into_iter().flat_map(|host| &host.processes);
    let busy = host.filter(|used| used.percent >= BUSY);
    let on_it = |pid: u32| listed.iter().any(|process| process.pid == pid && !process.ours);
    let others: Vec<u32> =
        busy.map(|used| used.pid).filter(|pid| on_it(*pid) && !own.contains(pid)).collect();
    match others.as_slice() {
        [] => Sharing::Alone("no other program on it is at work".to_owned()),
        [_] if own.is_empty() => Sharing::Alone("one program on it is at work".to_owned()),
        [first, ..] => Sharing::Untold(format!(
            "process {first} is on it and at work too, and this driver does not tell who uses its time"
        )),
    }
}

//! Device memory.
//!
//! Invariants: an allocation is pages of this process that only its bounds lead to; there is a gap behind each, so that
//! whoever runs over its end meets nothing; what is given back is gone.

use super::{
    INVALID_VALUE, OUT_OF_MEMORY,
    speed::Task,
    state::{State, any, behind, memory, state},
    visible::Visible,
};
use crate::{
    call::{Api, Outcome, WRITTEN, exports},
    machine::Machine,
    outs::{Concerns, Out},
    ptx::Reach,
    scenario::BadBit,
};

/// Where device addresses begin, which is where NVIDIA's do.
const FIRST: u64 = 0x7f00_0000_0000;
/// Every allocation begins at a multiple of this, and is followed by at least as much that is nobody's.
const GAP: u64 = 512;

/// Pages that stand for device memory.
pub(super) struct Allocation {
    pages: usize,
    pub(super) length: usize,
    pub(super) device: Visible,
    pub(super) context: usize,
    /// Bits that do not change.
    stuck: Vec<Stuck>,
}

/// A bit of an allocation: its byte, its place there, and what it is.
#[derive(Clone, Copy)]
struct Stuck {
    byte: usize,
    mask: u8,
    set: bool,
}

impl Allocation {
    fn new(length: usize, device: Visible, context: usize) -> Option<Self> {
        // SAFETY: new anonymous pages at an address of the system's choice touch nothing that is there.
        let pages = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                length,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        (pages != libc::MAP_FAILED).then(|| Self {
            pages: pages.expose_provenance(),
            length,
            device,
            context,
            stuck: Vec::new(),
        })
    }

    /// Whatever was written, bits that are stuck are what they are.
    fn settle(&self) {
        for Stuck { byte, mask, set } in &self.stuck {
            let at = std::ptr::with_exposed_provenance_mut::<u8>(self.pages + byte);
            // SAFETY: only bytes of the allocation are among these, and nobody else has them while the state is locked.
            unsafe { if *set { *at |= mask } else { *at &= !mask } };
        }
    }

    /// Where the pages are, for this process.
    pub(super) fn pages(&self) -> usize {
        self.pages
    }
}

impl Drop for Allocation {
    fn drop(&mut self) {
        let pages = std::ptr::with_exposed_provenance_mut(self.pages);
        // SAFETY: these pages were mapped by `new` with this length, and nobody has them any longer.
        unsafe { libc::munmap(pages, self.length) };
    }
}

/// An address of device memory.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Address(pub(super) u64);

impl Concerns for Address {
    fn gpu(&self) -> Option<usize> {
        let state = any();
        state.find(self.0).map(|(_, allocation)| allocation.device.gpu)
    }
}

impl State {
    /// The allocation that an address is in.
    fn find(&self, address: u64) -> Option<(u64, &Allocation)> {
        let (start, allocation) = self.allocations.range(..=address).next_back()?;
        (address - start < allocation.length as u64).then_some((*start, allocation))
    }

    /// Where so many bytes from a device address on are in this process.
    fn bytes(&self, address: u64, length: usize) -> Option<usize> {
        let (start, allocation) = self.find(address)?;
        let offset = usize::try_from(address - start).ok()?;
        (length <= allocation.length - offset).then_some(allocation.pages + offset)
    }

    /// The same for an address of either kind: what is no device memory is the caller's.
    fn either(&self, address: u64, length: usize) -> Option<usize> {
        match self.find(address) {
            Some(_) => self.bytes(address, length),
            None => usize::try_from(address).ok().filter(|address| *address != 0),
        }
    }
}

impl Reach for State {
    fn around(&mut self, address: u64) -> Option<(u64, &mut [u8])> {
        let (start, allocation) = self.find(address)?;
        let pages = std::ptr::with_exposed_provenance_mut(allocation.pages);
        // SAFETY: these are the allocation's pages, which nobody else has while the state is locked.
        Some((start, unsafe { std::slice::from_raw_parts_mut(pages, allocation.length) }))
    }

    fn written(&mut self, start: u64) {
        if let Some(allocation) = self.allocations.get(&start) {
            allocation.settle();
        }
    }
}

/// The bits that are stuck in an allocation of a GPU whose memory began at `first`.
fn stuck(bits: &[BadBit], first: u64, start: u64, length: usize) -> Vec<Stuck> {
    let within = |bad: &BadBit| {
        let byte = usize::try_from(first.checked_add(bad.offset)?.checked_sub(start)?).ok()?;
        (byte < length).then_some(Stuck { byte, mask: 1 << (bad.bit % 8), set: bad.stuck != 0 })
    };
    bits.iter().filter_map(within).collect()
}

fn allocate(machine: &'static Machine, address: Out<u64>, length: u64) -> Outcome {
    let mut state = state()?;
    let (context, device) = state.current()?;
    if length == 0 || address.is_null() {
        return Err(INVALID_VALUE);
    }
    let has = memory(machine, device)?;
    let free = has.total.saturating_sub(has.reserved + has.used).saturating_sub(state.taken(device));
    let length = usize::try_from(length).ok().filter(|_| length <= free).ok_or(OUT_OF_MEMORY)?;
    let mut allocation = Allocation::new(length, device, context).ok_or(OUT_OF_MEMORY)?;
    let last = state.allocations.last_key_value();
    let start = last.map_or(FIRST, |(start, last)| (start + last.length as u64 + GAP).next_multiple_of(GAP));
    let first = *state.firsts.entry(device.gpu).or_insert(start);
    allocation.stuck = stuck(&behind(machine, device)?.0.bad_memory, first, start, length);
    allocation.settle();
    state.allocations.insert(start, allocation);
    state.latest = Some(start);
    address.put(start, INVALID_VALUE)
}

fn free(address: u64) -> Outcome {
    let mut state = state()?;
    state.current()?;
    if address == 0 {
        return Ok(());
    }
    state.allocations.remove(&address).map(|_| ()).ok_or(INVALID_VALUE)
}

/// Copies between places that are each the device's or the caller's.
fn copy(to: Option<usize>, from: Option<usize>, length: usize) -> Outcome {
    let (Some(to), Some(from)) = (to, from) else { return Err(INVALID_VALUE) };
    if to == 0 || from == 0 {
        return Err(INVALID_VALUE);
    }
    let from = std::ptr::with_exposed_provenance::<u8>(from);
    // SAFETY: what is the device's has been found within an allocation; for what is the caller's he answers.
    unsafe { std::ptr::copy(from, std::ptr::with_exposed_provenance_mut::<u8>(to), length) };
    WRITTEN.set(Some((to, length)));
    Ok(())
}

impl State {
    /// The current device has written here, and it took its time.
    fn wrote(&mut self, machine: &'static Machine, address: u64, task: Task) -> Outcome {
        let (_, device) = self.current()?;
        if let Some((_, allocation)) = self.find(address) {
            allocation.settle();
        }
        self.done(machine, device, task);
        Ok(())
    }
}

fn upload(machine: &'static Machine, to: u64, from: Out<u8>, length: usize) -> Outcome {
    let mut state = state()?;
    state.current()?;
    copy(state.bytes(to, length), Some(from.address()), length)?;
    state.wrote(machine, to, Task::Upload(length))
}

fn download(machine: &'static Machine, to: Out<u8>, from: u64, length: usize) -> Outcome {
    let mut state = state()?;
    let (_, device) = state.current()?;
    if let Some(byte) = crate::call::GARBAGE.get() {
        state.bytes(from, length).ok_or(INVALID_VALUE)?;
        return (0..length).try_for_each(|at| to.put_at(at, byte, INVALID_VALUE));
    }
    copy(Some(to.address()), state.bytes(from, length), length)?;
    state.done(machine, device, Task::Download(length));
    Ok(())
}

fn within(machine: &'static Machine, to: u64, from: u64, length: usize) -> Outcome {
    let mut state = state()?;
    state.current()?;
    copy(state.bytes(to, length), state.bytes(from, length), length)?;
    state.wrote(machine, to, Task::Copy(length))
}

fn unified(machine: &'static Machine, to: u64, from: u64, length: usize) -> Outcome {
    let mut state = state()?;
    state.current()?;
    copy(state.either(to, length), state.either(from, length), length)?;
    let task = match (state.find(to).is_some(), state.find(from).is_some()) {
        (true, true) => Task::Copy(length),
        (true, false) => Task::Upload(length),
        (false, true) => Task::Download(length),
        (false, false) => return Ok(()),
    };
    state.wrote(machine, to, task)
}

/// Fills `count` units of `width` bytes.
fn fill(machine: &'static Machine, to: u64, value: u32, width: usize, count: usize) -> Outcome {
    let mut state = state()?;
    state.current()?;
    let length = count.checked_mul(width).ok_or(INVALID_VALUE)?;
    let at = state.bytes(to, length).ok_or(INVALID_VALUE)?;
    if !to.is_multiple_of(width as u64) {
        return Err(INVALID_VALUE);
    }
    let pages = std::ptr::with_exposed_provenance_mut::<u8>(at);
    // SAFETY: `bytes` has found so many in an allocation, which nobody else has while the state is locked.
    let pages = unsafe { std::slice::from_raw_parts_mut(pages, length) };
    let unit = value.to_le_bytes();
    pages.chunks_exact_mut(width).for_each(|to| to.iter_mut().zip(unit).for_each(|(to, from)| *to = from));
    WRITTEN.set(Some((at, length)));
    state.wrote(machine, to, Task::Fill(length))
}

/// Memory of the caller's that copies are fast from; here it is any memory.
fn host(address: Out<usize>, length: usize) -> Outcome {
    state()?.current()?;
    if length == 0 {
        return Err(INVALID_VALUE);
    }
    // SAFETY: libc's allocator takes any length.
    let memory = unsafe { libc::malloc(length) };
    if memory.is_null() { Err(OUT_OF_MEMORY) } else { address.put(memory.expose_provenance(), INVALID_VALUE) }
}

exports! { Api::Cuda;
    cuMemAlloc_v2(address: Out<u64>, length: u64) |machine| allocate(machine, address, length);
    cuMemAllocAsync(address: Out<u64>, length: u64, _stream: usize) |machine| allocate(machine, address, length);
    cuMemFree_v2(address: Address) |_| free(address.0);
    cuMemFreeAsync(address: Address, _stream: usize) |_| free(address.0);
    cuMemGetAddressRange_v2(start: Out<u64>, length: Out<u64>, address: Address) |_| {
        let state = state()?;
        state.current()?;
        let (base, allocation) = state.find(address.0).ok_or(super::NOT_FOUND)?;
        if !start.is_null() {
            start.put(base, INVALID_VALUE)?;
        }
        if length.is_null() { Ok(()) } else { length.put(allocation.length as u64, INVALID_VALUE) }
    };
    cuMemAllocHost_v2(address: Out<usize>, length: usize) |_| host(address, length);
    cuMemHostAlloc(address: Out<usize>, length: usize, _flags: u32) |_| host(address, length);
    cuMemFreeHost(address: usize) |_| {
        state()?.current()?;
        // SAFETY: cuda.h has the caller give what `cuMemHostAlloc` gave, which is libc's.
        unsafe { libc::free(std::ptr::with_exposed_provenance_mut(address)) };
        Ok(())
    };
    cuMemHostRegister_v2(address: usize, _length: usize, _flags: u32) |_| {
        state()?.current()?;
        if address == 0 { Err(INVALID_VALUE) } else { Ok(()) }
    };
    cuMemHostUnregister(_address: usize) |_| state()?.current().map(|_| ());
    cuMemcpy(to: Address, from: Address, length: usize) |machine| unified(machine, to.0, from.0, length);
    cuMemcpyAsync(to: Address, from: Address, length: usize, _stream: usize) |machine| unified(machine, to.0, from.0, length);
    cuMemcpyHtoD_v2(to: Address, from: Out<u8>, length: usize) |machine| upload(machine, to.0, from, length);
    cuMemcpyHtoDAsync_v2(to: Address, from: Out<u8>, length: usize, _stream: usize) |machine| upload(machine, to.0, from, length);
    cuMemcpyDtoH_v2(to: Out<u8>, from: Address, length: usize) |machine| download(machine, to, from.0, length);
    cuMemcpyDtoHAsync_v2(to: Out<u8>, from: Address, length: usize, _stream: usize) |machine| download(machine, to, from.0, length);
    cuMemcpyDtoD_v2(to: Address, from: Address, length: usize) |machine| within(machine, to.0, from.0, length);
    cuMemcpyDtoDAsync_v2(to: Address, from: Address, length: usize, _stream: usize) |machine| within(machine, to.0, from.0, length);
    cuMemsetD8_v2(to: Address, value: u8, count: usize) |machine| fill(machine, to.0, value.into(), 1, count);
    cuMemsetD8Async(to: Address, value: u8, count: usize, _stream: usize) |machine| fill(machine, to.0, value.into(), 1, count);
    cuMemsetD16_v2(to: Address, value: u16, count: usize) |machine| fill(machine, to.0, value.into(), 2, count);
    cuMemsetD32_v2(to: Address, value: u32, count: usize) |machine| fill(machine, to.0, value, 4, count);
    cuMemsetD32Async(to: Address, value: u32, count: usize, _stream: usize) |machine| fill(machine, to.0, value, 4, count);
}

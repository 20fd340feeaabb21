//! Streams and events. All work is done when its call returns; how long it took is the GPU's clock's, not ours.

use super::{
    INVALID_HANDLE, INVALID_VALUE,
    state::{State, state},
};
use crate::{
    call::{Api, Outcome, exports},
    outs::Out,
};
/// Streams that are always there: the legacy default, and two names for default streams.
const ALWAYS: [usize; 3] = [0, 1, 2];

fn stream(state: &State, stream: usize) -> Outcome {
    if ALWAYS.contains(&stream) || state.streams.contains(&stream) { Ok(()) } else { Err(INVALID_HANDLE) }
}

fn create_stream(to: Out<usize>) -> Outcome {
    let mut state = state()?;
    state.current()?;
    let handle = state.handle();
    state.streams.insert(handle);
    to.put(handle, INVALID_VALUE)
}

/// Work on a stream is done already.
fn done(of: usize) -> Outcome {
    let state = state()?;
    state.current()?;
    stream(&state, of)
}

fn elapsed(milliseconds: Out<f32>, start: usize, end: usize) -> Outcome {
    let state = state()?;
    let recorded = |event| state.events.get(&event).copied().flatten().ok_or(INVALID_HANDLE);
    let time = 1000.0 * (recorded(end)? - recorded(start)?);
    #[expect(clippy::cast_possible_truncation, reason = "CUDA tells it so")]
    milliseconds.put(time as f32, INVALID_VALUE)
}

exports! { Api::Cuda;
    cuStreamCreate(to: Out<usize>, _flags: u32) |_| create_stream(to);
    cuStreamCreateWithPriority(to: Out<usize>, _flags: u32, _priority: i32) |_| create_stream(to);
    cuStreamDestroy_v2(of: usize) |_| {
        if state()?.streams.remove(&of) { Ok(()) } else { Err(INVALID_HANDLE) }
    };
    cuStreamSynchronize(of: usize) |_| done(of);
    cuStreamQuery(of: usize) |_| done(of);
    cuStreamWaitEvent(of: usize, event: usize, _flags: u32) |_| {
        done(of)?;
        state()?.events.get(&event).map(|_| ()).ok_or(INVALID_HANDLE)
    };
    cuStreamGetPriority(of: usize, priority: Out<i32>) |_| {
        done(of)?;
        priority.put(0, INVALID_VALUE)
    };
    cuStreamIsCapturing(of: usize, status: Out<i32>) |_| {
        done(of)?;
        status.put(0, INVALID_VALUE)
    };
    cuEventCreate(to: Out<usize>, _flags: u32) |_| {
        let mut state = state()?;
        state.current()?;
        let handle = state.handle();
        state.events.insert(handle, None);
        to.put(handle, INVALID_VALUE)
    };
    cuEventRecord(event: usize, of: usize) |_| {
        done(of)?;
        let mut state = state()?;
        let now = state.clock(state.current()?.1.gpu);
        *state.events.get_mut(&event).ok_or(INVALID_HANDLE)? = Some(now);
        Ok(())
    };
    cuEventQuery(event: usize) |_| state()?.events.get(&event).map(|_| ()).ok_or(INVALID_HANDLE);
    cuEventSynchronize(event: usize) |_| state()?.events.get(&event).map(|_| ()).ok_or(INVALID_HANDLE);
    cuEventDestroy_v2(event: usize) |_| state()?.events.remove(&event).map(|_| ()).ok_or(INVALID_HANDLE);
    cuEventElapsedTime(milliseconds: Out<f32>, start: usize, end: usize) |_| elapsed(milliseconds, start, end);
    cuEventElapsedTime_v2(milliseconds: Out<f32>, start: usize, end: usize) |_| elapsed(milliseconds, start, end);
}

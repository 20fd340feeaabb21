//! Modules, functions, launches.

use super::{
    INVALID_HANDLE, INVALID_PTX, INVALID_VALUE, NO_BINARY_FOR_GPU, NOT_FOUND, NOT_SUPPORTED,
    UNSUPPORTED_PTX_VERSION, keep,
    state::{behind, state},
};
use crate::{
    branches,
    call::{Api, Outcome, WRITTEN, exports},
    machine::{Machine, complain},
    outs::{Out, Text},
    ptx::{Dimensions, Program, Refusal, Takes, Work},
};
use std::sync::Arc;

/// How the images begin that hold machine code: ELF, and NVIDIA's fat binaries.
const MACHINE_CODE: [[u8; 4]; 3] = [*b"\x7fELF", [0x50, 0xed, 0x55, 0xba], [0xb1, 0x43, 0x62, 0x46]];

fn load(machine: &'static Machine, module: Out<usize>, image: Text) -> Outcome {
    let mut state = state()?;
    let (context, device) = state.current()?;
    let (gpu, _) = behind(machine, device)?;
    let head = image.head().ok_or(INVALID_VALUE)?;
    if MACHINE_CODE.contains(&head) {
        complain("machine code cannot be run here");
        return Err(NO_BINARY_FOR_GPU);
    }
    let text = image.read().ok_or(INVALID_PTX)?;
    let newest = machine.scenario.driver.ptx.unwrap_or_else(|| branches::newest_ptx(machine.branch()));
    let takes = Takes { version: newest, capability: gpu.compute_capability };
    let program = Program::compile(text, takes).map_err(|refusal| {
        let (code, why) = match refusal {
            Refusal::TooNew(why) => (UNSUPPORTED_PTX_VERSION, why),
            Refusal::Invalid(why) => (INVALID_PTX, why),
        };
        complain(&format!("PTX: {why}"));
        code
    })?;
    let handle = state.handle();
    state.modules.insert(handle, (Arc::new(program), context));
    module.put(handle, INVALID_VALUE)
}

fn function(to: Out<usize>, module: usize, name: Text) -> Outcome {
    let mut state = state()?;
    let name = name.read().ok_or(INVALID_VALUE)?;
    let (program, _) = state.modules.get(&module).ok_or(INVALID_HANDLE)?;
    let entry = program.entries.iter().position(|entry| entry.name == name).ok_or(NOT_FOUND)?;
    let handle = state.handle();
    state.functions.insert(handle, (module, entry));
    to.put(handle, INVALID_VALUE)
}

/// The threads of a block that no GPU exceeds.
const MOST_THREADS: u64 = 1024;

/// Runs a kernel. What it does wrong is told by the calls that come after, as CUDA does.
fn launch(
    machine: &'static Machine,
    function: usize,
    dimensions: Dimensions,
    (parameters, extra): (Out<Out<u8>>, Out<u8>),
) -> Outcome {
    let mut state = state()?;
    let (_, device) = state.current()?;
    let (module, entry) = *state.functions.get(&function).ok_or(INVALID_HANDLE)?;
    let (program, _) = state.modules.get(&module).ok_or(INVALID_HANDLE)?;
    let program = Arc::clone(program);
    let entry = program.entries.get(entry).ok_or(INVALID_HANDLE)?;
    let threads: u64 = dimensions.threads.into_iter().map(u64::from).product();
    if threads == 0 || threads > MOST_THREADS || dimensions.blocks.contains(&0) {
        return Err(INVALID_VALUE);
    }
    if !extra.is_null() {
        return Err(NOT_SUPPORTED);
    }
    let mut bytes = Vec::new();
    for (i, (offset, size)) in entry.parameters.iter().enumerate() {
        let from = parameters.get_at(i, INVALID_VALUE)?;
        bytes.resize(*offset, 0);
        for at in 0..*size {
            bytes.push(from.get_at(at, INVALID_VALUE)?);
        }
    }
    let work = entry.run(dimensions, &bytes, &mut *state).unwrap_or_else(|code| {
        complain(&format!("{}: error {code}", entry.name));
        keep(code);
        Work::default()
    });
    state.ran(machine, device, &work);
    let latest = state.latest.and_then(|latest| state.allocations.get(&latest));
    WRITTEN.set(latest.map(|allocation| (allocation.pages(), allocation.length)));
    Ok(())
}

exports! { Api::Cuda;
    cuModuleLoadData(module: Out<usize>, image: Text) |machine| load(machine, module, image);
    cuModuleLoadDataEx(
        module: Out<usize>, image: Text, _options: u32, _names: usize, _values: usize,
    ) |machine| load(machine, module, image);
    cuModuleLoadFatBinary(_module: Out<usize>, _image: Text) |_| {
        state()?.current()?;
        complain("machine code cannot be run here");
        Err(NO_BINARY_FOR_GPU)
    };
    cuModuleUnload(module: usize) |_| {
        let mut state = state()?;
        state.modules.remove(&module).ok_or(INVALID_HANDLE)?;
        state.functions.retain(|_, (of, _)| *of != module);
        Ok(())
    };
    cuModuleGetFunction(to: Out<usize>, module: usize, name: Text) |_| function(to, module, name);
    cuModuleGetGlobal_v2(_address: Out<u64>, _length: Out<u64>, module: usize, _name: Text) |_| {
        state()?.modules.get(&module).ok_or(INVALID_HANDLE)?;
        Err(NOT_FOUND)
    };
    cuLaunchKernel(
        of: usize, grid_x: u32, grid_y: u32, grid_z: u32, block_x: u32, block_y: u32, block_z: u32, _shared: u32,
        _stream: usize, parameters: Out<Out<u8>>, extra: Out<u8>,
    ) |machine| {
        let dimensions = Dimensions { blocks: [grid_x, grid_y, grid_z], threads: [block_x, block_y, block_z] };
        launch(machine, of, dimensions, (parameters, extra))
    };
    cuFuncGetAttribute(value: Out<i32>, _which: i32, of: usize) |_| {
        state()?.functions.get(&of).ok_or(INVALID_HANDLE)?;
        value.put(0, INVALID_VALUE)
    };
    cuFuncSetAttribute(of: usize, _which: i32, _value: i32) |_| {
        state()?.functions.get(&of).map(|_| ()).ok_or(INVALID_HANDLE)
    };
    cuFuncSetCacheConfig(of: usize, _which: i32) |_| {
        state()?.functions.get(&of).map(|_| ()).ok_or(INVALID_HANDLE)
    };
}

//! What notebooks do on a simulated T4, told by its NVML: it lists whoever has a context of its CUDA, as every driver does.

use super::{
    Classroom,
    notebooks::{RUN, row},
    outcome,
};
use gpucheck_checks::{Ran, Report, Verdict};
use gpucheck_machines::{folder, machine::Machine, run::Staged};
use std::{fs, path::Path};

/// CUDA as code reaches it without a framework: the driver's own library.
const CUDA: &str = r"
import ctypes, os, re, time

cuda = ctypes.CDLL('libcuda.so.1')

def ask(name, *arguments):
    code = getattr(cuda, name)(*arguments)
    assert code == 0, (name, code)

def allocate(mebibytes):
    memory = ctypes.c_uint64()
    ask('cuMemAlloc_v2', ctypes.byref(memory), ctypes.c_size_t(mebibytes << 20))
    return memory

# Waits until NVML has answered with this code so many times more when it was asked for its processes.
def answered(code, times):
    said = r'ComputeRunningProcesses[_v0-9]* = %d\n' % code
    count = lambda: len(re.findall(said, open(os.environ['GPUSIM_TRACE']).read()))
    enough = count() + times
    while count() < enough:
        time.sleep(0.05)
";
/// What a notebook is to be judged by; it need not be there.
const FRAMEWORK: &str = "try:\n    import torch\nexcept ImportError:\n    pass";
/// The most at one moment are 300 MiB, and two looks go by meanwhile: the first may have begun before.
const USES: &str = "
context = ctypes.c_void_p()
ask('cuInit', 0)
ask('cuCtxCreate_v2', ctypes.byref(context), 0, 0)
first, second = allocate(200), allocate(100)
answered(0, 2)
ask('cuMemFree_v2', first)
";

/// What the whole program says of these notebooks on this machine.
fn report(classroom: &Classroom, staged: &Staged) -> Report {
    let own = classroom.gpucheck();
    let mut command = staged.command(Path::new(env!("CARGO_BIN_EXE_gpucheck"))).unwrap();
    command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = command
        .env("GPUSIM_TRACE", classroom.path("trace"))
        .args(["publish", "--only", "classroom", "--format", "json", "--this-notebooks"])
        .args(["--report", classroom.path("report.txt").to_str().unwrap()])
        .args(RUN)
        .current_dir(classroom.folder.path())
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn a_notebook_used_a_gpu_or_not_or_that_is_not_known() {
    let machine = Machine::load(&folder(), "azure-t4-535").unwrap_or_else(|error| panic!("{error}"));
    let staged = Staged::new(&machine).unwrap();
    let contexts = staged.list_contexts().unwrap();
    // From then on NVML refuses to list processes.
    let breaks = format!("os.rename('{0}', '{0}.gone')\nanswered(999, 1)", contexts.display());
    let classroom = Classroom::new()
        .notebook("a-uses.ipynb", "python3", &[CUDA, USES])
        .notebook("b-none.ipynb", "python3", &[CUDA, "answered(0, 1)"])
        .notebook("c-told-at-first.ipynb", "python3", &[FRAMEWORK, CUDA, &breaks])
        .notebook("d-never-told.ipynb", "python3", &["1"]);
    let report = report(&classroom, &staged);
    let text = fs::read_to_string(classroom.path("report.txt")).unwrap();
    for (path, used_gpu, peak_memory_bytes, words) in [
        ("a-uses.ipynb", Some(true), Some(300 << 20), "300 MiB"),
        ("b-none.ipynb", Some(false), None, "not on a GPU"),
        ("c-told-at-first.ipynb", None, None, ""),
        ("d-never-told.ipynb", None, None, ""),
    ] {
        let row = row(&report, path);
        let told = (row.ran, row.used_gpu, row.peak_memory_bytes);
        assert_eq!(told, (Ran::Ran, used_gpu, peak_memory_bytes), "{row:#?}");
        assert!(row.elapsed_ms.is_some_and(|time| time > 0), "{row:#?}");
        // A long row goes on below.
        let at = text.find(path).unwrap();
        let told = text[at..].split_whitespace().take(16).collect::<Vec<_>>().join(" ");
        assert!(told.contains(words), "{text}");
    }
    let use_gpu = outcome(&report, "classroom.notebooks_use_gpu");
    assert_eq!(use_gpu.verdict, Verdict::Unknown, "{use_gpu:#?}");
    assert!(use_gpu.summary.starts_with("of c-told-at-first.ipynb it is not told"), "{}", use_gpu.summary);
}

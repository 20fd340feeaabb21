//! cuBLAS and cuDNN tried by themselves: stand-ins of a few lines of C on a simulated T4, which work, refuse, lie, hang and
//! crash; and NVIDIA's own libraries, where they are installed.
//!
//! Names and numbers of codes are those of cublas_api.h and cudnn.h.

mod whole;

use gpucheck::{
    probe::libraries::{Ask, Kind, probe},
    worker::{Surroundings, Worker},
};
use gpucheck_checks::fact::{LibraryOperation, LibraryTrial, Observed, PciAddress, ProbeFailure};
use gpucheck_machines::{folder, machine::Machine, run::Staged};
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};
use tempfile::TempDir;

/// A folder with a library in it, compiled with these macros defined and these more arguments.
pub(crate) fn compile(source: &str, place: &Path, defines: &[&str], more: &[&str]) {
    let name = place.file_name().unwrap().to_str().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cuda_libraries").join(source);
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    let mut gcc = Command::new("gcc");
    gcc.args(["-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-Wno-array-bounds"]);
    gcc.args(defines.iter().flat_map(|define| ["-D", define]));
    gcc.arg(format!("-Wl,-soname,{name}")).arg("-o").arg(place).arg(source).args(more).arg("-ldl");
    let output = gcc.output().expect("gcc is needed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A simulated T4, and a library for it.
struct Stage {
    machine: Staged,
    folder: TempDir,
    ask: Ask,
}

impl Stage {
    fn new(kind: Kind, defines: &[&str]) -> Self {
        let machine = Machine::load(&folder(), "azure-t4-535").unwrap_or_else(|error| panic!("{error}"));
        let folder = tempfile::tempdir().unwrap();
        let (source, name) = match kind {
            Kind::Cublas => ("libcublas.c", "libcublas.so.12"),
            Kind::Cudnn => ("libcudnn.c", "libcudnn.so.9"),
        };
        let file = folder.path().join(name);
        compile(source, &file, defines, &[]);
        let file = file.to_str().unwrap().to_owned();
        let ask = Ask { kind, file, before: Vec::new(), hold: None, size: 256 };
        Self { machine: Staged::new(&machine).unwrap(), folder, ask }
    }

    fn trial(&self) -> Observed<LibraryTrial> {
        let program = env!("CARGO_BIN_EXE_gpucheck");
        let command = self.machine.command(Path::new(program)).unwrap();
        let variable = |(name, value): (&std::ffi::OsStr, Option<&std::ffi::OsStr>)| {
            (name.to_str().unwrap().to_owned().into(), value.map(Into::into))
        };
        let changes = command.get_envs().map(variable).collect();
        let worker = Worker { program: program.into(), deadline: Duration::from_secs(20) };
        probe(&worker, &self.ask, Surroundings { changes, ..Surroundings::default() })
    }

    /// A trial that came to its end.
    fn seen(&self) -> LibraryTrial {
        let trial = self.trial();
        assert!(trial.failure().is_none(), "{trial:#?}");
        trial.seen().cloned().unwrap_or_else(|| panic!("{trial:#?}"))
    }
}

fn operation(name: &str, elements: u32, wrong: u32, first_wrong: Option<u32>) -> Observed<LibraryOperation> {
    Observed::Seen(LibraryOperation { name: name.to_owned(), elements, wrong, first_wrong })
}

#[test]
fn a_cublas_that_works() {
    let stage = Stage::new(Kind::Cublas, &[]);
    let trial = stage.seen();
    assert_eq!(
        trial.library,
        Observed::Seen(stage.folder.path().join("libcublas.so.12").to_str().unwrap().to_owned())
    );
    assert_eq!(trial.version, Observed::Seen("12.5.3".to_owned()));
    let driver = trial.driver.seen().unwrap();
    assert!(Path::new(driver).starts_with(stage.machine.root().canonicalize().unwrap()), "{driver}");
    assert_eq!(trial.pci, Some(PciAddress::new("0001:00:00.0")));
    assert_eq!(
        (&trial.init, &trial.context, &trial.handle),
        (&Observed::Seen(()), &Observed::Seen(()), &Observed::Seen(()))
    );
    assert_eq!(trial.operation, operation("cublasSgemm_v2", 96 * 80, 0, None));
    let sgemm = trial.sgemm.seen().unwrap_or_else(|| panic!("{trial:#?}"));
    assert_eq!((sgemm.size, sgemm.compared, sgemm.wrong), (256, 64, 0));
    assert_eq!(sgemm.operations, 10 * 2 * 256_u64.pow(3));
}

#[test]
fn a_cublas_that_refuses_its_handle() {
    // CUBLAS_STATUS_NOT_INITIALIZED is 1; one of before 11.4 does not name it itself.
    for defines in [&["CREATE_CODE=1"][..], &["CREATE_CODE=1", "NO_NAMES"]] {
        let trial = Stage::new(Kind::Cublas, defines).seen();
        let expected = Observed::refused("cublasCreate_v2", 1, "CUBLAS_STATUS_NOT_INITIALIZED", "");
        assert_eq!(trial.handle, expected);
        assert!(matches!(trial.operation, Observed::NotProbed { .. }), "{trial:#?}");
    }
}

#[test]
fn a_cublas_that_computes_wrongly() {
    let trial = Stage::new(Kind::Cublas, &["WRONG"]).seen();
    assert_eq!(trial.operation, operation("cublasSgemm_v2", 96 * 80, 1, Some(4711)));
    assert!(matches!(trial.sgemm, Observed::NotProbed { .. }), "{trial:#?}");
    let trial = Stage::new(Kind::Cublas, &["LATE_WRONG"]).seen();
    assert_eq!(trial.operation, operation("cublasSgemm_v2", 96 * 80, 0, None));
    assert!(trial.sgemm.seen().unwrap().wrong > 0, "{trial:#?}");
}

#[test]
fn a_cublas_that_hangs_or_crashes_leaves_what_was_seen() {
    let mut stage = Stage::new(Kind::Cublas, &["SEGV"]);
    let step = "cublasSgemm_v2".to_owned();
    let Observed::Interrupted { seen, by } = stage.trial() else { panic!("no interruption") };
    assert_eq!(by, ProbeFailure::Crashed { signal: 11, step: step.clone() });
    assert_eq!((seen.handle, seen.version.seen().map(String::as_str)), (Observed::Seen(()), Some("12.5.3")));
    stage = Stage::new(Kind::Cublas, &["LOAD_SEGV"]);
    let by = ProbeFailure::Crashed { signal: 11, step: "dlopen libcublas.so.12".to_owned() };
    assert_eq!(stage.trial(), Observed::Failed(by));
    stage = Stage::new(Kind::Cublas, &["HANG"]);
    let worker = Worker { program: env!("CARGO_BIN_EXE_gpucheck").into(), deadline: Duration::from_secs(3) };
    let command = stage.machine.command(Path::new("gpucheck")).unwrap();
    let changes = command.get_envs();
    let changes =
        changes.map(|(name, value)| (name.to_str().unwrap().to_owned().into(), value.map(Into::into)));
    let around = Surroundings { changes: changes.collect(), ..Surroundings::default() };
    let Observed::Interrupted { by, .. } = probe(&worker, &stage.ask, around) else {
        panic!("no interruption")
    };
    assert!(matches!(&by, ProbeFailure::TimedOut { step: at, .. } if *at == step), "{by:?}");
}

#[test]
fn a_cublas_without_its_companion_and_with_it() {
    let mut stage = Stage::new(Kind::Cublas, &[]);
    let beside = stage.folder.path().join("elsewhere/libcublasLt.so.12");
    std::fs::create_dir_all(beside.parent().unwrap()).unwrap();
    let source = stage.folder.path().join("needed.c");
    std::fs::write(&source, "int needed(void) { return 7; }\n").unwrap();
    let made = Command::new("gcc")
        .args(["-shared", "-fPIC", "-Wl,-soname,libcublasLt.so.12", "-o"])
        .args([&beside, &source])
        .status();
    assert!(made.unwrap().success());
    compile("libcublas.c", Path::new(&stage.ask.file), &["NEEDS"], &[beside.to_str().unwrap()]);
    let trial = stage.seen();
    let Some(ProbeFailure::Refused { step, name, message, .. }) = trial.library.failure() else {
        panic!("{trial:#?}")
    };
    assert_eq!((step.as_str(), name.as_str()), ("dlopen libcublas.so.12", "not loadable"));
    assert!(message.starts_with("libcublasLt.so.12: cannot open shared object file"), "{message}");
    // As a framework has it that found it on its own way.
    stage.ask.before = vec![beside.to_str().unwrap().to_owned()];
    assert_eq!(stage.seen().operation, operation("cublasSgemm_v2", 96 * 80, 0, None));
}

#[test]
fn a_cudnn_that_works_refuses_or_lies() {
    let trial = Stage::new(Kind::Cudnn, &[]).seen();
    assert_eq!(trial.version, Observed::Seen("9.3.0".to_owned()));
    assert_eq!(trial.operation, operation("cudnnAddTensor", 2 * 3 * 20 * 28, 0, None));
    let trial = Stage::new(Kind::Cudnn, &["CREATE_CODE=1001"]).seen();
    // CUDNN_STATUS_NOT_INITIALIZED of cuDNN 9.
    assert_eq!(trial.handle, Observed::refused("cudnnCreate", 1001, "CUDNN_STATUS_NOT_INITIALIZED", ""));
    let trial = Stage::new(Kind::Cudnn, &["WRONG"]).seen();
    assert!(trial.operation.seen().unwrap().wrong > 2000, "{trial:#?}");
}

#[test]
fn without_a_driver_a_library_is_loaded_and_not_put_to_work() {
    let mut stage = Stage::new(Kind::Cublas, &["SEGV"]);
    stage.ask.hold = Some("there is no driver".to_owned());
    let trial = stage.seen();
    assert_eq!(trial.version, Observed::Seen("12.5.3".to_owned()));
    let held = Observed::<()>::not_probed("there is no driver");
    assert_eq!((&trial.init, &trial.handle), (&held, &held));
    assert_eq!(trial.driver, Observed::not_probed("there is no driver"));
}

/// NVIDIA's own, as `tests/parts/cuda_libraries.sh` installs them.
fn real(kind: Kind) -> Option<Ask> {
    let folder = std::env::var_os("GPUCHECK_TEST_PARTS")
        .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("test-parts"), PathBuf::from);
    let nvidia = folder.join("cuda-libraries/nvidia");
    let file = match kind {
        Kind::Cublas => nvidia.join("cublas/lib/libcublas.so.12"),
        Kind::Cudnn => nvidia.join("cudnn/lib/libcudnn.so.9"),
    };
    if !file.exists() {
        println!(
            "skipped, no {}: run `sh tests/parts/cuda_libraries.sh {}`",
            file.display(),
            folder.display()
        );
        return None;
    }
    let file = file.to_str().unwrap().to_owned();
    Some(Ask { kind, file, before: Vec::new(), hold: None, size: 256 })
}

/// Both load without a GPU and tell the version of their wheel; without a driver nothing crashes.
#[test]
fn nvidias_own_libraries_tell_their_versions() {
    for (kind, version) in [(Kind::Cublas, "12.5.3"), (Kind::Cudnn, "9.3.0")] {
        let Some(ask) = real(kind) else { continue };
        let worker =
            Worker { program: env!("CARGO_BIN_EXE_gpucheck").into(), deadline: Duration::from_mins(1) };
        let changes = vec![("LD_LIBRARY_PATH".into(), None)];
        let around = Surroundings { changes, ..Surroundings::default() };
        let Observed::Seen(trial) = probe(&worker, &ask, around) else { panic!("{kind:?}: no answer") };
        assert_eq!(trial.version, Observed::Seen(version.to_owned()));
        let came_on =
            trial.driver.failure().or(trial.init.failure()).is_some() || trial.operation.seen().is_some();
        assert!(came_on, "{trial:#?}");
        assert_eq!(trial.operation.seen().map_or(0, |operation| operation.wrong), 0, "{trial:#?}");
    }
}

/// On a driver that is none to them both refuse their handle by the code that their headers name.
#[test]
fn nvidias_own_libraries_refuse_a_simulated_driver() {
    for (kind, step, code, name) in [
        (Kind::Cublas, "cublasCreate_v2", 1, "CUBLAS_STATUS_NOT_INITIALIZED"),
        (Kind::Cudnn, "cudnnCreate", 1001, "CUDNN_STATUS_NOT_INITIALIZED"),
    ] {
        let Some(ask) = real(kind) else { continue };
        let stage = Stage { ask, ..Stage::new(kind, &[]) };
        let trial = stage.seen();
        assert_eq!(trial.context, Observed::Seen(()), "{trial:#?}");
        assert_eq!(trial.handle, Observed::refused(step, code, name, ""));
    }
}

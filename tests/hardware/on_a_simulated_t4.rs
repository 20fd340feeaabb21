//! The whole suite on a simulated T4, which works as little as proves that everything is done; but for the facts of the
//! usual level, and for the deep work that Ctrl-C ends, which would take a minute.
//!
//! So deep work misses its bar here, and says so. What the simulator's times say of speed is not looked at.

use super::{Bench, SMI, lines};
use gpucheck_checks::{Knowledge, Selection, diagnose};
use gpucheck_machines::{expect::HOST, facts, folder, machine::Machine, run::Staged};
use std::{fs, path::Path};

/// Free memory, in bytes, of which small work tests one MiB.
const FREE: u64 = 80 << 20;

/// A wrapper that starts gpucheck on this machine, and notes its process where it will work for long.
fn wrapper(staged: &Staged) -> String {
    let command = staged.command(Path::new(env!("CARGO_BIN_EXE_gpucheck"))).unwrap();
    let quoted = |text: &std::ffi::OsStr| format!("'{}'", text.to_str().unwrap());
    let variables =
        command.get_envs().filter_map(|(name, value)| Some(format!("{}={}", name.to_str()?, quoted(value?))));
    let variables: Vec<_> = variables.collect();
    let arguments: Vec<_> =
        command.get_args().filter(|argument| *argument != "--small-work").map(quoted).collect();
    format!(
        "#!/bin/sh\nif [ \"$1\" = judge ] || [ \"$1\" = --version ]; then exec {gpucheck} \"$@\"; fi\n\
         small=\ncase \"$*\" in\n--deep) echo $$ >\"$BUSY\" ;;\n*--deep*|*--seconds*) small=--small-work ;;\n\
         record*) ;;\n*) small=--small-work ;;\nesac\n\
         exec env {variables} {gpucheck} \"$@\" $small {arguments}\n",
        gpucheck = quoted(command.get_program()),
        variables = variables.join(" "),
        arguments = arguments.join(" "),
    )
}

#[test]
fn all_of_it_runs_and_leaves_a_machine() {
    let mut machine = Machine::load(&folder(), "azure-t4-535").unwrap_or_else(|error| panic!("{error}"));
    let memory = &mut machine.gpus[0].memory;
    memory.total = memory.reserved + memory.used + FREE;
    let staged = Staged::new(&machine).unwrap();
    let bench = Bench::new();
    let gpucheck = bench.program("gpucheck", &wrapper(&staged));
    bench.program("nvidia-smi", SMI);
    let output = bench.run(&gpucheck, &[]);
    let figures = bench.captured("figures.txt");
    println!("{}\n{figures}", String::from_utf8_lossy(&output.stderr));
    for part in ["facts-deep: status 0", "usual: results", "interrupted: end", "interrupted: left behind"] {
        let of_part =
            figures.lines().find(|line| line.contains(part)).unwrap_or_else(|| panic!("{part}: {figures}"));
        assert!(of_part.starts_with("met "), "{of_part}\n{figures}");
    }
    let missed = lines(&figures, "MISSED");
    assert!(missed.iter().any(|line| line.contains("deep: memory tested: 1.2 % of 0.08 GiB")), "{figures}");
    // Nobody measured beside it.
    assert!(
        lines(&figures, "NOT MEASURED").iter().any(|line| line.contains("no Python with PyTorch or CuPy"))
    );

    for (report, text) in
        [("report-usual.txt", "Tesla T4"), ("report-deep.txt", "Tesla T4"), ("report-slow.txt", "GPU")]
    {
        let report = bench.captured(report);
        assert!(report.contains(text), "{report}");
    }

    let machines = tempfile::tempdir().unwrap();
    fs::create_dir(machines.path().join("captured")).unwrap();
    fs::write(machines.path().join("captured/machine.json"), bench.captured("machine.json")).unwrap();
    let captured =
        facts::Machine::load(machines.path(), "captured").unwrap_or_else(|error| panic!("{error}"));
    let report = diagnose(&captured.facts, &Knowledge::built_in().unwrap(), &Selection::default());
    assert_eq!(report.verdict, captured.expect.verdict);
    let named: Vec<_> = report.roots.iter().map(|root| (&root.id, &root.cause)).collect();
    assert_eq!(named, captured.expect.roots.iter().map(|root| (&root.id, &root.cause)).collect::<Vec<_>>());
    assert!(captured.expect.roots.iter().all(|root| root.subject == HOST || root.subject.contains(':')));
}

//! Jupyter servers that are started to see whether they start.

use super::{
    Classroom, names,
    notebooks::{RUN, row},
    outcome, verdict,
};
use crate::pythons::part;
use gpucheck_checks::{Ran, Verdict};
use std::{fs, net::TcpListener, time::Instant};

const STARTS: &str = "classroom.jupyter_starts";

#[test]
fn a_real_jupyter_starts_says_what_it_offers_and_leaves_nothing() {
    let classroom = Classroom::new();
    let report = classroom.report(&[]);
    let starts = outcome(&report, STARTS);
    assert_eq!(starts.verdict, Verdict::Pass, "{starts:#?}");
    // The version that tests/parts pins is of the package index: two numbers at least.
    assert!(starts.summary.starts_with("jupyter_server 2."), "{}", starts.summary);
    assert_eq!(outcome(&report, "classroom.kernels_resolve").summary, "python3");
    assert_eq!(names(&classroom.path("home")), [""; 0], "something is left in the home");
}

/// Notebook 6 is a server of its own, beside `jupyter_server`: options, variables, notes and API are its own.
#[test]
fn the_classic_notebook_starts_as_well() {
    let classroom = Classroom::new().notebook("good.ipynb", "python3", &["1"]);
    let report = classroom.report_of(&part("notebook-6"), &RUN);
    let starts = outcome(&report, STARTS);
    assert_eq!(starts.verdict, Verdict::Pass, "{starts:#?}");
    let program = report.class.as_ref().unwrap().jupyter.as_deref().unwrap();
    assert!(program.ends_with("notebook-6/bin/jupyter notebook"), "{program}");
    // The version that tests/parts pins.
    assert!(starts.summary.contains("6.5.7"), "{}", starts.summary);
    assert_eq!(outcome(&report, "classroom.kernels_resolve").summary, "python3");
    assert_eq!(row(&report, "good.ipynb").ran, Ran::Ran, "{report:#?}");
    assert_eq!(names(&classroom.path("home")), [""; 0], "something is left in the home");
}

#[test]
fn a_configuration_that_is_no_python_is_told_with_its_place() {
    let classroom = Classroom::new();
    let file = classroom.path("home/.jupyter/jupyter_server_config.py");
    fs::create_dir(file.parent().unwrap()).unwrap();
    fs::write(&file, "c.ServerApp.ip = \n").unwrap();
    let report = classroom.report(&[]);
    let starts = outcome(&report, STARTS);
    assert_ne!(starts.verdict, Verdict::Pass, "{starts:#?}");
    let told = starts.evidence.join("\n");
    assert!(told.contains("SyntaxError") && told.contains(&*file.to_string_lossy()), "{told}");
}

#[test]
fn a_configuration_of_the_wrong_kind_keeps_it_from_starting() {
    let classroom = Classroom::new();
    fs::create_dir(classroom.path("home/.jupyter")).unwrap();
    let text = r#"{"ServerApp": {"max_body_size": "lots"}}"#;
    fs::write(classroom.path("home/.jupyter/jupyter_server_config.json"), text).unwrap();
    let report = classroom.report(&[]);
    let starts = outcome(&report, STARTS);
    assert_eq!(starts.verdict, Verdict::Fail, "{starts:#?}");
    assert!(starts.evidence.join("\n").contains("max_body_size"), "{starts:#?}");
}

#[test]
fn one_that_hangs_is_ended_in_time() {
    let classroom = Classroom::new().jupyter("import time\ntime.sleep(600)\n");
    let start = Instant::now();
    let report = classroom.report(&["--jupyter-deadline-ms", "3000"]);
    assert_eq!(verdict(&report, STARTS), Verdict::Fail);
    assert!(start.elapsed().as_secs() < 60);
}

#[test]
fn one_that_prints_without_end_costs_no_memory() {
    let script = "import sys\nfor _ in range(100):\n    sys.stderr.write('x' * 1023 + '\\n' + 'y' * 1047552)\nsys.exit(7)\n";
    let report = Classroom::new().jupyter(script).report(&[]);
    let starts = outcome(&report, STARTS);
    assert_eq!(starts.verdict, Verdict::Fail, "{starts:#?}");
    assert!(starts.summary.contains('7'), "{}", starts.summary);
    assert!(starts.evidence.iter().map(String::len).sum::<usize>() < 10_000);
}

#[test]
fn one_that_notes_somebody_elses_port_gets_nobody_asked() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = format!(
        "import json, os, time\nnote = {{'pid': os.getpid(), 'port': {port}, 'secure': False, 'base_url': '/', 'token': 'x'}}\n\
         name = os.path.join(os.environ['JUPYTER_RUNTIME_DIR'], 'jpserver-%d.json' % os.getpid())\n\
         open(name, 'w').write(json.dumps(note))\ntime.sleep(600)\n"
    );
    let report = Classroom::new().jupyter(&script).report(&["--jupyter-deadline-ms", "4000"]);
    assert_eq!(verdict(&report, STARTS), Verdict::Fail);
    assert!(listener.accept().is_err(), "somebody else was told the token");
}

//! A real notebook that computes: it is watched by the name that its server has for it.

use crate::jupyter::server::Running;
use std::process::Command;

#[test]
fn a_notebook_at_work_is_watched_by_its_name_also_after_a_rename() {
    let server = Running::start();
    let (kernel, session) = server.open("Lab3.ipynb");
    server.open("other.ipynb");
    server.rename(&session, "Lab4.ipynb");
    server.begin(&kernel, "while True: pass");
    let record = |whom: &[&str]| {
        let words =
            ["record", "--seconds", "2", "--only", "notebooks.interpreter_exists", "--no-cloud-metadata"];
        server.gpucheck(&[&words[..], whom].concat())
    };
    let facts = record(&["--notebook", "Lab4"]);
    let load = &facts["load"]["seen"];
    let pid = server.process_of(&kernel);
    assert_eq!((&load["asked"]["pid"], &load["asked"]["has_cuda"]), (&pid.into(), &false.into()), "{load:#}");
    assert_eq!(load["asked"]["notebook"].as_str(), Some("notebook-1.ipynb"));
    let processes = load["host"]["seen"]["processes"].as_array().unwrap();
    let told = processes.iter().find(|process| process["pid"] == pid).unwrap();
    assert!(told["percent"].as_u64() >= Some(3) && told["busiest_thread"].as_u64() > Some(0), "{told}");
    // The old name leads nowhere: its kernel was told it, and its server knows better.
    let mut wrong = Command::new(env!("CARGO_BIN_EXE_gpucheck"));
    wrong.env_clear().env("HOME", server.home()).env("JUPYTER_RUNTIME_DIR", server.runtime());
    let output = wrong.args(["slow", "--seconds", "1", "--notebook", "Lab3.ipynb"]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("Lab4.ipynb") && told.contains("other.ipynb"), "{told}");
}

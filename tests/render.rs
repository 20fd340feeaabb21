//! The report as JUnit XML, HTML, Markdown and metrics: what stands in it, and that no machine's text can break it.

mod browser;
mod goldens;
mod hostile;
mod html;
mod junit;
mod markdown;
mod prometheus;

use crate::machine::Machine;
use gpucheck_checks::{
    ClassSummary, Cost, Knowledge, Language, NotebookRow, Profile, Ran, Report, Selection, WayInRow, drift,
    fact::{Facts, Image, Listening, Observed, Target, Targets, WayInKind},
};
use std::{path::PathBuf, sync::LazyLock};

static KNOWLEDGE: LazyLock<Knowledge> = LazyLock::new(|| Knowledge::built_in().unwrap());

/// What is said of a machine where this is asked.
fn asked(profile: Profile, machine: &str) -> Report {
    profile.judge(&Machine::load(machine).facts, &KNOWLEDGE, &Selection::default())
}

/// What is said of every machine, by the machine's name.
fn all() -> Vec<(String, Report)> {
    let judge = |machine: Machine| {
        let report = Profile::of(&machine.facts).judge(&machine.facts, &KNOWLEDGE, &Selection::default());
        (machine.name, report)
    };
    Machine::all().into_iter().map(judge).collect()
}

/// A report of each kind, by a name of its own.
fn samples() -> Vec<(&'static str, Report)> {
    vec![
        ("usable", asked(Profile::Check, "t4-535")),
        ("unusable", asked(Profile::Check, "two-diseases")),
        ("ready", class(asked(Profile::Publish, "template-t4"))),
        ("warnings", class(asked(Profile::Publish, "template-credentials"))),
        ("not-ready", asked(Profile::Publish, "template-next-linux-without-module")),
        ("slow", asked(Profile::Slow, "slow-on-cpu")),
        ("incomplete", image()),
        ("changed", changed()),
    ]
}

/// What is said of an image for a T4 that lies in a folder.
fn image() -> Report {
    let image = Image { mounted: true, architecture: Observed::Seen("x86_64".to_owned()), has_init: true };
    let targets = Targets { machines: vec![Target { name: "T4".to_owned() }], image, ..Targets::default() };
    let facts = Facts { targets: Observed::Seen(targets), ..Machine::load("template-t4").facts };
    Profile::Bake.judge(&facts, &KNOWLEDGE, &Selection::default())
}

/// With notebooks of a class, two ways in, and what it costs.
fn class(report: Report) -> Report {
    let notebook = |path: &str, ran, used_gpu| NotebookRow {
        path: path.to_owned(),
        kernel: Some("python3".to_owned()),
        ran,
        elapsed_ms: Some(41_300),
        used_gpu,
        peak_memory_bytes: used_gpu.filter(|used| *used).map(|_| 2 << 30),
        why: (ran == Ran::Failed).then(|| "cell 4: ModuleNotFoundError: No module named 'cv2'".to_owned()),
    };
    let way = |kind, name: &str, running, port| WayInRow {
        kind,
        name: name.to_owned(),
        enabled: true,
        running: Some(running),
        port: Some(port),
        listening: Some(Listening::Everywhere),
    };
    let class = ClassSummary {
        folder: Some("/home/lecturer/class".to_owned()),
        notebooks: vec![
            notebook("01 tensors.ipynb", Ran::Ran, Some(true)),
            notebook("02 convolution/mnist.ipynb", Ran::Ran, Some(false)),
            notebook("03 transfer learning.ipynb", Ran::Failed, None),
        ],
        more: 0,
        ways_in: vec![
            way(WayInKind::Ssh, "ssh.service", true, 22),
            way(WayInKind::Xrdp, "xrdp.service", false, 3389),
        ],
        jupyter: Some("/opt/conda/bin/jupyter lab".to_owned()),
        jupyter_answers: Some(true),
    };
    // 25 seats for 30 hours at 139 units of 0.01 USD: the example that the price page of Azure Lab Services leads to.
    let cost = Cost {
        seats: 25,
        hours: "30".to_owned(),
        units: "139".to_owned(),
        units_of: Some("Standard_NC8as_T4_v3".to_owned()),
        unit_price: "0.01".to_owned(),
        currency: "USD".to_owned(),
        total: "1042.50".to_owned(),
    };
    Report { class: Some(class), cost: Some(cost), ..report }
}

/// What is said of a machine whose Linux has moved on since it was saved.
fn changed() -> Report {
    let (before, now) = (Machine::load("t4-535").facts, Machine::load("module-missing-new-kernel").facts);
    let report = Profile::Check.judge(&now, &KNOWLEDGE, &Selection::default());
    Report { profile: "drift".to_owned(), drift: Some(drift(&before, &now, &KNOWLEDGE)), ..report }
}

/// The name of a language, as files have it.
fn code(language: Language) -> &'static str {
    match language {
        Language::English => "en",
        Language::Korean => "ko",
    }
}

/// Where the real parts lie that tests/parts makes.
fn part(name: &str) -> PathBuf {
    let target = || PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../test-parts");
    std::env::var_os("GPUCHECK_TEST_PARTS").map_or_else(target, PathBuf::from).join(name)
}

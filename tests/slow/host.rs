//! This very host, watched: who computes is told, and who is asked about, also where it ends meanwhile.

use super::{SECOND, Stranger};
use crate::stage::Machine;
use gpucheck::{
    probe::{
        library::Search,
        load::{self, SoFar, Whom},
    },
    root::Root,
    worker::{Ask, Worker},
};
use gpucheck_checks::fact::{Load, Observed, PciAddress};
use std::{thread, time::Duration};

fn watch(root: Root, pid: Option<u32>, time: Duration) -> Load {
    let library = Ask {
        search: Search::Directories(Vec::new()),
        hold_init: Some("there is no driver".to_owned()),
        may_make_nodes: false,
    };
    let ask = load::Ask {
        root,
        time,
        whom: pid.map(|pid| Whom { pid, notebook: None }),
        library,
        worker: Worker::own(SECOND),
        gpus: vec![PciAddress::new("0001:00:00.0")],
    };
    load::probe(&ask, &SoFar::default())
}

#[test]
fn a_busy_loop_is_told_with_what_it_uses() {
    let busy = Stranger::busy();
    let load = watch(Root::new("/"), Some(busy.pid()), SECOND * 2);
    let Observed::Seen(host) = &load.host else { panic!("{load:?}") };
    assert!((2000..20_000).contains(&load.lasted_ms), "{}", load.lasted_ms);
    let told = host.processes.iter().find(|one| one.pid == busy.pid()).unwrap();
    // The tests take the other cores, and more of this one than is left.
    assert!((3..=110).contains(&told.percent) && told.busiest_thread > 0, "{told:?}");
    assert!(told.memory > 100_000 && told.name == "sh", "{told:?}");
    let own = std::process::id();
    assert!(host.processes.iter().all(|one| one.pid != own), "{host:?}");
    assert!(host.samples.len() >= 3 && host.samples.iter().all(|one| one.memory_available > 0));
    let cores = thread::available_parallelism().unwrap().get();
    let busiest = host.samples.iter().map(|one| one.cores.iter().max().copied().unwrap_or_default()).max();
    assert!(host.samples.iter().all(|one| one.cores.len() >= cores) && busiest > Some(50), "{host:?}");
    let asked = load.asked.unwrap();
    assert_eq!((asked.pid, asked.name.as_deref(), asked.ended), (busy.pid(), Some("sh"), false));
    assert_eq!((asked.has_cuda, asked.has_compiler), (Some(false), Some(false)));
    assert_eq!(load.gpus[0].samples, Observed::not_probed("there is no driver"));
    // Its cache is that of the variables that it was started with.
    let home = std::env::var("HOME").unwrap();
    assert!(load.compiled.unwrap().folder.unwrap().starts_with(&home));
}

#[test]
fn a_process_that_is_gone_in_the_middle_has_ended() {
    let busy = Stranger::busy();
    let pid = busy.pid();
    let ending = thread::spawn(move || {
        thread::sleep(SECOND);
        busy.end();
    });
    let load = watch(Root::new("/"), Some(pid), SECOND * 2);
    ending.join().unwrap();
    let asked = load.asked.unwrap();
    assert!(asked.ended && asked.name.as_deref() == Some("sh"), "{asked:?}");
    let told = load.host.seen().unwrap().processes.iter().find(|one| one.pid == pid).cloned();
    assert!(told.as_ref().is_some_and(|told| told.percent > 0), "{told:?}");
}

#[test]
fn a_process_that_is_stopped_uses_nothing() {
    let busy = Stranger::busy();
    let process = rustix::process::Pid::from_raw(busy.0).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::STOP).unwrap();
    let load = watch(Root::new("/"), Some(busy.pid()), SECOND);
    let told = load.host.seen().unwrap().processes.iter().find(|one| one.pid == busy.pid()).cloned().unwrap();
    assert!(told.percent <= 5 && told.waiting == 0, "{told:?}");
    assert!(!load.asked.unwrap().ended);
}

#[test]
fn a_machine_without_counters_is_told_to_be_unknown() {
    let load = watch(Machine::linux().root(), None, Duration::from_millis(300));
    assert!(load.host.why_not().starts_with("read /proc/stat: unreadable"), "{}", load.host.why_not());
    assert_eq!((load.asked, load.compiled), (None, None));
}

//! Which report is believed.

use super::{Looked, ago, report};
use gpucheck_checks::{REPORT_SCHEMA, Report};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown, symlink},
    time::{Duration, Instant},
};

const SAID: &str = "GPU: Tesla T4, usable (seen ";

/// What is done to a machine, in words and in deeds.
type Changed<'a> = (&'a str, &'a dyn Fn(&Looked));

#[test]
fn a_report_of_this_boot_is_told_with_its_age() {
    for (seconds, age) in [(-200, "0 s"), (130, "2 min"), (3_670, "61 min"), (80_000, "22 h")] {
        assert_eq!(Looked::at("t4-535", seconds).says(), format!("{SAID}{age} ago)\n"));
    }
}

#[test]
fn one_of_an_earlier_boot_of_the_last_week_or_of_the_future_is_none() {
    for seconds in [87_000, -400, i64::from(u32::MAX)] {
        assert_eq!(Looked::at("t4-535", seconds).says(), "", "{seconds}");
    }
    let looked = Looked::at("t4-535", 8 * 24 * 3600);
    fs::write(looked.path().join("proc/uptime"), "9000000.00 1.00\n").unwrap();
    assert_eq!(looked.says(), "");
    for uptime in ["", "soon", "-5.0 1"] {
        let looked = Looked::at("t4-535", 60);
        fs::write(looked.path().join("proc/uptime"), uptime).unwrap();
        assert_eq!(looked.says(), "", "{uptime}");
    }
}

#[test]
fn one_of_another_layout_or_another_question_is_none() {
    let sound = || Report { taken_at: ago(60), ..report("t4-535") };
    let newer = Report { schema: REPORT_SCHEMA + 1, ..sound() };
    let publish = Report { profile: "publish".to_owned(), ..sound() };
    let garbled = Report { taken_at: "yesterday".to_owned(), ..sound() };
    for other in [newer, publish, garbled] {
        assert_eq!(Looked::with(&serde_json::to_vec(&other).unwrap()).says(), "");
    }
    let whole = serde_json::to_vec(&sound()).unwrap();
    for bytes in [&b""[..], b"{}", b"[[[[", b"\xff\xfe", &whole[..whole.len() / 2]] {
        assert_eq!(Looked::with(bytes).says(), "");
    }
    assert!(Looked::with(&whole).says().starts_with(SAID));
}

#[test]
fn what_others_could_have_written_is_none() {
    let spoilt: [Changed; 5] = [
        ("a link", &|looked| {
            fs::rename(looked.report(), looked.path().join("elsewhere")).unwrap();
            symlink(looked.path().join("elsewhere"), looked.report()).unwrap();
        }),
        ("a linked folder", &|looked| {
            fs::rename(looked.state().join("daemon"), looked.path().join("elsewhere")).unwrap();
            symlink(looked.path().join("elsewhere"), looked.state().join("daemon")).unwrap();
        }),
        ("a file for all", &|looked| mode(looked.report(), 0o666)),
        ("a folder for a group", &|looked| mode(looked.state().join("daemon"), 0o775)),
        ("a state for all", &|looked| mode(looked.state(), 0o777)),
    ];
    for (what, spoil) in spoilt {
        let looked = Looked::at("t4-535", 60);
        assert!(looked.says().starts_with(SAID));
        spoil(&looked);
        assert_eq!(looked.says(), "", "{what}");
    }
}

fn mode(path: impl AsRef<std::path::Path>, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn its_owner_is_root_or_who_root_gave_the_folder_to() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can give files away");
        return;
    }
    let (daemon, other) = (Some(64_321), Some(64_322));
    let looked = Looked::at("t4-535", 60);
    chown(looked.report(), daemon, None).unwrap();
    assert_eq!(looked.says(), "", "a file of somebody in root's folder");
    chown(looked.state().join("daemon"), daemon, None).unwrap();
    assert!(looked.says().starts_with(SAID), "the daemon's file in the daemon's folder");
    chown(looked.report(), other, None).unwrap();
    assert_eq!(looked.says(), "", "a file of another in the daemon's folder");
    chown(looked.report(), daemon, None).unwrap();
    chown(looked.state(), other, None).unwrap();
    assert_eq!(looked.says(), "", "a state that another could have laid out");
}

#[test]
fn nothing_keeps_a_login_waiting() {
    let replaced: [Changed; 4] = [
        ("a pipe", &|looked| {
            mknodat(CWD, looked.report(), FileType::Fifo, Mode::from_raw_mode(0o644), 0).unwrap();
        }),
        ("a folder", &|looked| fs::create_dir(looked.report()).unwrap()),
        ("100 MB", &|looked| fs::File::create(looked.report()).unwrap().set_len(100 << 20).unwrap()),
        ("nothing", &|_| {}),
    ];
    for (what, replace) in replaced {
        let looked = Looked::at("t4-535", 60);
        fs::remove_file(looked.report()).unwrap();
        replace(&looked);
        let start = Instant::now();
        assert_eq!(looked.says(), "", "{what}");
        assert!(start.elapsed() < Duration::from_secs(5), "{what}: {:?}", start.elapsed());
    }
}

//! Of an image in a folder nothing is run and nothing is changed, by what Linux says of the calls.

use super::{command, good};
use crate::stage::Ran;
use std::{fs, path::Path, process::Command};

/// Calls that start something or change something.
const CALLS: &str = "trace=execve,execveat,open,openat,openat2,creat,mkdir,mkdirat,mknod,mknodat,unlink,unlinkat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,chmod,fchmod,fchmodat,chown,fchown,fchownat,lchown,truncate,ftruncate,utimensat,setxattr,rmdir";

#[test]
fn nothing_of_an_image_is_run_or_written() {
    let Some(strace) = ["/usr/bin/strace", "/bin/strace"].into_iter().find(|path| Path::new(path).exists())
    else {
        println!("skipped: strace is not installed");
        return;
    };
    let (image, folder) = (good(), tempfile::tempdir().unwrap());
    let log = folder.path().join("log");
    let plain = command(image.path(), &["--target", "T4"]);
    let mut traced = Command::new(strace);
    traced
        .env_clear()
        .args(["-f", "-qq", "-y", "-e", CALLS, "-o"])
        .arg(&log)
        .arg(plain.get_program())
        .args(plain.get_args());
    let ran: Ran = traced.output().unwrap().into();
    if ran.status == Some(1) && ran.err.contains("ptrace") {
        println!("skipped: {}", ran.err);
        return;
    }
    assert_eq!(ran.status, Some(3), "{}{}", ran.out, ran.err);
    let log = fs::read_to_string(log).unwrap();
    let own = env!("CARGO_BIN_EXE_gpucheck");
    let inside = image.path().to_str().unwrap();
    assert!(log.contains(inside) && log.contains("openat2("), "the trace shows the look: {log}");
    for line in log.lines() {
        let is_exec = line.contains("execve(") || line.contains("execveat(");
        let is_own = line.contains(own) || line.contains("/proc/self/exe");
        assert!(!is_exec || is_own, "{line}");
        // A call that another thread's comes in between is told in two lines.
        let is_open = ["open", "openat", "openat2"].iter().any(|call| {
            line.contains(&format!(" {call}(")) || line.contains(&format!("<... {call} resumed>"))
        });
        let writes =
            ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND"].iter().any(|flag| line.contains(flag));
        assert!(!line.contains(inside) || is_exec || (is_open && !writes), "{line}");
    }
}

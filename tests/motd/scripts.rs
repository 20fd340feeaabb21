//! The scripts of `packaging/motd`, on a machine on which gpucheck lies in a folder.

use super::Looked;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// A script in which the program has another place.
fn script(name: &str, folder: &Path) -> PathBuf {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/motd").join(name);
    let text = fs::read_to_string(ours).unwrap();
    assert!(text.contains("/usr/bin/gpucheck"));
    let place = folder.join("gpucheck").display().to_string();
    let text =
        text.replace("/usr/bin/gpucheck", &place).replace("/usr/local/bin/gpucheck", "/nowhere/gpucheck");
    program(folder, name, &text)
}

fn program(folder: &Path, name: &str, text: &str) -> PathBuf {
    let file = folder.join(name);
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    file
}

/// gpucheck as it would be on that machine.
fn install(looked: &Looked) {
    let text = format!(
        "#!/bin/sh\nexec '{}' \"$@\" --root '{}'\n",
        env!("CARGO_BIN_EXE_gpucheck"),
        looked.path().display()
    );
    program(looked.path(), "gpucheck", &text);
}

fn run(command: &mut Command) -> Output {
    command.env_clear().env("PATH", "/usr/bin:/bin").output().unwrap()
}

fn assert_said(output: &Output, text: &str) {
    let told = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\r', "");
    let (out, err) = (told(&output.stdout), told(&output.stderr));
    assert_eq!((output.status.code(), out.as_str(), err.as_str()), (Some(0), text, ""));
}

const SAID: &str = "GPU: Tesla T4, usable (seen 2 h ago)\n";

#[test]
fn pam_motds_script_says_it_and_never_fails() {
    let looked = Looked::at("t4-535", 7_500);
    let motd = script("60-gpucheck", looked.path());
    assert_said(&run(&mut Command::new(&motd)), "");
    install(&looked);
    assert_said(&run(&mut Command::new(&motd)), SAID);
    for body in ["echo trouble >&2; exit 4", "kill -ALRM $$"] {
        program(looked.path(), "gpucheck", &format!("#!/bin/sh\n{body}\n"));
        assert_said(&run(&mut Command::new(&motd)), "");
    }
}

/// A shell at a terminal, which bsdutils' `script` makes.
fn at_a_terminal(shell: &str) -> Output {
    run(Command::new("script").args(["-qec", shell, "/dev/null"]))
}

#[test]
fn profiles_snippet_speaks_at_a_terminal_alone() {
    let looked = Looked::at("t4-535", 7_500);
    let snippet = script("gpucheck-motd.sh", looked.path());
    let source = format!("set -eu; . '{}'", snippet.display());
    let bash = |flags: &str| format!("SHLVL=0 bash --norc --noprofile {flags} -c \"{source}\"");
    assert_said(&at_a_terminal(&bash("-i")), "");
    install(&looked);
    assert_said(&at_a_terminal(&bash("-i")), SAID);
    // A script, a shell in a shell, and what scp and rsync start.
    assert_said(&at_a_terminal(&bash("")), "");
    assert_said(&at_a_terminal(&bash("-i").replace("SHLVL=0", "SHLVL=1")), "");
    assert_said(&run(Command::new("bash").args(["--norc", "-c", &source])), "");
    assert_said(&run(Command::new("sh").args(["-c", &source])), "");
    fs::write(looked.path().join(".hushlogin"), "").unwrap();
    let hushed = format!("HOME='{}' {}", looked.path().display(), bash("-i"));
    assert_said(&at_a_terminal(&hushed), "");
}

#[test]
fn a_desktop_shows_one_notification_or_none() {
    let looked = Looked::at("module-missing-new-kernel", 60);
    install(&looked);
    let notify = script("notify.sh", looked.path());
    let shown = looked.path().join("shown");
    let start = || {
        let mut command = Command::new("sh");
        command.arg(&notify).env_clear();
        command.env("PATH", format!("{}:/usr/bin:/bin", looked.path().display()));
        command.output().unwrap()
    };
    program(
        looked.path(),
        "notify-send",
        &format!("#!/bin/sh\nfor text; do echo \"[$text]\" >>'{}'; done\n", shown.display()),
    );
    assert_said(&start(), "");
    let text = fs::read_to_string(&shown).unwrap();
    assert!(text.contains("\n[GPU not usable: Linux was updated to "), "{text}");
    assert!(text.contains("\n[More: gpucheck explain module-missing-new-kernel (seen 6"), "{text}");
    assert_eq!(text.lines().count(), 4, "{text}");
    fs::remove_file(&shown).unwrap();
    fs::remove_file(looked.report()).unwrap();
    assert_said(&start(), "");
    assert!(!shown.exists());
}

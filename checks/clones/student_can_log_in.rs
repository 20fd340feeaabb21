//! The account that students are to log in as lets them in.
//!
//! # Meaning
//! Every clone has the accounts of the template. One that is missing, has no home, starts `nologin` or takes no password
//! leaves all students before a closed door.
//!
//! # Detection
//! Asked with `--student NAME`. /etc/passwd lists the account, its shell is a program other than `nologin` and `false`, its home
//! is a folder; /etc/shadow, which only root may read, has a password for it, or `~/.ssh/authorized_keys` a key. An account that
//! is not listed may be made on each clone: by cloud-init, whose files are looked through for its name, or by whoever makes
//! the clones.
//!
//! # Fix
//! Make the account and its home, give it a shell and a password, and look again.
//!
//! # Source
//! passwd(5), shadow(5), nologin(8), <https://cloudinit.readthedocs.io/en/latest/reference/modules.html#users-and-groups>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{Facts, LoginAccount, PasswordState, StudentAccount},
    judge::quoted,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Clones],
    needs: &[],
    severity: Severity::BreaksLater,
    who: Who::Instructor,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    let homes = facts.clones.seen().and_then(|clones| clones.homes.seen());
    let student = homes.and_then(|homes| homes.student.as_ref());
    student.map(|student| judge_student(student).with("student", student.user.clone())).into_iter().collect()
}

fn judge_student(student: &StudentAccount) -> Finding {
    let host = Subject::Host;
    let StudentAccount { user, account, made_by, directories } = student;
    let name = quoted(user);
    match (account, made_by, directories.as_slice()) {
        (Some(account), ..) => judge_account(user, account),
        (None, Some(file), _) => Finding::pass(host, format!("{file} makes {user} on each clone")),
        (None, None, []) => Finding::new(
            host,
            Verdict::Warn,
            format!("/etc/passwd lists no {user}, and nothing here makes it"),
        )
        .run(format!("sudo useradd --create-home --shell /bin/bash {name} && sudo passwd {name}")),
        (None, None, services) => Finding::unknown(
            host,
            format!("/etc/passwd lists no {user}; {} may know it, and was not asked", services.join(", ")),
        ),
    }
}

fn judge_account(user: &str, account: &LoginAccount) -> Finding {
    let host = Subject::Host;
    let LoginAccount { uid, home, has_home, shell, shell_lets_in, password, has_keys } = account;
    let name = quoted(user);
    if !shell_lets_in {
        return Finding::fail(host, format!("{user} starts {shell}, which lets nobody in"))
            .variant("shell")
            .with("shell", shell.clone())
            .run(format!("sudo usermod --shell /bin/bash {name}"));
    }
    if !has_home {
        return Finding::fail(host, format!("{home}, the home of {user}, is no folder"))
            .variant("home")
            .with("home", home.clone())
            .run(format!("sudo mkhomedir_helper {name}"));
    }
    match password {
        PasswordState::Locked if !has_keys => {
            Finding::new(host, Verdict::Warn, format!("no password lets {user} in, and no key of SSH"))
                .variant("locked")
                .run(format!("sudo passwd {name}"))
        }
        PasswordState::Set | PasswordState::Empty | PasswordState::Locked => {
            Finding::pass(host, format!("{user} (user {uid}) has a home, a shell and a way in"))
        }
        PasswordState::Untold if *has_keys => {
            Finding::pass(host, format!("{user} (user {uid}) has a home, a shell and keys of SSH"))
        }
        PasswordState::Untold => Finding::unknown(
            host,
            format!("whether {user} has a password only root may see; run gpucheck with sudo"),
        ),
    }
}

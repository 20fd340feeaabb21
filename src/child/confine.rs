//! What a child does to itself between fork and exec.
//!
//! Invariant: system calls only, on values made before the fork; other threads' locks may be held for ever here.

use super::Identity;
use std::{
    io,
    os::fd::{AsRawFd, OwnedFd, RawFd},
};

/// Capabilities to load modules and to make device nodes, by their numbers in linux/capability.h.
const WITHHELD: [u32; 2] = [16, 27];
/// `_LINUX_CAPABILITY_VERSION_3`.
const CAPABILITY_VERSION: u32 = 0x2008_0522;
/// linux/close_range.h.
const CLOSE_RANGE_CLOEXEC: libc::c_uint = 4;
/// Descriptors looked at where Linux cannot mark them all at once.
const LAST_LOOKED_AT: libc::rlim_t = 4096;

/// What a child is confined to.
pub(super) struct Limits {
    pub(super) memory: u64,
    pub(super) may_make_nodes: bool,
    pub(super) identity: Option<Identity>,
}

/// Confines this process. A refused call leaves it with more freedom than planned, which is no reason to go without
/// its facts; only its files and its identity it must get.
pub(super) fn confine(files: &[(OwnedFd, RawFd)], limits: &Limits, parent: u32) -> io::Result<()> {
    limit(libc::RLIMIT_DATA, limits.memory);
    no_core_file();
    if !limits.may_make_nodes {
        withhold_nodes_and_modules();
    }
    first_to_go();
    // What the caller left open must not be kept open by a child that cannot be killed.
    close_at_exec();
    for (file, number) in files {
        // SAFETY: a system call on numbers.
        if unsafe { libc::dup2(file.as_raw_fd(), *number) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    // Only root may do the above in full, so the identity comes after it. It undoes a death signal, so that comes last.
    if let Some(identity) = &limits.identity {
        become_user(identity)?;
    }
    // SAFETY: system calls on numbers.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        if u32::try_from(libc::getppid()) != Ok(parent) {
            libc::_exit(125);
        }
    }
    Ok(())
}

fn limit(resource: libc::__rlimit_resource_t, most: u64) -> bool {
    let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
    // SAFETY: the structure lives on this stack.
    unsafe { libc::setrlimit(resource, &raw const limit) == 0 }
}

/// Where cores go to a program (apport, systemd-coredump), Linux does not heed a limit of 0: only 1 means none
/// (`do_coredump` in fs/coredump.c). Into a file no core of one byte is written either.
fn no_core_file() {
    if !limit(libc::RLIMIT_CORE, 1) {
        limit(libc::RLIMIT_CORE, 0);
    }
}

/// Takes both rights from this process and from whatever it starts: root regains at an exec what is in its bounding
/// set or inheritable, others what a program with the setuid bit has.
fn withhold_nodes_and_modules() {
    // Effective, permitted, inheritable; then the same of the capabilities from 32 on.
    let mut sets = [0_u32; 6];
    let header = [CAPABILITY_VERSION, 0];
    // SAFETY: system calls on numbers and on arrays of this stack that are as long as version 3 has them.
    unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        for capability in WITHHELD {
            libc::prctl(libc::PR_CAPBSET_DROP, libc::c_ulong::from(capability), 0, 0, 0);
        }
        if libc::syscall(libc::SYS_capget, header.as_ptr(), sets.as_mut_ptr()) == 0 {
            let [_, _, inheritable, ..] = &mut sets;
            *inheritable &= !WITHHELD.iter().fold(0, |bits, capability| bits | 1 << capability);
            // What is not inheritable leaves the ambient set with it.
            libc::syscall(libc::SYS_capset, header.as_ptr(), sets.as_ptr());
        }
    }
}

/// Under memory pressure the kernel shall end the probe, not a student's notebook.
fn first_to_go() {
    // SAFETY: system calls on texts that end with a zero.
    unsafe {
        let score = libc::open(c"/proc/self/oom_score_adj".as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        if score >= 0 {
            libc::write(score, c"1000".as_ptr().cast(), 4);
            libc::close(score);
        }
    }
}

fn close_at_exec() {
    // SAFETY: system calls on numbers, and on a structure that lives on this stack.
    unsafe {
        let (first, last) = (3 as libc::c_uint, libc::c_uint::MAX);
        if libc::syscall(libc::SYS_close_range, first, last, CLOSE_RANGE_CLOEXEC) == 0 {
            return;
        }
        // Before Linux 5.11, or where a container refuses it: one by one.
        let mut open = libc::rlimit { rlim_cur: LAST_LOOKED_AT, rlim_max: LAST_LOOKED_AT };
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut open);
        let end = i32::try_from(open.rlim_cur.min(LAST_LOOKED_AT)).unwrap_or_default();
        for number in 3..end {
            libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC);
        }
    }
}

/// Becomes a user, with that user's groups instead of the asking one's. A child that stays root is no child.
fn become_user(Identity { uid, gid, groups }: &Identity) -> io::Result<()> {
    // SAFETY: system calls on numbers, and on a list that outlives them and whose length is given.
    let taken = unsafe {
        libc::setgroups(groups.len(), groups.as_ptr()) == 0
            && libc::setgid(*gid) == 0
            && libc::setuid(*uid) == 0
    };
    if taken { Ok(()) } else { Err(io::Error::last_os_error()) }
}

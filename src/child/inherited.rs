//! What a caller may have left to this process that keeps it from following children.

/// Takes back what the caller set: with SIGCHLD ignored the system reaps every child before anybody asks how it ended.
pub fn mend_what_was_inherited() {
    // SAFETY: sets the default action; no handler is involved.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
}

//! What a caller may have left to this process that keeps it from following children.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that are open at most while children are followed, with room; what a caller allows by default is as much.
const FILES: u64 = 1024;

/// Takes back what the caller set: with SIGCHLD ignored the system reaps every child before anybody asks how it ended,
/// and with few files allowed the numbers that children are promised do not exist.
pub fn mend_what_was_inherited() {
    // SAFETY: sets the default action; no handler is involved.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_some_and(|current| current < FILES) {
        let raised = maximum.map_or(FILES, |maximum| maximum.min(FILES));
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum });
    }
    super::promised::keep();
}

/// What to say where a number is too high for a file of this process.
pub(super) fn too_few_files(error: std::io::Error) -> std::io::Error {
    let Some(allowed) = getrlimit(Resource::Nofile).current.filter(|allowed| *allowed < FILES) else {
        return error;
    };
    std::io::Error::other(format!("{error}: only {allowed} files may be open (ulimit -n), allow {FILES}"))
}

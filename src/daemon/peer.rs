//! Who is at the other end of a socket.

use std::{
    io,
    os::fd::{AsFd, AsRawFd},
};

/// The process at the other end, as it was when it connected or began to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Peer {
    /// 0 where it is in another container.
    pub(super) pid: i32,
    pub(super) uid: u32,
}

/// Asks Linux for it; what the other end says does not matter.
pub(super) fn peer(socket: impl AsFd) -> io::Result<Peer> {
    let mut found = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut size = libc::socklen_t::try_from(size_of::<libc::ucred>()).unwrap_or_default();
    // SAFETY: the structure lives on this stack, and its size is given.
    let asked = unsafe {
        libc::getsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut found).cast(),
            &raw mut size,
        )
    };
    if asked == 0 { Ok(Peer { pid: found.pid, uid: found.uid }) } else { Err(io::Error::last_os_error()) }
}

//! What Linux tells of modules and drivers, by netlink: `add@/module/nvidia`, `bind@/devices/pci0000:00/...`, then
//! `NAME=value` for each property, a zero byte behind each.
//!
//! Invariants: only the kernel's own messages count; the socket's filter lets through what may be about NVIDIA's driver, so
//! that containers and disks that come and go wake nobody.
//!
//! Source: netlink(7); `lib/kobject_uevent.c` in Linux.

use rustix::{
    io::Errno,
    net::{
        AddressFamily, RecvFlags, SocketFlags, SocketType, bind, netlink, netlink::SocketAddrNetlink,
        recvfrom, socket_with,
    },
};
use std::{
    io,
    os::fd::{AsRawFd, OwnedFd},
};

/// The group of messages that are the kernel's.
const KERNEL: u32 = 1;
/// Longest message (`UEVENT_BUFFER_SIZE`, and the line before it).
const LONGEST: usize = 4 << 10;

const fn word(text: [u8; 4]) -> u32 {
    u32::from_be_bytes(text)
}

const fn step(code: u32, k: u32, jt: u8, jf: u8) -> libc::sock_filter {
    #[expect(clippy::cast_possible_truncation, reason = "codes of instructions have sixteen bits")]
    let code = code as u16;
    libc::sock_filter { code, jt, jf, k }
}

/// Loads four bytes.
const fn load(at: u32) -> libc::sock_filter {
    step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, at, 0, 0)
}

/// Goes on behind so many steps where they are these, else behind so many.
const fn is(text: [u8; 4], then: u8, otherwise: u8) -> libc::sock_filter {
    step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, word(text), then, otherwise)
}

const fn keep(bytes: u32) -> libc::sock_filter {
    step(libc::BPF_RET | libc::BPF_K, bytes, 0, 0)
}

/// `bind...`, `unbind...`, `add@/module/nvid...`, `remove@/module/nvid...`.
static FILTER: [libc::sock_filter; 19] = [
    load(0),
    is(*b"bind", 15, 0),
    is(*b"unbi", 14, 0),
    is(*b"add@", 1, 0),
    is(*b"remo", 6, 13),
    load(4),
    is(*b"/mod", 0, 11),
    load(8),
    is(*b"ule/", 0, 9),
    load(12),
    is(*b"nvid", 6, 7),
    load(7),
    is(*b"/mod", 0, 5),
    load(11),
    is(*b"ule/", 0, 3),
    load(15),
    is(*b"nvid", 0, 1),
    keep(u32::MAX),
    keep(0),
];

/// A socket on which they come.
pub(super) fn listen() -> io::Result<OwnedFd> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket =
        socket_with(AddressFamily::NETLINK, SocketType::DGRAM, flags, Some(netlink::KOBJECT_UEVENT))?;
    let length = libc::c_ushort::try_from(FILTER.len()).unwrap_or_default();
    let program = libc::sock_fprog { len: length, filter: FILTER.as_ptr().cast_mut() };
    let size = libc::socklen_t::try_from(size_of::<libc::sock_fprog>()).unwrap_or_default();
    // SAFETY: the kernel copies the program, which lives on this stack, and the steps, which it does not change.
    let set = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            (&raw const program).cast(),
            size,
        )
    };
    if set != 0 {
        return Err(io::Error::last_os_error());
    }
    bind(&socket, &SocketAddrNetlink::new(0, KERNEL))?;
    Ok(socket)
}

/// The next message of the kernel's; nothing in the place of another program's.
pub(super) fn next(socket: &OwnedFd) -> Result<Option<String>, Errno> {
    let mut buffer = [0_u8; LONGEST];
    let (_, length, from) = recvfrom(socket, &mut buffer, RecvFlags::empty())?;
    let from = from.and_then(|from| SocketAddrNetlink::try_from(from).ok());
    let is_kernels = from.is_some_and(|from| from.pid() == 0);
    let text = buffer.get(..length).filter(|_| is_kernels);
    Ok(text.map(|text| String::from_utf8_lossy(text).into_owned()))
}

/// Whether a message is about NVIDIA's module, or a device that its driver takes or leaves.
pub(super) fn is_of_nvidia(event: &str) -> bool {
    let mut parts = event.split('\0');
    let (action, path) = parts.next().and_then(|first| first.split_once('@')).unwrap_or_default();
    match action {
        "add" | "remove" => path == "/module/nvidia",
        "bind" => parts.any(|part| part == "DRIVER=nvidia"),
        // What it was bound to is no longer told.
        "unbind" => parts.any(|part| part.starts_with("PCI_ID=10DE:")),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the steps say to a message: the little of the machine that they need.
    fn lets_through(message: &[u8]) -> bool {
        let (mut at, mut loaded) = (0, 0);
        loop {
            let step = FILTER[at];
            at += 1;
            match u32::from(step.code) & 7 {
                libc::BPF_LD => {
                    let from = step.k as usize;
                    let Some(bytes) = message.get(from..from + 4) else { return false };
                    loaded = word(bytes.try_into().unwrap());
                }
                libc::BPF_JMP => at += usize::from(if loaded == step.k { step.jt } else { step.jf }),
                _ => return step.k != 0,
            }
        }
    }

    #[test]
    fn only_what_may_be_about_the_driver_wakes_the_daemon() {
        for (message, passes, counts) in [
            ("add@/module/nvidia\0ACTION=add\0SUBSYSTEM=module\0", true, true),
            ("remove@/module/nvidia\0ACTION=remove\0", true, true),
            ("add@/module/nvidia_uvm\0ACTION=add\0", true, false),
            ("add@/module/nouveau\0ACTION=add\0", false, false),
            ("remove@/module/nouveau\0ACTION=remove\0", false, false),
            ("bind@/devices/pci0001:00/0001:00:00.0\0DRIVER=nvidia\0PCI_ID=10DE:1EB8\0", true, true),
            ("bind@/devices/pci0000:00/0000:00:04.0\0DRIVER=virtio-pci\0", true, false),
            ("unbind@/devices/pci0001:00/0001:00:00.0\0PCI_ID=10DE:1EB8\0", true, true),
            ("add@/devices/virtual/net/veth1a2b\0ACTION=add\0", false, false),
            ("change@/devices/virtual/block/dm-0\0", false, false),
            ("add@", false, false),
            ("", false, false),
        ] {
            assert_eq!(
                (lets_through(message.as_bytes()), is_of_nvidia(message)),
                (passes, counts),
                "{message}"
            );
        }
    }

    #[test]
    fn a_socket_can_be_had_and_has_nothing_to_say() {
        let socket = listen().unwrap();
        assert_eq!(next(&socket), Err(Errno::AGAIN));
    }
}

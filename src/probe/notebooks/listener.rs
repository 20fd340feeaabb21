//! Whether a port on this machine is a certain process's: nobody else is told a token.
//!
//! Source: `inet_lookup_listener` of Linux: a socket bound to the very address comes before one of any address, and of
//! those one of IPv4 before one of IPv6 that takes both; proc(5), `/proc/PID/net/tcp`.

use crate::root::Root;
use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

/// Most of a table of sockets that is read, in bytes, and most open files that are looked at.
const TABLE: u64 = 4 << 20;
const FILES: usize = 20_000;
/// The number of LISTEN in these tables.
const LISTEN: &str = "0A";

/// A socket that listens on the port.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Socket {
    address: IpAddr,
    inode: u64,
}

/// The address under which this process, and nobody else, answers on a port; or why there is none.
pub(super) fn of(root: &Root, pid: i32, port: u16) -> Result<SocketAddr, String> {
    let network = |who: &str| root.link(&format!("/proc/{who}/ns/net"));
    if network("self").is_none() || network("self") != network(&pid.to_string()) {
        return Err("it runs in another network".to_owned());
    }
    let own = own_sockets(root, pid);
    let table = |name: &str| {
        let bytes = root.bytes(&format!("/proc/{pid}/net/{name}"), TABLE).unwrap_or_default();
        sockets(&String::from_utf8_lossy(&bytes), port)
    };
    let sockets: Vec<Socket> = table("tcp").into_iter().chain(table("tcp6")).collect();
    let local = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    let answers = |address: &&IpAddr| {
        let takers = takers(&sockets, **address);
        !takers.is_empty() && takers.iter().all(|taker| own.contains(&taker.inode))
    };
    match local.iter().find(answers) {
        Some(address) => Ok(SocketAddr::new(*address, port)),
        None if sockets.is_empty() => Err(format!("nobody listens on its port, {port}")),
        None => Err(format!("its port, {port}, is not known to be its own")),
    }
}

/// The sockets of a process, by their inodes.
fn own_sockets(root: &Root, pid: i32) -> BTreeSet<u64> {
    let folder = format!("/proc/{pid}/fd");
    let files = root.some_names(&folder, FILES).into_iter();
    let targets = files.filter_map(|file| root.link(&format!("{folder}/{file}")));
    targets.filter_map(|target| target.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()).collect()
}

/// Those that may be handed a connection to this address.
fn takers(sockets: &[Socket], to: IpAddr) -> Vec<&Socket> {
    let bound = |wanted: &dyn Fn(IpAddr) -> bool| {
        sockets.iter().filter(|socket| wanted(socket.address)).collect::<Vec<_>>()
    };
    let any_v4 = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let any_v6 = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
    let mut tiers = vec![bound(&|address| address.to_canonical() == to)];
    if to.is_ipv4() {
        tiers.push(bound(&|address| address.to_canonical() == any_v4));
    }
    tiers.push(bound(&|address| address == any_v6));
    tiers.into_iter().find(|tier| !tier.is_empty()).unwrap_or_default()
}

/// Who listens on a port: `sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode`.
fn sockets(table: &str, port: u16) -> Vec<Socket> {
    let socket = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (address, at) = words.get(1)?.rsplit_once(':')?;
        let listens = *words.get(3)? == LISTEN && u16::from_str_radix(at, 16).ok()? == port;
        let inode = words.get(9)?.parse().ok()?;
        listens.then_some(Socket { address: self::address(address)?, inode })
    };
    table.lines().skip(1).filter_map(socket).collect()
}

/// An address as Linux prints it: words of 32 bits, each as this machine's number.
fn address(text: &str) -> Option<IpAddr> {
    let word = |at: usize| Some(u32::from_str_radix(text.get(at * 8..at * 8 + 8)?, 16).ok()?.to_ne_bytes());
    match text.len() {
        8 => Some(IpAddr::from(word(0)?)),
        32 => {
            let bytes: Vec<u8> = [word(0)?, word(1)?, word(2)?, word(3)?].concat();
            Some(IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    const HEAD: &str =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";

    fn line(address: &str, state: &str, inode: u32) -> String {
        format!(
            "   0: {address} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000  1000        0 {inode} 1 0 100 0 0 10 0"
        )
    }

    fn inodes(lines: &[String], to: &str) -> Vec<u64> {
        let sockets = sockets(&format!("{HEAD}\n{}", lines.join("\n")), 8888);
        takers(&sockets, to.parse().unwrap()).iter().map(|socket| socket.inode).collect()
    }

    #[test]
    fn the_closest_socket_takes_a_connection() {
        let zero = "0".repeat(32);
        let exact = line("0100007F:22B8", "0A", 1);
        let any = line("00000000:22B8", "0A", 2);
        let both = line(&format!("{zero}:22B8"), "0A", 3);
        let mapped = line("0000000000000000FFFF00000100007F:22B8", "0A", 4);
        let connected = line("0100007F:22B8", "01", 5);
        let elsewhere = line("0100007F:22B9", "0A", 6);
        let all = [exact, any.clone(), both.clone(), mapped, connected.clone(), elsewhere];
        assert_eq!(inodes(&all, "127.0.0.1"), [1, 4]);
        assert_eq!(inodes(&all, "::1"), [3]);
        assert_eq!(inodes(&[any, both.clone()], "127.0.0.1"), [2]);
        assert_eq!(inodes(&[both], "127.0.0.1"), [3]);
        assert!(inodes(&[connected, "garbage".to_owned()], "127.0.0.1").is_empty());
    }

    #[test]
    fn a_port_of_this_process_is_its_own_and_nobody_elses() {
        let root = Root::new("/");
        let own = i32::try_from(std::process::id()).unwrap();
        for local in ["127.0.0.1:0", "0.0.0.0:0", "[::1]:0", "[::]:0"] {
            let Ok(listener) = TcpListener::bind(local) else { continue };
            let port = listener.local_addr().unwrap().port();
            assert_eq!(of(&root, own, port).map(|place| place.port()), Ok(port), "{local}");
            let parent = i32::try_from(std::os::unix::process::parent_id()).unwrap();
            assert!(of(&root, parent, port).is_err(), "{local}");
            drop(listener);
            assert!(of(&root, own, port).is_err(), "{local}");
        }
    }
}

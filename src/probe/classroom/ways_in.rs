//! How students get into the machine: SSH, remote desktops, Jupyter as a service.
//!
//! Invariants: files and `/proc` alone; nothing is connected to. What is not installed is not told.

use crate::{
    probe::units::{self, Running},
    root::Root,
};
use gpucheck_checks::fact::{Listening, WayIn, WayInKind};

/// A service that is looked for: its units, the likeliest first, its process, its port.
struct Known {
    kind: WayInKind,
    units: &'static [&'static str],
    process: &'static str,
    port: Option<u16>,
}

/// Debian calls it ssh and Fedora sshd; where a socket waits, the service starts with the first who comes.
const KNOWN: [Known; 4] = [
    Known {
        kind: WayInKind::Ssh,
        units: &["ssh.service", "sshd.service", "ssh.socket", "sshd.socket"],
        process: "sshd",
        port: Some(22),
    },
    Known { kind: WayInKind::Xrdp, units: &["xrdp.service"], process: "xrdp", port: Some(3389) },
    Known { kind: WayInKind::X2go, units: &["x2goserver.service"], process: "x2gocleansessio", port: None },
    Known {
        kind: WayInKind::Jupyterhub,
        units: &["jupyterhub.service"],
        process: "jupyterhub",
        port: Some(8000),
    },
];
/// Where Jupyter answers, unless it is told otherwise.
const JUPYTER_PORT: u16 = 8888;
/// Where The Littlest JupyterHub lies, whose proxy answers on HTTP's own port.
const TLJH: &str = "/opt/tljh";
const HTTP: u16 = 80;
/// Sessions of desktops.
const SESSIONS: [&str; 2] = ["/usr/share/xsessions", "/usr/local/share/xsessions"];
/// Most units of Jupyter, and desktops, that are told.
const MOST: usize = 16;
/// Most of a table of sockets that is read, in bytes.
const TABLE: u64 = 4 << 20;
/// The number of LISTEN in these tables.
const LISTEN: &str = "0A";

/// The ways in that are installed.
pub(super) fn ways_in(root: &Root) -> Vec<WayIn> {
    let seen = Seen { root, processes: units::processes(root), sockets: sockets(root) };
    let mut ways: Vec<WayIn> = KNOWN.iter().filter_map(|known| seen.known(known)).collect();
    ways.extend(seen.servers());
    ways
}

struct Seen<'a> {
    root: &'a Root,
    processes: Option<Vec<Running>>,
    /// Who listens on which port; none where that cannot be seen.
    sockets: Option<Vec<(Listening, u16)>>,
}

impl Seen<'_> {
    fn known(&self, known: &Known) -> Option<WayIn> {
        let there: Vec<(&str, String)> =
            known.units.iter().filter_map(|unit| Some((*unit, units::file(self.root, unit)?))).collect();
        // The one that starts at boot, else the first.
        let starts = |(unit, file): &&(&str, String)| {
            !units::is_masked(self.root, file) && units::is_wanted(self.root, unit)
        };
        let (name, file) = there.iter().find(starts).or_else(|| there.first())?;
        let port = self.port(known);
        let mut way = self.way(known.kind, name, file, port);
        let is_of = |running: &Running| {
            running.comm == known.process || there.iter().any(|(unit, _)| running.is_of(unit))
        };
        way.running = self.processes.as_ref().map(|all| all.iter().any(is_of));
        if matches!(way.listening, Some(Listening::Everywhere | Listening::Loopback)) {
            // A socket waits for it.
            way.running = way.running.map(|_| true);
        }
        way.desktops = matches!(known.kind, WayInKind::Xrdp | WayInKind::X2go).then(|| desktops(self.root));
        Some(way)
    }

    fn way(&self, kind: WayInKind, name: &str, file: &str, port: Option<u16>) -> WayIn {
        WayIn {
            kind,
            name: name.to_owned(),
            unit: Some(file.to_owned()),
            enabled: units::is_wanted(self.root, name),
            masked: units::is_masked(self.root, file),
            running: None,
            port,
            listening: port.and_then(|port| self.listening(port)),
            desktops: None,
        }
    }

    /// Jupyter's servers that somebody made a unit for.
    fn servers(&self) -> Vec<WayIn> {
        let names = units::UNITS.iter().flat_map(|folder| self.root.names(folder));
        let is_server = |name: &String| {
            let is_service = name.strip_suffix(".service").is_some_and(|name| !name.ends_with('@'));
            name.starts_with("jupyter") && !name.starts_with("jupyterhub") && is_service
        };
        let mut names: Vec<String> = names.filter(is_server).collect();
        names.sort();
        names.dedup();
        let server = |name: &String| {
            let file = units::file(self.root, name)?;
            let port = port_in_words(&self.root.configuration(&file).unwrap_or_default());
            let mut way = self.way(WayInKind::Jupyter, name, &file, Some(port.unwrap_or(JUPYTER_PORT)));
            way.running = self.processes.as_ref().map(|all| all.iter().any(|running| running.is_of(name)));
            Some(way)
        };
        names.iter().take(MOST).filter_map(server).collect()
    }

    fn port(&self, known: &Known) -> Option<u16> {
        let read = |path: &str| self.root.configuration(path).unwrap_or_default();
        match known.kind {
            WayInKind::Ssh => port_of_ssh(&read("/etc/ssh/sshd_config")).or(known.port),
            WayInKind::Xrdp => port_of_xrdp(&read("/etc/xrdp/xrdp.ini")).or(known.port),
            WayInKind::Jupyterhub if self.root.is_folder(TLJH) => Some(HTTP),
            WayInKind::X2go | WayInKind::Jupyter | WayInKind::Jupyterhub => known.port,
        }
    }

    fn listening(&self, port: u16) -> Option<Listening> {
        let mut here =
            self.sockets.as_ref()?.iter().filter(|(_, at)| *at == port).map(|(who, _)| *who).peekable();
        if here.peek().is_none() {
            return Some(Listening::Nowhere);
        }
        Some(if here.any(|who| who == Listening::Everywhere) {
            Listening::Everywhere
        } else {
            Listening::Loopback
        })
    }
}

/// `Port` in sshd_config(5), outside of `Match`.
fn port_of_ssh(text: &str) -> Option<u16> {
    let mut words = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    words.find_map(|words| match words.as_slice() {
        [name, port, ..] if name.eq_ignore_ascii_case("port") => port.parse().ok(),
        _ => None,
    })
}

/// `port` of the first section in xrdp.ini(5): `3389`, `tcp://:3389`.
fn port_of_xrdp(text: &str) -> Option<u16> {
    let value =
        text.lines().find_map(|line| line.trim().strip_prefix("port")?.trim_start().strip_prefix('='))?;
    value.trim().rsplit(':').next()?.parse().ok()
}

/// `--port=8888`, `--ServerApp.port 8888` in the command of a unit.
fn port_in_words(text: &str) -> Option<u16> {
    let command = text.lines().find_map(|line| line.trim().strip_prefix("ExecStart="))?;
    let mut words = command.split([' ', '=']);
    words.find(|word| word.starts_with("--") && word.rsplit(['-', '.']).next() == Some("port"))?;
    words.next()?.parse().ok()
}

fn desktops(root: &Root) -> Vec<String> {
    let names = SESSIONS.iter().flat_map(|folder| root.some_names(folder, 256));
    let mut names: Vec<String> =
        names.filter_map(|name| Some(name.strip_suffix(".desktop")?.to_owned())).take(MOST).collect();
    names.dedup();
    names
}

/// Sockets that listen, of this network.
fn sockets(root: &Root) -> Option<Vec<(Listening, u16)>> {
    let table = |name: &str| root.bytes(&format!("/proc/net/{name}"), TABLE).ok();
    let (four, six) = (table("tcp"), table("tcp6"));
    if four.is_none() && six.is_none() {
        return None;
    }
    let texts = [four, six].into_iter().flatten();
    Some(texts.flat_map(|bytes| listeners(&String::from_utf8_lossy(&bytes))).collect())
}

/// proc(5): address and port in hexadecimals, each word of the address in the machine's own order.
fn listeners(table: &str) -> Vec<(Listening, u16)> {
    let listener = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        let (address, port) = words.next()?.split_once(':')?;
        let is_listening = words.nth(1)? == LISTEN;
        let port = u16::from_str_radix(port, 16).ok()?;
        is_listening
            .then_some((if is_loopback(address) { Listening::Loopback } else { Listening::Everywhere }, port))
    };
    table.lines().skip(1).filter_map(listener).collect()
}

fn is_loopback(address: &str) -> bool {
    let word = |text: &str| u32::from_str_radix(text, 16).ok().map(u32::to_ne_bytes);
    match address.len() {
        8 => word(address).is_some_and(|bytes| bytes.first() == Some(&127)),
        32 => {
            let (head, tail) = address.split_at(24);
            let is_v6 = head.bytes().all(|digit| digit == b'0') && word(tail) == Some([0, 0, 0, 1]);
            let is_mapped = word(head.get(16..).unwrap_or_default()) == Some([0, 0, 255, 255])
                && word(tail).is_some_and(|bytes| bytes.first() == Some(&127));
            is_v6 || is_mapped
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines as Linux 6.1 writes them.
    const TCP: &str =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 20414 1
   1: 0100007F:22B8 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 20415 1
   2: 0100007F:1F40 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1000        0 20416 1
   3: 00000000000000000000000001000000:0D3D 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 1 1";

    #[test]
    fn only_what_listens_counts() {
        let expected =
            [(Listening::Everywhere, 22), (Listening::Loopback, 8888), (Listening::Loopback, 3389)];
        assert_eq!(listeners(TCP), expected);
        assert_eq!(listeners("garbage\n: : :\n"), []);
    }

    #[test]
    fn ports_are_read_from_what_people_write() {
        assert_eq!(port_of_ssh("#Port 22\nport 2222\nMatch User x\n"), Some(2222));
        assert_eq!(port_of_ssh("# nothing\n"), None);
        assert_eq!(port_of_xrdp("[Globals]\nini_version=1\nport=tcp://:3390\n"), Some(3390));
        assert_eq!(port_of_xrdp("port = 3389"), Some(3389));
        for (command, port) in [
            ("ExecStart=/opt/conda/bin/jupyter lab --port=9000 --no-browser", Some(9000)),
            ("ExecStart=/x/jupyter-server --ServerApp.port 9001", Some(9001)),
            ("ExecStart=/x/jupyter-lab", None),
            ("ExecStart=/x/jupyter-lab --port=many", None),
        ] {
            assert_eq!(port_in_words(&format!("[Service]\n{command}\n")), port, "{command}");
        }
    }
}

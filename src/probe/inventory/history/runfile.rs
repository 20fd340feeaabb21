//! `/var/log/nvidia-installer.log`: the driver's own installer, which keeps the log of its last run.
//!
//! Source: NVIDIA/nvidia-installer, log.c, `log_init`; its time is a local one.

use super::logs;
use crate::root::Root;
use gpucheck_checks::fact::{Event, Installer, PackageChange};

const LOG: &str = "/var/log/nvidia-installer.log";

/// Its last run.
pub(super) fn event(root: &Root) -> Option<Event> {
    let bytes = root.bytes(LOG, 64 << 10).ok()?;
    read(&String::from_utf8_lossy(&bytes))
}

fn read(text: &str) -> Option<Event> {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let version = field("installer version")?.trim();
    let at = jiff::civil::DateTime::strptime("%a %b %e %H:%M:%S %Y", field("creation time")?.trim()).ok()?;
    let words = text.lines().skip_while(|line| *line != "nvidia-installer command line:").skip(1);
    let words: Vec<&str> = words.take_while(|line| line.starts_with("    ")).map(str::trim).collect();
    let removes = words.contains(&"--uninstall");
    Some(Event {
        at: at.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
        by: Installer::Nvidia,
        log: LOG.to_owned(),
        command: (!words.is_empty()).then(|| logs::command(&words.join(" "))),
        by_user: None,
        environment: None,
        asked_for: Vec::new(),
        changes: vec![PackageChange {
            package: "nvidia".to_owned(),
            from: None,
            to: (!removes).then(|| version.to_owned()),
        }],
        others: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_of_a_real_run() {
        // anomixer/proxmox-vgpu-installer#21.
        let text = "nvidia-installer log file '/var/log/nvidia-installer.log'
creation time: Fri May 29 22:09:37 2026
installer version: 550.90.05

PATH: /root/.cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

nvidia-installer command line:
    ./nvidia-installer
    --dkms
    -m=kernel
    -s

Using built-in stream user interface
";
        let event = read(text).unwrap();
        assert_eq!(event.at, "2026-05-29T22:09:37");
        assert_eq!(event.command.as_deref(), Some("./nvidia-installer --dkms -m=kernel -s"));
        assert_eq!(event.changes[0].to.as_deref(), Some("550.90.05"));
        assert_eq!(read(&text.replace("Fri May 29", "Some day")), None);
    }
}

//! What calls for a look: errors that the driver reports, drivers that come and go, sleep.
//!
//! Invariants: nothing is asked again and again, Linux wakes the daemon where there is something; what comes often is
//! listened to seldom, so that a chatty machine wakes it a few times a minute at most; what cannot be listened to is told
//! once and costs nothing else.

use super::{clock, uevents};
use crate::{probe::log::kmsg, root::Root};
use rustix::{
    fs::{Mode, OFlags, SeekFrom},
    io::Errno,
    time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec},
};
use std::{io, os::fd::OwnedFd, path::Path, time::Duration};

/// How long the log wakes nobody after a line that says nothing; who answers reads it all the same.
const DEAF: Duration = Duration::from_secs(20);
/// Sleep that counts.
const SLEEP: Duration = Duration::from_secs(1);
/// What stands in a line by which the driver reports an error.
const ERRORS: [&str; 2] = ["NVRM: Xid", "has fallen off the bus"];
/// Texts that tell which driver runs.
const DRIVER: [&str; 2] = ["/proc/driver/nvidia/version", "/sys/module/nvidia/version"];
/// How long what was seen of the driver counts.
const SEEN_FOR: Duration = Duration::from_secs(1);
/// Records that are read at once.
const AT_ONCE: usize = 4096;

/// What the kernel's log has said.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// The first line by which the driver reports an error.
    pub(super) error: Option<String>,
    /// Lines are gone that nobody has read.
    pub(super) lost: bool,
}

/// The kernel's log, from now on.
pub(super) struct Log {
    device: OwnedFd,
    /// Until then it is not listened to.
    deaf_until: Duration,
}

impl Log {
    /// # Errors
    /// The operating system's: without privileges where `kernel.dmesg_restrict` is 1.
    pub(super) fn open(root: &Root, path: &Path) -> io::Result<Self> {
        let device = if root.is_this_machine() {
            let device = kmsg::open_device()?;
            rustix::fs::seek(&device, SeekFrom::End(0))?;
            device
        } else {
            // Of a simulated machine it is a pipe, which has no end while this process may write to it.
            let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
            rustix::fs::open(path.join("dev/kmsg"), flags, Mode::empty())?
        };
        Ok(Self { device, deaf_until: Duration::ZERO })
    }

    pub(super) fn device(&self, now: Duration) -> Option<&OwnedFd> {
        (self.deaf_until <= now).then_some(&self.device)
    }

    /// When it is listened to again.
    pub(super) fn next(&self, now: Duration) -> Option<Duration> {
        (self.deaf_until > now).then_some(self.deaf_until)
    }

    /// Reads what is there, whether or not it is listened to.
    ///
    /// # Errors
    /// The operating system's; the log will not come back.
    pub(super) fn read(&mut self, now: Duration) -> io::Result<Heard> {
        let mut record = [0_u8; kmsg::RECORD];
        let mut heard = Heard::default();
        let mut lines = 0;
        while lines < AT_ONCE {
            match rustix::io::read(&self.device, &mut record) {
                Ok(0) | Err(Errno::AGAIN) => {
                    if lines > 0 && heard.error.is_none() {
                        self.deaf_until = now + DEAF;
                    }
                    break;
                }
                Ok(length) => {
                    lines += 1;
                    let text = String::from_utf8_lossy(record.get(..length).unwrap_or_default()).into_owned();
                    heard.error = heard.error.or_else(|| error_in(&text));
                }
                // Overwritten before they were read.
                Err(Errno::PIPE) => {
                    lines += 1;
                    heard.lost = true;
                }
                Err(Errno::INTR) => {}
                // What was found is told, and the next read says this again.
                Err(_) if heard.error.is_some() => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(heard)
    }
}

fn error_in(text: &str) -> Option<String> {
    let lines = text.lines().filter_map(kmsg::kernel_text);
    let mut lines = lines.filter(|line| ERRORS.iter().any(|error| line.contains(error)));
    lines.next()
}

/// What Linux tells of drivers.
pub(super) struct Drivers(OwnedFd);

impl Drivers {
    /// # Errors
    /// The operating system's.
    pub(super) fn listen() -> io::Result<Self> {
        uevents::listen().map(Self)
    }

    pub(super) fn device(&self) -> &OwnedFd {
        &self.0
    }

    /// Reads what is there; whether it is about NVIDIA's driver.
    pub(super) fn read(&self) -> bool {
        let mut changed = false;
        for _ in 0..AT_ONCE {
            match uevents::next(&self.0) {
                Ok(event) => changed |= event.is_some_and(|event| uevents::is_of_nvidia(&event)),
                // Some were lost, and may have been of it.
                Err(Errno::NOBUFS) => changed = true,
                Err(Errno::INTR) => {}
                Err(_) => break,
            }
        }
        changed
    }
}

/// Whether the machine was asleep.
pub(super) struct Sleep {
    /// A timer that never comes, and that Linux cancels when the clock is set, as it is after sleep.
    timer: Option<OwnedFd>,
    slept: Duration,
}

impl Sleep {
    pub(super) fn watch() -> Self {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = rustix::time::timerfd_create(TimerfdClockId::Realtime, flags).ok();
        let sleep = Self { timer, slept: clock::slept() };
        sleep.arm();
        sleep
    }

    pub(super) fn timer(&self) -> Option<&OwnedFd> {
        self.timer.as_ref()
    }

    fn arm(&self) {
        let Some(timer) = &self.timer else { return };
        let never = Timespec { tv_sec: i64::MAX / 4, tv_nsec: 0 };
        let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: never };
        let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
        let _ = rustix::time::timerfd_settime(timer, flags, &once);
    }

    /// The clock was set.
    pub(super) fn clock_was_set(&self) {
        if let Some(timer) = &self.timer {
            let _ = rustix::io::read(timer, &mut [0_u8; 8]);
        }
        self.arm();
    }

    /// Whether there was sleep since this was last asked.
    pub(super) fn was_asleep(&mut self) -> bool {
        let slept = clock::slept();
        let before = std::mem::replace(&mut self.slept, slept);
        slept.saturating_sub(before) >= SLEEP
    }
}

/// The driver that runs.
pub(super) struct Driver {
    root: Root,
    /// When the last look began.
    at_look: Option<Seen>,
    now: (Duration, Seen),
}

type Seen = ([Option<String>; 2], Vec<String>);

impl Driver {
    pub(super) fn of(root: &Root) -> Self {
        Self { root: root.clone(), at_look: None, now: (Duration::ZERO, seen(root)) }
    }

    /// Whether it is the one that the last look met; asked at most once a second.
    pub(super) fn is_as_it_was(&mut self, now: Duration) -> bool {
        if now >= self.now.0 + SEEN_FOR {
            self.now = (now, seen(&self.root));
        }
        self.at_look.as_ref().is_none_or(|at_look| *at_look == self.now.1)
    }

    /// A look begins.
    pub(super) fn look_begins(&mut self, now: Duration) {
        self.now = (now, seen(&self.root));
        self.at_look = Some(self.now.1.clone());
    }

    /// Whether there is one.
    pub(super) fn is_there(&self) -> bool {
        self.root.exists(DRIVER[0])
    }

    /// Whether the bus shows a GPU of NVIDIA's for it.
    pub(super) fn has_gpu(&self) -> bool {
        const DEVICES: &str = "/sys/bus/pci/devices";
        let value = |name: &str, file: &str| self.root.value(&format!("{DEVICES}/{name}/{file}"));
        let is_gpu = |name: &String| {
            value(name, "vendor").as_deref() == Some("0x10de")
                && value(name, "class").is_some_and(|class| class.starts_with("0x03"))
        };
        self.root.names(DEVICES).iter().any(is_gpu)
    }
}

fn seen(root: &Root) -> Seen {
    (DRIVER.map(|path| root.value(path)), root.names("/proc/driver/nvidia/gpus"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_errors_of_the_driver_count() {
        let xid = "4,812,5140900,-;NVRM: Xid (PCI:0001:00:00): 79, pid=1337, GPU has fallen off the bus.\n";
        let noise = "6,811,5140000,-;usb 1-1: new device\n SUBSYSTEM=usb\n";
        assert_eq!(error_in(noise), None);
        assert!(error_in(&format!("{noise}{xid}")).unwrap().starts_with("NVRM: Xid (PCI:0001:00:00): 79"));
        // Written by a program.
        assert_eq!(error_in("30,420,5140900,-;NVRM: Xid (PCI:0001:00:00): 79"), None);
    }

    #[test]
    fn another_driver_is_noticed_once_a_look_has_met_one() {
        let tree = tempfile::tempdir().unwrap();
        let version = tree.path().join("proc/driver/nvidia/version");
        std::fs::create_dir_all(version.parent().unwrap()).unwrap();
        let mut driver = Driver::of(&Root::new(tree.path()));
        let at = Duration::from_secs;
        assert!(driver.is_as_it_was(at(1)) && !driver.is_there());
        driver.look_begins(at(2));
        std::fs::write(&version, "NVRM version: 535.161.08\n").unwrap();
        assert!(driver.is_as_it_was(at(2)) && !driver.is_as_it_was(at(3)) && driver.is_there());
        driver.look_begins(at(4));
        assert!(driver.is_as_it_was(at(9)));
    }
}

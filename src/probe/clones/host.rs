//! What names this very machine: its name, its addresses, its second disks.

use super::places::{self, Places};
use crate::root::Root;
use gpucheck_checks::fact::{AccessValue, HostTrace, JupyterAccess, Named};

/// Shorter names are found in too many lines.
const SHORTEST: usize = 4;
/// Names that are no machine's own.
const COMMON: [&str; 3] = ["localhost", "ubuntu", "debian"];
/// Lines that are told at most.
const MOST: usize = 100;
/// Where the system's own disk is mounted.
const OF_SYSTEM: [&str; 5] = ["/", "/boot", "/boot/efi", "/efi", "none"];

/// The lines, by file.
pub(super) fn traces(root: &Root, places: &Places, jupyter: &[JupyterAccess]) -> Vec<HostTrace> {
    let name = root.value("/etc/hostname").unwrap_or_default();
    let name = name.split('.').next().unwrap_or_default();
    let name = Some(name).filter(|name| name.len() >= SHORTEST && !COMMON.contains(name));
    let addressed = jupyter.iter().filter(|setting| setting.to == AccessValue::OneAddress);
    let mut traces: Vec<HostTrace> = addressed
        .map(|setting| HostTrace { file: setting.file.clone(), line: setting.line, names: Named::Address })
        .collect();
    if let Some(name) = name {
        let folders = places.jupyter_folders().into_iter();
        let files = folders.flat_map(|folder| places::files(root, &folder, &["_config.py", "_config.json"]));
        for file in files.collect::<Vec<_>>() {
            let known: Vec<u32> =
                traces.iter().filter(|trace| trace.file == file).map(|trace| trace.line).collect();
            traces.extend(
                lines(root, &file, Named::HostName, |line| !line.starts_with('#') && has_word(line, name))
                    .filter(|trace| !known.contains(&trace.line)),
            );
        }
        traces.extend(lines(root, "/etc/hosts", Named::Address, |line| is_own_address(line, name)));
    }
    let system = disk(root, "/");
    traces.extend(lines(root, "/etc/fstab", Named::DiskName, is_by_disk_name));
    traces.extend(lines(root, "/etc/fstab", Named::OtherDisk, |line| {
        is_other_disk(root, line, system.as_deref())
    }));
    traces.truncate(MOST);
    traces
}

fn lines<'a>(
    root: &Root,
    file: &'a str,
    names: Named,
    is: impl Fn(&str) -> bool + 'a,
) -> impl Iterator<Item = HostTrace> + 'a {
    let text = root.configuration(file).unwrap_or_default();
    let found: Vec<u32> =
        (1..).zip(text.lines()).filter(|(_, line)| is(line.trim())).map(|(at, _)| at).collect();
    found.into_iter().map(move |line| HostTrace { file: file.to_owned(), line, names })
}

fn has_word(line: &str, word: &str) -> bool {
    let is_of = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let (before, after) =
            (line.get(..at).unwrap_or_default(), line.get(at + word.len()..).unwrap_or_default());
        !before.ends_with(is_of) && !after.starts_with(is_of)
    })
}

/// A line of `/etc/hosts` that gives the machine's name an address that is not its own on every clone.
fn is_own_address(line: &str, name: &str) -> bool {
    let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
    let address = words.next().unwrap_or_default();
    let is_loopback = address.starts_with("127.") || address == "::1";
    !address.is_empty() && !is_loopback && words.any(|word| word.split('.').next() == Some(name))
}

/// The fields of a line of fstab whose disk the boot waits for.
fn waited_for(line: &str) -> Option<(&str, &str)> {
    let mut fields = line.split_whitespace();
    let (device, point, _, options) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let is_waited_for = !device.starts_with('#')
        && !options.split(',').any(|option| option == "nofail" || option == "noauto");
    is_waited_for.then_some((device, point))
}

/// `/dev/sdb1`: which disk gets that name is decided anew at each boot.
fn is_by_disk_name(line: &str) -> bool {
    let is_named = |device: &str| {
        ["/dev/sd", "/dev/vd", "/dev/xvd", "/dev/nvme"].iter().any(|start| device.starts_with(start))
    };
    waited_for(line).is_some_and(|(device, point)| is_named(device) && !OF_SYSTEM.contains(&point))
}

fn is_other_disk(root: &Root, line: &str, system: Option<&str>) -> bool {
    let Some((device, point)) = waited_for(line) else { return false };
    let Some(uuid) = device.strip_prefix("UUID=") else { return false };
    let link = format!("/dev/disk/by-uuid/{}", uuid.trim_matches('"'));
    let own = root.link_name(&link).map(|name| whole(&name));
    !OF_SYSTEM.contains(&point) && own.is_some() && system.is_some() && own.as_deref() != system
}

/// The disk that is mounted here: `sda`.
fn disk(root: &Root, point: &str) -> Option<String> {
    let mounts = root.text_of("/proc/self/mounts").or_else(|| root.text_of("/proc/mounts"))?;
    let mut of = mounts.lines().filter_map(|line| {
        let mut fields = line.split_whitespace();
        let device = fields.next()?.strip_prefix("/dev/")?;
        (fields.next()? == point).then(|| whole(device))
    });
    of.next()
}

/// `sda` of `sda1`, `nvme0n1` of `nvme0n1p2`.
fn whole(name: &str) -> String {
    let without = name.trim_end_matches(|c: char| c.is_ascii_digit());
    match without.strip_suffix('p') {
        Some(disk) if disk.ends_with(|c: char| c.is_ascii_digit()) => disk.to_owned(),
        _ if name.starts_with("nvme") => name.to_owned(),
        _ => without.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boot_waits_for_a_disk_by_name() {
        // Azure's own line for its temporary disk, as cloud-init writes it, and what people write.
        let azures = "/dev/disk/cloud/azure_resource-part1\t/mnt\tauto\tdefaults,nofail,x-systemd.requires=cloud-init.service,_netdev,comment=cloudconfig\t0\t2";
        assert!(!is_by_disk_name(azures));
        assert!(is_by_disk_name("/dev/sdb1 /mnt ext4 defaults 0 2"));
        for line in [
            "/dev/sdb1 /mnt ext4 defaults,nofail 0 2",
            "#/dev/sdb1 /mnt ext4 defaults",
            "/dev/sda1 / ext4 defaults 0 1",
            "UUID=1 /data ext4 defaults",
            "",
        ] {
            assert!(!is_by_disk_name(line), "{line}");
        }
    }

    #[test]
    fn an_address_of_the_template_is_told_from_loopback() {
        assert!(is_own_address("10.0.0.4 lab-template lab", "lab-template"));
        assert!(is_own_address("10.0.0.4 lab-template.internal.cloudapp.net", "lab-template"));
        assert!(!is_own_address("127.0.1.1 lab-template", "lab-template"));
        assert!(!is_own_address("10.0.0.9 fileserver", "lab-template"));
        assert!(has_word("c.ServerApp.certfile = '/etc/ssl/lab-template.pem'", "lab-template"));
        assert!(!has_word("c.X = 'lab-template2'", "lab-template"));
    }

    #[test]
    fn partitions_have_a_disk() {
        for (name, disk) in
            [("sda1", "sda"), ("nvme0n1p2", "nvme0n1"), ("nvme0n1", "nvme0n1"), ("vdb", "vdb")]
        {
            assert_eq!(whole(name), disk);
        }
    }
}

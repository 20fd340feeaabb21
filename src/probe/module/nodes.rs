//! Device nodes: looked at, never opened. Opening one starts the card, and may hang.

use crate::root::Root;
use gpucheck_checks::fact::{Access, DeviceNode, Node};
use rustix::fs::FileType;
use std::collections::BTreeMap;

/// The driver's nodes, and WSL's.
pub(crate) fn nodes(root: &Root) -> Vec<DeviceNode> {
    let names = root.names("/dev");
    let is_ours = |name: &&String| name.starts_with("nvidia") || *name == "dxg";
    names.iter().filter(is_ours).filter_map(|name| node(root, format!("/dev/{name}"))).collect()
}

fn node(root: &Root, path: String) -> Option<DeviceNode> {
    let stat = root.stat(&path)?;
    let kind = FileType::from_raw_mode(stat.st_mode);
    if kind == FileType::Directory {
        return None;
    }
    let node = if kind == FileType::CharacterDevice {
        Node::Character { major: rustix::fs::major(stat.st_rdev), minor: rustix::fs::minor(stat.st_rdev) }
    } else {
        Node::Other
    };
    let access = match root.may_read_and_write(&path) {
        Some(true) => Access::Allowed,
        Some(false) => Access::Denied,
        None => Access::Unknown,
    };
    Some(DeviceNode { path, node, mode: stat.st_mode & 0o7777, uid: stat.st_uid, gid: stat.st_gid, access })
}

/// The character devices of the driver in `/proc/devices`.
pub(super) fn majors(root: &Root) -> BTreeMap<String, u32> {
    let text = root.text_of("/proc/devices").unwrap_or_default();
    text.lines()
        .take_while(|line| !line.starts_with("Block"))
        .filter_map(|line| line.trim().split_once(' '))
        .filter(|(_, name)| name.starts_with("nvidia"))
        .filter_map(|(major, name)| Some((name.to_owned(), major.parse().ok()?)))
        .collect()
}

//! systemd's units, as its folders and `/proc` show them. systemd itself is not asked.

use crate::root::{Root, is_conf};
use std::collections::BTreeMap;

/// Where systemd looks for units, the strongest place first.
pub(crate) const UNITS: [&str; 5] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];
/// Processes looked at, at most.
const MOST_PROCESSES: usize = 100_000;

/// The file that describes a unit.
pub(crate) fn file(root: &Root, unit: &str) -> Option<String> {
    let paths = UNITS.iter().map(|folder| format!("{folder}/{unit}"));
    let mut there = paths.filter(|path| root.exists(path) || root.link_name(path).is_some());
    there.next()
}

/// The last word about a setting of a unit: by its file and by its own drop-ins in the order in which systemd reads them, that
/// of their names, each from the strongest place that has it. None where it is empty.
pub(crate) fn setting(root: &Root, unit: &str, name: &str) -> Option<String> {
    let mut drop_ins = BTreeMap::new();
    for folder in UNITS.map(|folder| format!("{folder}/{unit}.d")) {
        for name in root.names(&folder).into_iter().filter(|name| is_conf(name)) {
            drop_ins.entry(name.clone()).or_insert_with(|| format!("{folder}/{name}"));
        }
    }
    let texts = file(root, unit).into_iter().chain(drop_ins.into_values());
    let texts: Vec<String> =
        texts.filter_map(|path| root.configuration(&path)).map(|text| whole_lines(&text)).collect();
    let mut values = texts.iter().flat_map(|text| text.lines()).filter_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == name).then(|| value.trim())
    });
    values.next_back().filter(|value| !value.is_empty()).map(str::to_owned)
}

/// A text without comments, its continued lines as one: systemd.syntax(7).
fn whole_lines(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with(['#', ';']));
    lines.collect::<Vec<_>>().join("\n").replace("\\\n", " ")
}

/// Whether a unit's file says that nothing may start it.
pub(crate) fn is_masked(root: &Root, file: &str) -> bool {
    root.link_name(file).as_deref() == Some("null")
}

/// Whether a target, or another unit, wants it.
pub(crate) fn is_wanted(root: &Root, unit: &str) -> bool {
    let wants = UNITS.iter().flat_map(|folder| {
        let names = root.names(folder).into_iter();
        names
            .filter(|name| name.strip_suffix(".wants").or_else(|| name.strip_suffix(".requires")).is_some())
            .map(move |name| format!("{folder}/{name}"))
    });
    wants.into_iter().any(|folder| root.link_name(&format!("{folder}/{unit}")).is_some())
}

/// A process, as far as it tells whose it is.
pub(crate) struct Running {
    /// Its name, cut after 15 characters.
    pub(crate) comm: String,
    /// Its control groups, of which one is named like the unit that started it.
    groups: String,
}

impl Running {
    /// Whether this unit started it.
    pub(crate) fn is_of(&self, unit: &str) -> bool {
        self.groups
            .lines()
            .any(|line| line.rsplit(':').next().unwrap_or_default().split('/').any(|part| part == unit))
    }
}

/// All processes; none where `/proc` shows none.
pub(crate) fn processes(root: &Root) -> Option<Vec<Running>> {
    let is_pid = |name: &String| name.bytes().all(|byte| byte.is_ascii_digit());
    let pids = root.names("/proc").into_iter().filter(is_pid).take(MOST_PROCESSES);
    let running = |pid: String| {
        let comm = root.value(&format!("/proc/{pid}/comm"))?;
        Some(Running { comm, groups: root.configuration(&format!("/proc/{pid}/cgroup")).unwrap_or_default() })
    };
    let all: Vec<Running> = pids.filter_map(running).collect();
    (!all.is_empty()).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, path::Path};

    #[test]
    fn drop_ins_have_the_last_word_about_the_command() {
        let tree = tempfile::tempdir().unwrap();
        let root = Root::new(tree.path());
        let write = |path: &str, text: &str| {
            let path = tree.path().join(path);
            fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
            fs::write(path, text).unwrap();
        };
        let told = || setting(&root, "a.service", "ExecStart");
        assert_eq!(told(), None);
        write(
            "usr/lib/systemd/system/a.service",
            "[Service]\n# was: a \\\nExecStart=/usr/bin/a --one \\\n# more\n --two\n",
        );
        assert_eq!(told().as_deref(), Some("/usr/bin/a --one   --two"));
        write(
            "usr/lib/systemd/system/a.service.d/10-more.conf",
            "[Service]\nExecStart=\nExecStart = /usr/bin/b\n",
        );
        write("usr/lib/systemd/system/a.service.d/notes.txt", "ExecStart=/usr/bin/no\n");
        assert_eq!(told().as_deref(), Some("/usr/bin/b"));
        write("etc/systemd/system/a.service.d/10-more.conf", "[Service]\nExecStartPre=/usr/bin/c\n");
        assert_eq!(told().as_deref(), Some("/usr/bin/a --one   --two"));
        write("etc/systemd/system/a.service.d/20-none.conf", "[Service]\nExecStart=\n");
        assert_eq!(told(), None);
    }

    #[test]
    fn a_process_is_of_the_unit_that_its_group_is_named_after() {
        let of = |groups: &str| Running { comm: String::new(), groups: groups.to_owned() };
        assert!(of("0::/system.slice/ssh.service").is_of("ssh.service"));
        assert!(
            of("12:pids:/system.slice/ssh.service\n1:name=systemd:/system.slice/ssh.service")
                .is_of("ssh.service")
        );
        assert!(of("0::/system.slice/jupyter.service/worker").is_of("jupyter.service"));
        assert!(!of("0::/user.slice/user-1000.slice/session-4.scope").is_of("ssh.service"));
        assert!(!of("0::/system.slice/my-ssh.service").is_of("ssh.service"));
    }
}

//! What DKMS keeps of NVIDIA's: `/var/lib/dkms/NAME/VERSION/RELEASE/ARCHITECTURE/module`.

use crate::root::Root;
use gpucheck_checks::fact::Dkms;

const DKMS: &str = "/var/lib/dkms";
/// Lines kept of the end of a failed build.
const LAST_LINES: usize = 20;
/// Lines kept that hold an error.
const ERROR_LINES: usize = 12;
/// Characters kept of each.
const LONGEST: usize = 500;
/// Words of gcc, make and NVIDIA's build in lines that tell why it failed.
const TELLING: [&str; 6] =
    ["error:", "ERROR", "compiler differs", "You are using:", "not found", "No space left on device"];
/// How a log begins: `DKMS make.log for nvidia-535.161.08 for kernel 6.8.0-1032-azure (x86_64)`.
const HEAD: &str = "DKMS make.log for ";

/// NVIDIA's source trees, by name and version.
pub(super) fn dkms(root: &Root) -> Vec<Dkms> {
    let names = root.names(DKMS).into_iter().filter(|name| name.contains("nvidia"));
    let trees = names.flat_map(|name| {
        let versions = root.names(&format!("{DKMS}/{name}")).into_iter();
        versions.filter(|version| !version.starts_with("kernel-")).map(move |version| (name.clone(), version))
    });
    trees.map(|(name, version)| tree(root, name, version)).collect()
}

fn tree(root: &Root, name: String, version: String) -> Dkms {
    let base = format!("{DKMS}/{name}/{version}");
    let is_built = |release: &String| {
        let architectures = root.names(&format!("{base}/{release}"));
        architectures.iter().any(|arch| !root.names(&format!("{base}/{release}/{arch}/module")).is_empty())
    };
    let built_for = root.names(&base).into_iter().filter(is_built).collect();
    let log = root.text_of(&format!("{base}/build/make.log"));
    Dkms {
        failed_for: log.as_deref().and_then(built_for_in).map(str::to_owned),
        failed_lines: log.as_deref().map(telling_lines).unwrap_or_default(),
        failed_log: log.as_deref().map(last_lines),
        name,
        version,
        built_for,
    }
}

fn built_for_in(log: &str) -> Option<&str> {
    let (_, rest) = log.lines().next()?.strip_prefix(HEAD)?.split_once(" for kernel ")?;
    rest.split_whitespace().next()
}

fn telling_lines(log: &str) -> Vec<String> {
    let is_telling = |line: &&str| TELLING.iter().any(|word| line.contains(word));
    log.lines().filter(is_telling).take(ERROR_LINES).map(short).collect()
}

fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let last = lines.get(lines.len().saturating_sub(LAST_LINES)..).unwrap_or_default();
    last.iter().copied().map(short).collect::<Vec<_>>().join("\n")
}

fn short(line: &str) -> String {
    line.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_that_tell_are_not_the_last_ones() {
        // compiler-explorer/infra#1722.
        let log = "DKMS make.log for nvidia-575.57.08 for kernel 6.8.0-1032-aws (x86_64)\n\
                   warning: the compiler differs from the one used to build the kernel\n\
                   \x20 The kernel was built by: x86_64-linux-gnu-gcc-12 (Ubuntu 12.3.0-1ubuntu1~22.04) 12.3.0\n\
                   \x20 You are using:           cc (Ubuntu 11.4.0-1ubuntu1~22.04) 11.4.0\n\
                   cc: error: unrecognized command-line option '-ftrivial-auto-var-init=zero'\n\
                   make[1]: *** [Makefile:234: __sub-make] Error 2\n";
        assert_eq!(built_for_in(log), Some("6.8.0-1032-aws"));
        let lines = telling_lines(log);
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines[2].starts_with("cc: error: unrecognized"));
        assert_eq!(built_for_in("make: nothing"), None);
    }
}

//! What a module file tells that is packed by itself, as Ubuntu's are from 24.04 on and Fedora's: it has to be unpacked for it.
//!
//! Invariant: it is unpacked as a stream, until `LIMIT`; kept is what a signature may be long.

use super::{initramfs::Timely, packed::Packing, scan};
use crate::{probe::module, root::Root};
use gpucheck_checks::fact::ModuleFile;
use std::{
    io::{self, BufReader, Read},
    time::{Duration, Instant},
};

/// Time for one file.
const LIMIT: Duration = Duration::from_secs(1);
/// What the kernel's scripts/sign-file puts at the end of a signed module.
const SIGNED: &[u8] = b"~Module signature appended~\n";
/// Bytes that are kept of the end.
const END: usize = 4 << 10;
const CHUNK: usize = 128 << 10;

/// Fills in what a packed file tells. What it does not tell in time stays untold.
pub(super) fn tell(root: &Root, file: &mut ModuleFile) {
    let packing = match file.path.rsplit('.').next() {
        Some("zst") => Packing::Zstd,
        Some("xz") => Packing::Xz,
        Some("gz") => Packing::Gzip,
        _ => return,
    };
    let Ok(opened) = root.open(&file.path) else { return };
    let input = BufReader::with_capacity(CHUNK, Timely { file: opened, until: Instant::now() + LIMIT });
    let told = packing.unpack(input).and_then(|mut unpacked| {
        let version = scan::version(&mut unpacked)?;
        Ok((version, end(&mut unpacked)?))
    });
    if let Ok((version, end)) = told {
        file.version = version;
        file.signed = Some(end.ends_with(SIGNED));
        file.signer = module::common_names(&end).last().filter(|_| end.ends_with(SIGNED));
    }
}

/// The last bytes of what is still to be read.
fn end(input: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    loop {
        let from = kept.len();
        if Read::take(&mut *input, CHUNK as u64).read_to_end(&mut kept)? == 0 {
            return Ok(kept);
        }
        kept.drain(..from.min(kept.len().saturating_sub(END)));
        kept.drain(..kept.len().saturating_sub(END));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_packed_module_tells_its_version_and_its_signer() {
        let tree = tempfile::tempdir().unwrap();
        let plain = tree.path().join("nvidia.ko");
        let name = b"Canonical Ltd. Kernel Module Signing";
        let mut bytes = vec![7; 300_000];
        bytes.extend(b"\0version=550.90.07\0");
        bytes.extend(vec![9; 300_000]);
        bytes.extend([0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 36]);
        bytes.extend(name);
        bytes.extend([0; 12]);
        bytes.extend(SIGNED);
        std::fs::write(&plain, bytes).unwrap();
        for (program, ending) in [("zstd", "zst"), ("xz", "xz"), ("gzip", "gz")] {
            assert!(Command::new(program).args(["-k", "-q"]).arg(&plain).status().unwrap().success());
            let mut file = ModuleFile {
                path: format!("/nvidia.ko.{ending}"),
                signed: None,
                since_boot: None,
                signer: None,
                version: None,
                license: None,
            };
            tell(&Root::new(tree.path()), &mut file);
            assert_eq!((file.version.as_deref(), file.signed), (Some("550.90.07"), Some(true)), "{ending}");
            assert_eq!(file.signer.as_deref(), Some("Canonical Ltd. Kernel Module Signing"), "{ending}");
        }
    }

    #[test]
    fn a_broken_one_tells_nothing() {
        let tree = tempfile::tempdir().unwrap();
        std::fs::write(tree.path().join("nvidia.ko.zst"), b"garbage").unwrap();
        let path = "/nvidia.ko.zst".to_owned();
        let untold =
            ModuleFile { path, signed: None, since_boot: None, signer: None, version: None, license: None };
        let mut file = untold.clone();
        tell(&Root::new(tree.path()), &mut file);
        assert_eq!(file, untold);
    }
}

//! The initramfs of a Linux: which modules of cards are in it, and what keeps nouveau out there.
//!
//! Invariants: it is read once, as a stream, for no longer than `LIMIT`; of members only names are kept. What was seen
//! until it broke off is told with the reason.

use super::{
    archive::{self, Input, broken},
    packed::Packing,
    scan,
};
use crate::{probe::module, root::Root};
use gpucheck_checks::fact::{EarlyModule, Initramfs, Observed, ProbeFailure};
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    time::{Duration, Instant},
};

/// Time for one; one of 100 MB takes a fifth of it.
const LIMIT: Duration = Duration::from_secs(3);
/// Bytes that are read at once.
const CHUNK: usize = 256 << 10;
/// Bytes of a file of modprobe's configuration.
const CONFIGURATION: u64 = 64 << 10;
/// Parts, modules and files of configuration that are kept.
const MOST: usize = 20;

/// Reads the initramfs of a release: the one that the boot loader's entry names, else the one under its usual name.
pub(super) fn read(root: &Root, release: &str, named: Option<&str>) -> Observed<Initramfs> {
    let asked = named;
    let named = named.and_then(|path| path.rsplit('/').next()).map(|name| format!("/boot/{name}"));
    if let Some((asked, path)) = asked.filter(|path| lies_in_boot(path)).zip(named.as_ref())
        && !root.exists(path)
        && !root.exists(asked)
    {
        let message = "the boot loader's entry names it, and it is not there: Linux will not start";
        return Observed::refused(&format!("read {path}"), 0, "missing", message);
    }
    let usual = ["initrd.img-RELEASE", "initramfs-RELEASE.img", "initrd-RELEASE", "initramfs-RELEASE"];
    let usual = usual.iter().map(|name| format!("/boot/{}", name.replace("RELEASE", release)));
    let Some(path) = named.into_iter().chain(usual).find(|path| root.exists(path)) else {
        return Observed::not_probed("there is none under /boot");
    };
    match root.open(&path) {
        Ok(file) => look(file, path, Instant::now() + LIMIT),
        Err(error) => Observed::refused(&format!("read {path}"), 0, "unreadable", error.to_string()),
    }
}

/// Whether a path of the boot loader's is one of `/boot` itself, from the root of the disk or of a partition for it.
fn lies_in_boot(path: &str) -> bool {
    path.rsplit_once('/').is_some_and(|(folder, _)| folder.is_empty() || folder.ends_with("/boot"))
}

fn look(file: File, path: String, until: Instant) -> Observed<Initramfs> {
    let step = format!("read {path}");
    let mut seen = Initramfs { path, ..Initramfs::default() };
    let mut input = Source { reader: BufReader::with_capacity(CHUNK, Timely { file, until }) };
    match parts(&mut input, &mut seen) {
        Ok(()) => Observed::Seen(seen),
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            let after_ms = u64::try_from(LIMIT.as_millis()).unwrap_or(u64::MAX);
            Observed::Interrupted { seen, by: ProbeFailure::TimedOut { after_ms, step, unkillable: false } }
        }
        Err(error) => {
            Observed::Interrupted { seen, by: ProbeFailure::Garbled { step, message: error.to_string() } }
        }
    }
}

/// The parts follow each other, with zeros between them.
fn parts(input: &mut Source, seen: &mut Initramfs) -> io::Result<()> {
    while input.pass_zeros()? {
        let mut beginning = Vec::new();
        Read::take(&mut *input, 6).read_to_end(&mut beginning)?;
        input.reader.seek_relative(-i64::try_from(beginning.len()).unwrap_or_default())?;
        let packing =
            Packing::of(&beginning).ok_or_else(|| broken("a part of it is in no form that Linux knows"))?;
        if seen.packed.len() == MOST {
            return Err(broken("it has too many parts"));
        }
        seen.packed.push(packing.name().to_owned());
        if packing == Packing::Cpio {
            archive::members(input, &mut |name, content| member(seen, name, content))?;
        } else {
            let mut unpacked =
                Unpacked { reader: BufReader::with_capacity(CHUNK, packing.unpack(&mut input.reader)?) };
            while unpacked.pass_zeros()? {
                archive::members(&mut unpacked, &mut |name, content| member(seen, name, content))?;
            }
        }
    }
    if seen.packed.is_empty() { Err(broken("it is empty")) } else { Ok(()) }
}

fn member(seen: &mut Initramfs, name: &str, content: &mut dyn Read) -> io::Result<()> {
    seen.files += 1;
    let file = name.rsplit('/').next().unwrap_or(name);
    if module::is_nvidia_module(file) && seen.nvidia.len() < MOST {
        let version = module_version(file, content)?;
        seen.nvidia.push(EarlyModule { path: format!("/{name}"), version });
    } else if ["nouveau.ko", "nouveau.ko.zst", "nouveau.ko.xz", "nouveau.ko.gz"].contains(&file) {
        seen.nouveau = true;
    } else if name.contains("modprobe.d/")
        && crate::root::is_conf(file)
        && seen.nouveau_blacklisted_in.len() < MOST
    {
        let mut text = Vec::new();
        content.take(CONFIGURATION).read_to_end(&mut text)?;
        if module::keeps_nouveau_out(&String::from_utf8_lossy(&text)) {
            seen.nouveau_blacklisted_in.push(format!("/{name}"));
        }
    }
    Ok(())
}

/// The version that a module tells, packed by itself or not.
fn module_version(file: &str, content: &mut dyn Read) -> io::Result<Option<String>> {
    let packing = match file.rsplit('.').next() {
        Some("zst") => Packing::Zstd,
        Some("xz") => Packing::Xz,
        Some("gz") => Packing::Gzip,
        _ => return scan::version(content),
    };
    let input = BufReader::with_capacity(CHUNK, content);
    match packing.unpack(input).and_then(|mut unpacked| scan::version(&mut unpacked)) {
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(error),
        // A module that is broken by itself tells no version; the archive goes on.
        told => Ok(told.ok().flatten()),
    }
}

/// A file that is read until a moment.
pub(super) struct Timely {
    pub(super) file: File,
    pub(super) until: Instant,
}

impl Read for Timely {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if Instant::now() > self.until {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.file.read(buffer)
    }
}

impl Seek for Timely {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// The file: what is passed over is not read.
struct Source {
    reader: BufReader<Timely>,
}

/// What a part unpacks to: to pass over is to unpack.
struct Unpacked<R> {
    reader: BufReader<R>,
}

impl Source {
    /// Passes zeros over; false at the end.
    fn pass_zeros(&mut self) -> io::Result<bool> {
        pass_zeros(&mut self.reader)
    }
}

impl<R: Read> Unpacked<R> {
    fn pass_zeros(&mut self) -> io::Result<bool> {
        pass_zeros(&mut self.reader)
    }
}

fn pass_zeros(reader: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(false);
        }
        if let Some(zeros) = buffer.iter().position(|byte| *byte != 0) {
            reader.consume(zeros);
            return Ok(true);
        }
        let zeros = buffer.len();
        reader.consume(zeros);
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

impl Input for Source {
    fn pass(&mut self, bytes: u64) -> io::Result<()> {
        let bytes = i64::try_from(bytes).map_err(|_| broken("a member is larger than can be"))?;
        self.reader.seek_relative(bytes)
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

impl<R: Read> Input for Unpacked<R> {
    fn pass(&mut self, mut bytes: u64) -> io::Result<()> {
        while bytes > 0 {
            let there = self.reader.fill_buf()?.len();
            if there == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let passed = usize::try_from(bytes).map_or(there, |bytes| bytes.min(there));
            self.reader.consume(passed);
            bytes -= passed as u64;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

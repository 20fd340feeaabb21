//! What a module file says of itself: its section `.modinfo`, and who signed it.
//!
//! Invariants: whatever the file holds, only a few pages of it are read; what is not of the form is not told.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    os::unix::fs::FileExt,
};

/// What the kernel's scripts/sign-file puts at the end of a signed module.
const SIGNED: &[u8] = b"~Module signature appended~\n";
/// Before it stands `struct module_signature`: kinds and lengths, the last four bytes the length of the signature.
const SIGNATURE_HEADER: usize = 12;
/// Bytes of a section header in a 64-bit ELF file.
const SECTION: usize = 64;
/// Most that is read of the section headers, of their names, of the section, of a signature.
const MOST: u64 = 4 << 20;
/// The object identifier of a common name, as DER has it.
const COMMON_NAME: &[u8] = &[0x06, 0x03, 0x55, 0x04, 0x03];
/// What DKMS calls the key that it makes; the name of the host stands before it.
const DKMS_KEY: &str = "Secure Boot Module Signature key";

/// What a module file tells.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ModInfo {
    pub(super) signed: Option<bool>,
    pub(super) signer: Option<String>,
    pub(super) version: Option<String>,
    pub(super) license: Option<String>,
}

/// Reads a module file that is not compressed.
pub(super) fn read(mut file: File) -> ModInfo {
    let signed = is_signed(&mut file);
    let by = if signed == Some(true) { signer(&file) } else { None };
    let info = section(&file).unwrap_or_default();
    let field = |name: &str| {
        let mut fields = info.split(|byte| *byte == 0);
        let value = fields.find_map(|field| field.strip_prefix(name.as_bytes())?.strip_prefix(b"="))?;
        Some(String::from_utf8_lossy(value.get(..value.len().min(100))?).into_owned())
    };
    ModInfo { signed, signer: by, version: field("version"), license: field("license") }
}

fn is_signed(file: &mut File) -> Option<bool> {
    let mut end = vec![0_u8; SIGNED.len()];
    file.seek(SeekFrom::End(-i64::try_from(SIGNED.len()).ok()?)).ok()?;
    file.read_exact(&mut end).ok()?;
    Some(end == SIGNED)
}

/// The common name of the issuer, which is what `modinfo -F signer` prints.
fn signer(file: &File) -> Option<String> {
    let size = file.metadata().ok()?.len();
    let header_end = size.checked_sub(SIGNED.len() as u64)?;
    let header = bytes(file, header_end.checked_sub(SIGNATURE_HEADER as u64)?, SIGNATURE_HEADER as u64)?;
    let length = u32::from_be_bytes(header.get(8..12)?.try_into().ok()?);
    let start = header_end.checked_sub(SIGNATURE_HEADER as u64 + u64::from(length))?;
    let signature = bytes(file, start, u64::from(length))?;
    common_names(&signature).next()
}

/// The common names in what DER holds, in their order; the key that DKMS makes without the host before it.
pub(super) fn common_names(der: &[u8]) -> impl Iterator<Item = String> {
    let places = der.windows(COMMON_NAME.len()).enumerate().filter(|(_, window)| *window == COMMON_NAME);
    places.filter_map(|(at, _)| {
        let (length, rest) = der.get(at + COMMON_NAME.len() + 1..)?.split_first()?;
        let name = String::from_utf8_lossy(rest.get(..usize::from(*length))?).into_owned();
        Some(if name.ends_with(DKMS_KEY) { DKMS_KEY.to_owned() } else { name })
    })
}

/// The bytes of the section `.modinfo` of a 64-bit ELF file of this byte order.
fn section(file: &File) -> Option<Vec<u8>> {
    let head = bytes(file, 0, SECTION as u64)?;
    if !head.starts_with(&[0x7f, b'E', b'L', b'F', 2, 1]) {
        return None;
    }
    let (table, count, names) = (number(&head, 0x28, 8)?, number(&head, 0x3c, 2)?, number(&head, 0x3e, 2)?);
    let headers = bytes(file, table, count.checked_mul(SECTION as u64)?)?;
    let headers: Vec<&[u8]> = headers.chunks_exact(SECTION).collect();
    let content = |header: &[u8]| bytes(file, number(header, 0x18, 8)?, number(header, 0x20, 8)?);
    let names = content(headers.get(usize::try_from(names).ok()?)?)?;
    let is_info = |header: &&&[u8]| {
        let at = number(header, 0, 4).and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| names.get(at..)).is_some_and(|name| name.starts_with(b".modinfo\0"))
    };
    content(headers.iter().find(is_info)?)
}

/// A little-endian number of so many bytes.
fn number(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    Some(
        bytes
            .get(at..at.checked_add(length)?)?
            .iter()
            .rev()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)),
    )
}

fn bytes(file: &File, at: u64, length: u64) -> Option<Vec<u8>> {
    let length = usize::try_from(length.min(MOST)).ok()?;
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, at).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// A module of two sections, with what is in `.modinfo`.
    pub(crate) fn module(info: &[u8]) -> Vec<u8> {
        let names = b"\0.shstrtab\0.modinfo\0";
        let mut file = vec![0; SECTION];
        file[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1]);
        let names_at = file.len();
        file.extend(names);
        let info_at = file.len();
        file.extend(info);
        let table = file.len();
        for (name, at, length) in [(0_u32, 0, 0), (1, names_at, names.len()), (11, info_at, info.len())] {
            let mut header = [0_u8; SECTION];
            header[..4].copy_from_slice(&name.to_le_bytes());
            header[0x18..0x20].copy_from_slice(&(at as u64).to_le_bytes());
            header[0x20..0x28].copy_from_slice(&(length as u64).to_le_bytes());
            file.extend(header);
        }
        file[0x28..0x30].copy_from_slice(&(table as u64).to_le_bytes());
        file[0x3c..0x3e].copy_from_slice(&3_u16.to_le_bytes());
        file[0x3e..0x40].copy_from_slice(&1_u16.to_le_bytes());
        file
    }

    fn told(content: &[u8]) -> ModInfo {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        read(file)
    }

    const INFO: &[u8] = b"license=Dual MIT/GPL\0alias=pci:v000010DEd*\0version=560.35.03\0";

    #[test]
    fn a_module_tells_its_version_and_its_licence() {
        let info = told(&module(INFO));
        assert_eq!(
            (info.version.as_deref(), info.license.as_deref()),
            (Some("560.35.03"), Some("Dual MIT/GPL"))
        );
        assert_eq!((info.signed, info.signer), (Some(false), None));
    }

    #[test]
    fn a_signed_module_tells_by_whom() {
        for (name, kept) in [
            ("Canonical Ltd. Kernel Module Signing", "Canonical Ltd. Kernel Module Signing"),
            ("my-laptop Secure Boot Module Signature key", DKMS_KEY),
        ] {
            let mut signature = vec![0x30, 0x10, 0x31];
            signature.extend(COMMON_NAME);
            signature.extend([0x0c, u8::try_from(name.len()).unwrap()]);
            signature.extend(name.as_bytes());
            let mut file = module(INFO);
            file.extend(&signature);
            file.extend([0, 0, 2, 0, 0, 0, 0, 0]);
            file.extend(u32::try_from(signature.len()).unwrap().to_be_bytes());
            file.extend(SIGNED);
            let info = told(&file);
            assert_eq!((info.signed, info.signer.as_deref()), (Some(true), Some(kept)));
            assert_eq!(info.license.as_deref(), Some("Dual MIT/GPL"));
        }
    }

    #[test]
    fn garbage_tells_nothing() {
        let whole = module(INFO);
        for cut in 0..whole.len() {
            let info = told(&whole[..cut]);
            assert_eq!(info.signer, None);
        }
        for at in 0..whole.len() {
            let mut garbled = whole.clone();
            garbled[at] = 0xff;
            told(&garbled);
        }
        assert_eq!(told(b""), ModInfo::default());
        let signed_by_nobody = [&[0xff; 40], SIGNED].concat();
        assert_eq!(told(&signed_by_nobody).signer, None);
    }
}

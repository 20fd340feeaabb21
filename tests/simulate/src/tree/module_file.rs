//! A kernel module's file, as far as `modinfo` reads it: an ELF file with a section `.modinfo`, and a signature.

/// Length of a section header, and of the file's header.
const HEADER: usize = 64;
/// What the kernel's scripts/sign-file puts at the end of a signed module.
const SIGNED: &[u8] = b"~Module signature appended~\n";
/// The object identifier of a common name, as DER has it.
const COMMON_NAME: [u8; 5] = [0x06, 0x03, 0x55, 0x04, 0x03];

/// A module that tells these fields, signed by whoever is named.
pub(super) fn module(fields: &[(&str, &str)], signer: Option<&str>) -> Vec<u8> {
    let info: Vec<u8> =
        fields.iter().flat_map(|(name, value)| format!("{name}={value}\0").into_bytes()).collect();
    let names = b"\0.modinfo\0.shstrtab\0";
    let info_at = HEADER;
    let names_at = info_at + info.len();
    let table_at = names_at + names.len();
    let mut file = header(table_at);
    file.extend(&info);
    file.extend(names);
    file.extend([0; HEADER]);
    file.extend(section(1, 1, info_at, info.len()));
    file.extend(section(10, 3, names_at, names.len()));
    if let Some(signer) = signer {
        file.extend(signature(signer));
    }
    file
}

/// The head of an ELF file of 64 bits for x86-64, relocatable, with three section headers.
fn header(table_at: usize) -> Vec<u8> {
    let mut head = vec![0x7f, b'E', b'L', b'F', 2, 1, 1];
    head.resize(16, 0);
    head.extend([1, 0, 62, 0, 1, 0, 0, 0]);
    head.extend([0; 16]);
    head.extend((table_at as u64).to_le_bytes());
    head.extend([0; 4]);
    for number in [64_u16, 0, 0, 64, 3, 2] {
        head.extend(number.to_le_bytes());
    }
    head
}

/// A section header: where its name begins, its type, where it lies and how long it is.
fn section(name: u32, kind: u32, at: usize, length: usize) -> Vec<u8> {
    let mut header = Vec::new();
    header.extend(name.to_le_bytes());
    header.extend(kind.to_le_bytes());
    header.extend([0; 16]);
    header.extend((at as u64).to_le_bytes());
    header.extend((length as u64).to_le_bytes());
    header.resize(HEADER, 0);
    header
}

/// The part of a signature that names who made it, its `struct module_signature`, and the mark at the end.
fn signature(signer: &str) -> Vec<u8> {
    let mut signature = COMMON_NAME.to_vec();
    signature.push(0x0c);
    signature.push(u8::try_from(signer.len()).unwrap_or(u8::MAX));
    signature.extend(signer.as_bytes());
    let length = u32::try_from(signature.len()).unwrap_or_default();
    signature.extend([0, 0, 2, 0, 0, 0, 0, 0]);
    signature.extend(length.to_be_bytes());
    signature.extend(SIGNED);
    signature
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_an_elf_file_whose_sections_lie_where_it_says() {
        let file = module(&[("license", "NVIDIA"), ("version", "535.161.08")], Some("Build key"));
        let number =
            |at: usize| usize::try_from(u64::from_le_bytes(file[at..at + 8].try_into().unwrap())).unwrap();
        let table = number(0x28);
        let (at, length) = (number(table + HEADER + 0x18), number(table + HEADER + 0x20));
        assert_eq!(&file[at..at + length], b"license=NVIDIA\0version=535.161.08\0");
        assert!(file.starts_with(b"\x7fELF") && file.ends_with(SIGNED));
        assert!(!module(&[], None).ends_with(SIGNED));
    }
}

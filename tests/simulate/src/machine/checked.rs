//! What a machine's file says, checked: mistakes are told with their place and the nearest valid name.

use crate::{
    error::{Error, Place},
    file::{Driver, Fault, Function, Gpu, Host},
    scenario::{branch, cuda_of, known_branches},
    tree::{driver::SONAMES, host::systems},
};
use gpucheck_sim::scenario as sim;
use toml::Spanned;

pub(super) fn check_host(place: &Place<'_>, host: &Host) -> Result<(), Error> {
    let Some(os) = &host.os else { return Ok(()) };
    if systems().any(|known| known == os.get_ref()) {
        return Ok(());
    }
    Err(Error::unknown(place, os.span().start, "system", os.get_ref(), systems()))
}

pub(super) fn check_driver(place: &Place<'_>, driver: &Driver) -> Result<(), Error> {
    driver.version.iter().chain(&driver.libraries).try_for_each(|version| check_version(place, version))?;
    let copied = driver.copies.iter().flatten().map(|(_, library)| library);
    match driver.lacks.iter().flatten().chain(copied).find(|name| !SONAMES.contains(&name.as_str())) {
        Some(name) => Err(Error::unknown(place, place.offset_of(name), "library", name, SONAMES)),
        None => Ok(()),
    }
}

/// Paths of the machine: one that leads out of its folder is one of the machine underneath.
pub(super) fn check_paths<'p>(
    place: &Place<'_>,
    mut paths: impl Iterator<Item = &'p String>,
) -> Result<(), Error> {
    let is_plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
    let is_path = |path: &str| path.strip_prefix('/').is_some_and(|path| path.split('/').all(is_plain));
    let Some(path) = paths.find(|path| !is_path(path)) else { return Ok(()) };
    let what = format!("{path:?} is no path of a machine; write it as /etc/hostname, without ..");
    Err(Error::at(place, place.offset_of(path), what))
}

/// What sits on the bus sits at an address, and each at its own.
pub(super) fn check_addresses(place: &Place<'_>, gpus: &[Gpu], functions: &[Function]) -> Result<(), Error> {
    let gpus = gpus.iter().map(|gpu| (gpu.at.get_ref(), gpu.at.span().start));
    let functions = functions.iter().map(|function| (&function.at, place.offset_of(&function.at)));
    let mut taken = Vec::new();
    for (at, offset) in gpus.chain(functions) {
        if !is_address(at) {
            let what = format!("{at:?} is no PCI address; write it as 0001:00:00.0");
            return Err(Error::at(place, offset, what));
        }
        if taken.contains(&at) {
            return Err(Error::at(place, offset, format!("{at} is there twice")));
        }
        taken.push(at);
    }
    Ok(())
}

/// A version whose branch is known: which symbols its libraries have hangs on that.
fn check_version(place: &Place<'_>, version: &Spanned<String>) -> Result<(), Error> {
    let (text, offset) = (version.get_ref(), version.span().start);
    let is_version = text.contains('.') && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if !is_version {
        return Err(Error::at(
            place,
            offset,
            format!("{text:?} is no driver version; write it as 535.161.08"),
        ));
    }
    if cuda_of(text).is_some() {
        return Ok(());
    }
    let known = known_branches();
    let wanted = branch(text);
    let near = known.iter().min_by_key(|known| known.abs_diff(wanted)).map_or(0, |near| *near);
    Err(Error::at(place, offset, format!("unknown driver branch {wanted}; the nearest is {near}")))
}

pub(super) fn resolve_fault(place: &Place<'_>, fault: &Fault, gpus: usize) -> Result<sim::Fault, Error> {
    let call = fault.call.get_ref();
    let known = crate::scenario::calls();
    let is_known = match call.strip_suffix('*') {
        Some(start) => known.iter().any(|known| known.starts_with(start)),
        None => known.iter().any(|known| known == call),
    };
    if !is_known {
        let known = known.iter().map(String::as_str);
        return Err(Error::unknown(place, fault.call.span().start, "call", call, known));
    }
    if let Some(gpu) = fault.gpu.filter(|gpu| *gpu >= gpus) {
        let what = format!("there is no GPU {gpu}, they are numbered from 0 to {}", gpus.saturating_sub(1));
        return Err(Error::at(place, fault.call.span().start, what));
    }
    let Fault { nth, from, gpu, action, .. } = fault.clone();
    if nth == Some(0) || from == Some(0) || (nth.is_some() && from.is_some()) {
        let what = "calls are counted from 1; give nth or from";
        return Err(Error::at(place, fault.call.span().start, what));
    }
    Ok(sim::Fault { call: call.clone(), nth, from, gpu, action })
}

/// `dddd:bb:ss.f`, of four digits or more.
fn is_address(text: &str) -> bool {
    let parts: Vec<&str> = text.split([':', '.']).collect();
    let widths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let digits =
        |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    matches!(widths.as_slice(), [4..=8, 2, 2, 1]) && parts.iter().all(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for address in ["0001:00:00.0", "52ce0000:00:00.0", "0000:0c:00.1"] {
            assert!(is_address(address), "{address}");
        }
        for text in ["1:0:0.0", "0001:00:00", "0001:00:00.0.0", "0001:0G:00.0", "0001:0C:00.0", ""] {
            assert!(!is_address(text), "{text}");
        }
    }
}

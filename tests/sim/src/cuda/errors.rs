//! What CUDA calls its codes, and the driver's version: answers that nothing spoils.

use super::INVALID_VALUE;
use crate::{
    call::{Api, Outcome, exports},
    machine::Machine,
    outs::Out,
};
use std::{collections::BTreeMap, ffi::CString, sync::OnceLock};

/// Code, first branch that knows it, name, text, as the libraries from R390 to R555 answered; what came later has its
/// name from CUDA 13.5's header and no text.
const TABLE: &str = include_str!("errors.tsv");

struct Words {
    since: u32,
    name: CString,
    text: CString,
}

/// The words of every code that there ever was.
fn words() -> &'static BTreeMap<u32, Words> {
    static WORDS: OnceLock<BTreeMap<u32, Words>> = OnceLock::new();
    WORDS.get_or_init(|| {
        let rows = TABLE.lines().filter_map(|line| {
            let mut cells = line.split('\t');
            let (code, since) = (cells.next()?.parse().ok()?, cells.next()?.parse().ok()?);
            let (name, text) = (CString::new(cells.next()?).ok()?, CString::new(cells.next()?).ok()?);
            Some((code, Words { since, name, text }))
        });
        rows.collect()
    })
}

fn word(machine: &Machine, code: u32, to: Out<usize>, which: fn(&Words) -> &CString) -> Outcome {
    let known = words().get(&code).filter(|words| words.since <= machine.branch());
    // cuda.h: null for a code that is not known, and an error.
    to.put(known.map_or(0, |words| which(words).as_ptr().expose_provenance()), INVALID_VALUE)?;
    known.map(|_| ()).ok_or(INVALID_VALUE)
}

exports! { Api::CudaAlways;
    cuGetErrorName(code: u32, name: Out<usize>) |machine| word(machine, code, name, |words| &words.name);
    cuGetErrorString(code: u32, text: Out<usize>) |machine| word(machine, code, text, |words| &words.text);
    cuDriverGetVersion(version: Out<i32>) |machine| version.put(machine.scenario.driver.cuda, INVALID_VALUE);
}

/// Whether this driver has a name for a code.
pub(super) fn is_known(machine: &Machine, code: u32) -> bool {
    words().get(&code).is_some_and(|words| words.since <= machine.branch())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_read_and_none_is_there_twice() {
        assert_eq!(words().len(), TABLE.lines().count());
        let stub = &words()[&34];
        assert_eq!((stub.since, stub.name.to_str().unwrap()), (460, "CUDA_ERROR_STUB_LIBRARY"));
    }
}

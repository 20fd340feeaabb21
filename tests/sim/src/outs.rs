//! What callers hand over: pointers to write to, texts to read.
//!
//! Invariants: a null pointer is an error and no crash; a text never has more bytes than there is room; what is told
//! is garbage where the scenario wants it.

use crate::call::GARBAGE;
use std::ffi::{CStr, c_char};

/// Which GPU an argument concerns, by its place in the list.
pub(crate) trait Concerns {
    /// The GPU's place.
    fn gpu(&self) -> Option<usize> {
        None
    }
}

impl Concerns for u8 {}
impl Concerns for u16 {}
impl Concerns for i32 {}
impl Concerns for u32 {}
impl Concerns for u64 {}
impl Concerns for usize {}

/// A place for an answer.
#[repr(transparent)]
pub(crate) struct Out<T>(*mut T);

impl<T> Clone for Out<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Out<T> {}
impl<T> Concerns for Out<T> {}

impl<T: Copy> Out<T> {
    /// Tells an answer; where the place is null that is `refusal`.
    pub(crate) fn put(self, value: T, refusal: u32) -> Result<(), u32> {
        self.put_at(0, value, refusal)
    }

    /// Tells the answer of this index.
    pub(crate) fn put_at(self, index: usize, value: T, refusal: u32) -> Result<(), u32> {
        if self.0.is_null() {
            return Err(refusal);
        }
        // SAFETY: the header has the caller give room for as many values as the call tells; nothing is said of
        // alignment.
        unsafe {
            let to = self.0.add(index);
            match GARBAGE.get() {
                Some(byte) => std::ptr::write_bytes(to, byte, 1),
                None => to.write_unaligned(value),
            }
        }
        Ok(())
    }

    /// What stands there now.
    pub(crate) fn get(self, refusal: u32) -> Result<T, u32> {
        self.get_at(0, refusal)
    }

    /// What stands at this index.
    pub(crate) fn get_at(self, index: usize, refusal: u32) -> Result<T, u32> {
        if self.0.is_null() {
            return Err(refusal);
        }
        // SAFETY: the header has the caller give an initialized value here.
        Ok(unsafe { self.0.add(index).read_unaligned() })
    }

    /// Nothing is wanted here.
    pub(crate) fn is_null(self) -> bool {
        self.0.is_null()
    }

    /// The same place, for values of another type.
    pub(crate) fn cast<U>(self) -> Out<U> {
        Out(self.0.cast())
    }

    /// The address.
    pub(crate) fn address(self) -> usize {
        self.0.expose_provenance()
    }
}

impl Out<c_char> {
    /// Tells a text and the NUL behind it. Where it does not fit in `room` bytes that is `short`.
    pub(crate) fn put_text(self, text: &str, room: usize, null: u32, short: u32) -> Result<(), u32> {
        if self.0.is_null() {
            return Err(null);
        }
        if text.len() >= room {
            return Err(short);
        }
        let to = self.0.cast::<u8>();
        // SAFETY: the caller says that there is room for so many bytes, and the text with its NUL has no more.
        unsafe {
            if let Some(byte) = GARBAGE.get() {
                std::ptr::write_bytes(to, byte, room);
            } else {
                std::ptr::copy_nonoverlapping(text.as_ptr(), to, text.len());
                to.add(text.len()).write(0);
            }
        }
        Ok(())
    }
}

/// A text that the caller gives.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Text(*const c_char);

impl Concerns for Text {}

impl Text {
    /// The text; none where it is null or no UTF-8.
    pub(crate) fn read(self) -> Option<&'static str> {
        if self.0.is_null() {
            return None;
        }
        // SAFETY: the header has the caller give a text that ends in NUL; it is not kept beyond the call.
        unsafe { CStr::from_ptr(self.0) }.to_str().ok()
    }

    /// The first bytes, as many as are wanted; none where it is null.
    pub(crate) fn head<const N: usize>(self) -> Option<[u8; N]> {
        if self.0.is_null() {
            return None;
        }
        // SAFETY: the caller gives an image or a text of at least so many bytes.
        Some(unsafe { self.0.cast::<[u8; N]>().read_unaligned() })
    }
}

/// Puts a text into a fixed field.
pub(crate) fn field<const N: usize>(text: &str) -> [u8; N] {
    let mut field = [0; N];
    let kept = text.len().min(N.saturating_sub(1));
    for (to, from) in field.iter_mut().zip(text.bytes().take(kept)) {
        *to = from;
    }
    field
}

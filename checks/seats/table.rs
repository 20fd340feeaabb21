//! What many reports share, each once and under a key.
//!
//! Invariants: a key is made from content alone, so it does not depend on the order in which reports come; a table that is
//! full keeps the smallest keys that it has ever met, which are the same in any order.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

/// What a key is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A cause.
    Cause,
    /// A cause that is the first of its seat.
    First,
    /// A fix of a cause.
    Fix,
    /// What could not be told.
    Doubt,
    /// A version or a model, the one that every machine has.
    Machine,
    /// One of a Python, of which a machine can have any number.
    Python,
    /// That there is a Python.
    Present,
    /// That all of a Python was looked at.
    Looked,
}

/// A number for some content: its kind, then a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key(u64);

/// Bits of a key that tell its kind.
const KIND: u32 = 3;

impl Key {
    pub(super) fn of(kind: Kind, content: impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        Self((kind as u64) << (u64::BITS - KIND) | hasher.finish() >> KIND)
    }

    /// The same content as another kind.
    pub(super) fn also(self, kind: Kind) -> Self {
        Self((kind as u64) << (u64::BITS - KIND) | self.0 << KIND >> KIND)
    }

    pub(super) fn is(self, kind: Kind) -> bool {
        self.0 >> (u64::BITS - KIND) == kind as u64
    }
}

/// What stands behind keys: at most `MOST` of them.
#[derive(Debug)]
pub(super) struct Table<T, const MOST: usize>(BTreeMap<Key, T>);

impl<T, const MOST: usize> Default for Table<T, MOST> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T, const MOST: usize> Table<T, MOST> {
    /// Takes up what stands behind a key, joined with what is there already.
    pub(super) fn put(&mut self, key: Key, value: T, join: impl FnOnce(&mut T, T)) {
        if let Some(known) = self.0.get_mut(&key) {
            return join(known, value);
        }
        let is_beyond = self.0.last_key_value().is_some_and(|(last, _)| key > *last);
        if self.0.len() >= MOST && is_beyond {
            return;
        }
        self.0.insert(key, value);
        if self.0.len() > MOST {
            self.0.pop_last();
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Key, &T)> {
        self.0.iter().map(|(key, value)| (*key, value))
    }

    pub(super) fn into_iter(self) -> impl Iterator<Item = (Key, T)> {
        self.0.into_iter()
    }
}

/// What one of several reports tells: one of them for all.
#[derive(Clone, Debug)]
pub(super) struct Example<O, T> {
    /// Whose it is: the smallest counts.
    pub(super) owner: O,
    pub(super) told: T,
}

impl<O: Ord, T> Example<O, T> {
    /// The one of the smaller owner.
    pub(super) fn join(&mut self, other: Self) {
        if other.owner < self.owner {
            *self = other;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_table_keeps_the_same_in_any_order() {
        let keys: Vec<Key> = (0..100).map(|number| Key::of(Kind::Cause, number)).collect();
        let kept = |keys: &mut dyn Iterator<Item = &Key>| {
            let mut table: Table<u32, 8> = Table::default();
            for key in keys {
                table.put(*key, 1, |count, more| *count += more);
            }
            table.into_iter().collect::<Vec<_>>()
        };
        let (forward, backward) = (kept(&mut keys.iter()), kept(&mut keys.iter().rev()));
        assert_eq!(forward, backward);
        assert_eq!(forward.len(), 8);
        assert!(forward.iter().all(|(_, count)| *count == 1));
    }

    #[test]
    fn a_key_tells_its_kind() {
        let key = Key::of(Kind::Cause, "a");
        assert!(key.is(Kind::Cause) && key.also(Kind::First).is(Kind::First));
        assert_eq!(key.also(Kind::First).also(Kind::Cause), key);
        assert_ne!(key, Key::of(Kind::Cause, "b"));
        // A machine's own come before those of its Pythons, and so are kept.
        assert!(Key::of(Kind::Machine, "z") < Key::of(Kind::Python, "a"));
    }
}

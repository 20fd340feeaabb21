//! Reports taken one after another.

use super::{
    SeatReport, SeatState,
    outlier::{self, Trait},
    table::{Example, Key, Kind, Table},
};
use crate::{Root, Severity, Subject, Unverified};
use std::{
    cmp::{Ordering, Reverse},
    collections::{BTreeMap, BTreeSet},
    hash::Hash,
    sync::Arc,
};

/// Most causes that are kept; more than there are.
const CAUSES: usize = 1_024;
/// Most fixes of one cause that are kept.
const FIXES: usize = 32;
/// Most checks that could not be told that are kept.
const DOUBTS: usize = 512;
/// Most versions and models that are kept.
const TRAITS: usize = 8_192;
/// Most documents that could not be read that are named.
const UNREAD: usize = 40;
/// Longest text of a report that is kept, in bytes.
const LONGEST: usize = 4_096;
/// Most lines of commands or values of placeholders that are kept of a report.
const LINES: usize = 32;

/// A seat: its name, or the place of its report among others without one. `seat-2` comes before `seat-10`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seat {
    /// By name.
    Named(Box<str>),
    /// By where in the stream its report begins.
    At(u64),
}

impl Ord for Seat {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Named(one), Self::Named(other)) => natural(one, other).then_with(|| one.cmp(other)),
            (Self::Named(_), Self::At(_)) => Ordering::Less,
            (Self::At(_), Self::Named(_)) => Ordering::Greater,
            (Self::At(one), Self::At(other)) => one.cmp(other),
        }
    }
}

impl PartialOrd for Seat {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Compares texts with each number in them as one.
fn natural(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one.as_bytes(), other.as_bytes());
    let is_number = |text: &[u8]| text.first().is_some_and(u8::is_ascii_digit);
    loop {
        let order = if is_number(one) && is_number(other) {
            let (one, other) = (number(&mut one), number(&mut other));
            one.len().cmp(&other.len()).then_with(|| one.cmp(other))
        } else {
            match (one.split_off_first(), other.split_off_first()) {
                (None, None) => return Ordering::Equal,
                (one, other) => one.cmp(&other),
            }
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Takes the number that a text begins with: its digits without leading zeros.
fn number<'a>(text: &mut &'a [u8]) -> &'a [u8] {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let digits = text.split_off(..end).unwrap_or_default();
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    digits.get(zeros..).unwrap_or_default()
}

/// Whose example it is: the newest report's, which is the likeliest to count for its seat; of several of one time the first
/// seat's by name, of several subjects the first.
pub(super) type Owner = (Reverse<i64>, Seat, String);

/// What is kept of a cause.
#[derive(Debug)]
pub(super) struct KnownCause {
    pub(super) severity: Severity,
    pub(super) fixes: Table<Example<Owner, Root>, FIXES>,
}

/// What a seat has in common with others.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shape {
    pub(super) state: SeatState,
    pub(super) keys: Vec<Key>,
}

/// The report of a seat that counts.
#[derive(Debug)]
pub(super) struct Record {
    /// Seconds since 1970; the smallest number where it tells no time.
    pub(super) taken: i64,
    pub(super) shape: Arc<Shape>,
}

/// Reports of any number, taken one after another.
#[derive(Debug, Default)]
pub struct Tally {
    pub(super) seats: BTreeMap<Seat, Record>,
    shapes: BTreeSet<Arc<Shape>>,
    pub(super) causes: Table<KnownCause, CAUSES>,
    pub(super) doubts: Table<Example<Owner, Unverified>, DOUBTS>,
    pub(super) traits: Table<Trait, TRAITS>,
    pub(super) older: u64,
    pub(super) unread: u64,
    pub(super) unread_first: BTreeSet<(Seat, String)>,
}

impl Tally {
    /// Takes a report. `taken` is its time in seconds since 1970; one that is too old (`is_stale`) tells nothing more.
    pub fn take(&mut self, seat: Seat, taken: Option<i64>, is_stale: bool, report: SeatReport) {
        let taken = taken.unwrap_or(i64::MIN);
        if is_stale {
            return self.place(seat, Record::without(SeatState::Stale, taken));
        }
        let state = SeatState::of(&report);
        let owner =
            |subject: &Subject, what: &str| (Reverse(taken), seat.clone(), format!("{subject}\n{what}"));
        let mut keys = outlier::pythons_of(&report);
        let doubt = report.unverified.into_iter().next().filter(|_| state == SeatState::Untold);
        keys.extend(doubt.map(|mut doubt| {
            shorten(&mut doubt.why);
            shorten(&mut doubt.id);
            let key = Key::of(Kind::Doubt, &doubt.id);
            self.doubts.put(
                key,
                Example { owner: owner(&doubt.subject, &doubt.why), told: doubt },
                Example::join,
            );
            key
        }));
        for (index, mut root) in report.roots.into_iter().enumerate() {
            bound(&mut root);
            let (cause, fix) = keys_of(&root);
            keys.extend([cause, fix]);
            keys.extend((index == 0).then_some(cause.also(Kind::First)));
            let mut known = KnownCause { severity: root.severity, fixes: Table::default() };
            known.fixes.put(
                fix,
                Example { owner: owner(&root.subject, &root.summary), told: root },
                Example::join,
            );
            self.causes.put(cause, known, KnownCause::join);
        }
        for found in outlier::of_seat(&report.machine) {
            let key = found.key();
            keys.push(key);
            self.traits.put(key, found, |_, _| ());
        }
        keys.sort_unstable();
        keys.dedup();
        self.place(seat, Record { taken, shape: Arc::new(Shape { state, keys }) });
    }

    /// Takes note of what could not be read: a seat of which nothing is known, unless another report tells of it.
    pub fn miss(&mut self, seat: Seat, why: String) {
        self.unread += 1;
        self.note_unread((seat.clone(), why));
        self.place(seat, Record::without(SeatState::Unread, i64::MIN));
    }

    /// Whether nothing was taken at all.
    pub fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    /// Takes what another has taken.
    pub fn merge(&mut self, other: Self) {
        for (key, cause) in other.causes.into_iter() {
            self.causes.put(key, cause, KnownCause::join);
        }
        for (key, doubt) in other.doubts.into_iter() {
            self.doubts.put(key, doubt, Example::join);
        }
        for (key, found) in other.traits.into_iter() {
            self.traits.put(key, found, |_, _| ());
        }
        self.older += other.older;
        self.unread += other.unread;
        for unread in other.unread_first {
            self.note_unread(unread);
        }
        for (seat, record) in other.seats {
            self.place(seat, record);
        }
    }

    fn note_unread(&mut self, unread: (Seat, String)) {
        self.unread_first.insert(unread);
        if self.unread_first.len() > UNREAD {
            self.unread_first.pop_last();
        }
    }

    /// Lets the newest report of a seat count. What could not be read is no report, older or newer.
    fn place(&mut self, seat: Seat, mut record: Record) {
        match self.shapes.get(&record.shape) {
            Some(known) => record.shape = Arc::clone(known),
            None => drop(self.shapes.insert(Arc::clone(&record.shape))),
        }
        let Some(known) = self.seats.get_mut(&seat) else {
            self.seats.insert(seat, record);
            return;
        };
        match (known.is_unread(), record.is_unread()) {
            (true, _) => *known = record,
            (false, true) => {}
            (false, false) => {
                self.older += 1;
                if (record.taken, &record.shape) > (known.taken, &known.shape) {
                    *known = record;
                }
            }
        }
    }
}

impl Record {
    fn without(state: SeatState, taken: i64) -> Self {
        Self { taken, shape: Arc::new(Shape { state, keys: Vec::new() }) }
    }

    fn is_unread(&self) -> bool {
        self.shape.state == SeatState::Unread
    }
}

impl KnownCause {
    fn join(&mut self, other: Self) {
        for (key, fix) in other.fixes.into_iter() {
            self.fixes.put(key, fix, Example::join);
        }
    }
}

/// The key of a cause, and that of its fix. Values that were measured are in neither, so that a cause is one.
fn keys_of(root: &Root) -> (Key, Key) {
    let variant = &root.wording.variant;
    let cause = Key::of(Kind::Cause, (&root.id, &root.cause, variant, severity(root.severity)));
    let fix = &root.fix;
    let mends = (&fix.text, &fix.commands, &fix.url);
    (cause, Key::of(Kind::Fix, (cause, mends)))
}

fn severity(severity: Severity) -> impl Hash {
    match severity {
        Severity::Unusable => 0_u8,
        Severity::Degraded => 1,
        Severity::BreaksLater => 2,
    }
}

/// Keeps what is told of a cause to all, and of that no more than a report has.
fn bound(root: &mut Root) {
    root.evidence = Vec::new();
    root.explains = Vec::new();
    let texts = [&mut root.id, &mut root.title, &mut root.meaning, &mut root.summary, &mut root.fix.text];
    texts.into_iter().for_each(shorten);
    root.cause.iter_mut().chain(&mut root.wording.variant).for_each(shorten);
    // Part of a command must not be run, and part of an address leads elsewhere.
    let is_whole = |text: &String| text.len() <= LONGEST;
    if root.fix.commands.len() > LINES || !root.fix.commands.iter().all(is_whole) {
        root.fix.commands = Vec::new();
    }
    root.fix.url = root.fix.url.take().filter(is_whole);
    let values = &mut root.wording.values;
    if values.len() > LINES || !values.iter().all(|(name, value)| is_whole(name) && is_whole(value)) {
        values.clear();
    }
}

fn shorten(text: &mut String) {
    text.truncate(text.floor_char_boundary(LONGEST));
}

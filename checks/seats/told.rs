//! What is told of many reports in the end: a tally becomes the answer.

use super::{
    DatedSeat, LISTED, ListedSeat, NAMES, SEATS_SCHEMA, SeatCause, SeatCounts, SeatDoubt, SeatFix, Seats,
    SomeSeats, Tally, UnreadReport,
    outlier::{Known, Template},
    table::{Key, Kind},
    tally::{KnownCause, Seat, Shape},
};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

/// Most fixes of one cause that are told.
const FIXES: usize = 8;

impl Tally {
    /// The answer, compared with the template or, without one, with most seats. `time` writes seconds since 1970.
    pub fn seats(&self, gpucheck: &str, template: Option<&Template>, time: impl Fn(i64) -> String) -> Seats {
        let roll = Roll::of(self);
        let seats = roll.counts();
        let causes = self.causes(&roll);
        let untold = self.untold(&roll);
        let traits = self.traits.iter().map(|(key, found)| (found, roll.having(key))).collect();
        let told = seats.all - seats.stale - seats.unread;
        let known = Known { traits, told, without: &|first, others| roll.without(first, others) };
        let unread = self.unread_first.iter();
        let unread: Vec<UnreadReport> =
            unread.map(|(seat, why)| UnreadReport { name: roll.name(seat), why: why.clone() }).collect();
        let dated = |seat: &Seat, taken| DatedSeat { name: roll.name(seat), taken_at: time(taken) };
        let times = || {
            self.seats
                .iter()
                .map(|(seat, record)| (record.taken, seat))
                .filter(|(taken, _)| *taken > i64::MIN)
        };
        let listed: Vec<ListedSeat> = self
            .seats
            .iter()
            .take(LISTED)
            .map(|(seat, record)| ListedSeat { name: roll.name(seat), state: record.shape.state })
            .collect();
        Seats {
            schema: SEATS_SCHEMA,
            gpucheck: gpucheck.to_owned(),
            profile: "class".to_owned(),
            seats,
            causes_left_out: roll.kinds(Kind::Cause) - causes.len() as u64,
            causes,
            untold_left_out: roll.kinds(Kind::Doubt) - untold.len() as u64,
            untold,
            outliers: known.outliers(template),
            template: template.map(|template| template.taken_at.clone()),
            unread_left_out: self.unread - unread.len() as u64,
            unread,
            oldest: times().min().map(|(taken, seat)| dated(seat, taken)),
            newest: times()
                .max_by_key(|(taken, seat)| (*taken, Reverse(*seat)))
                .map(|(taken, seat)| dated(seat, taken)),
            older_reports: self.older,
            listed_left_out: seats.all - listed.len() as u64,
            listed,
        }
    }

    /// The causes that seats have now, the gravest first.
    fn causes(&self, roll: &Roll) -> Vec<SeatCause> {
        let had = self.causes.iter().filter_map(|(key, cause)| cause.told(key, roll));
        let mut causes: Vec<SeatCause> = had.collect();
        causes.sort_by(|one, other| {
            let rank = |cause: &SeatCause| {
                (cause.severity, Reverse(cause.seats.count), cause.cause.clone(), cause.id.clone())
            };
            rank(one).cmp(&rank(other))
        });
        causes
    }

    fn untold(&self, roll: &Roll) -> Vec<SeatDoubt> {
        let doubts = self.doubts.iter().map(|(key, doubt)| SeatDoubt {
            id: doubt.told.id.clone(),
            why: doubt.told.why.clone(),
            seats: roll.having(key),
        });
        let mut doubts: Vec<SeatDoubt> = doubts.filter(|doubt| doubt.seats.count > 0).collect();
        doubts.sort_by(|one, other| {
            (Reverse(one.seats.count), &one.id).cmp(&(Reverse(other.seats.count), &other.id))
        });
        doubts
    }
}

impl KnownCause {
    fn told(&self, key: Key, roll: &Roll) -> Option<SeatCause> {
        let seats = roll.having(key);
        let fixes =
            self.fixes.iter().map(|(key, fix)| SeatFix { seats: roll.having(key), root: fix.told.clone() });
        let mut fixes: Vec<SeatFix> = fixes.filter(|fix| fix.seats.count > 0).collect();
        fixes.sort_by(|one, other| {
            let rank = |fix: &SeatFix| {
                (
                    Reverse(fix.seats.count),
                    fix.seats.names.clone(),
                    fix.root.fix.text.clone(),
                    fix.root.fix.commands.clone(),
                )
            };
            rank(one).cmp(&rank(other))
        });
        fixes.truncate(FIXES);
        // A seat may need several of them, for several subjects.
        let shown: u64 = fixes.iter().map(|fix| fix.seats.count).sum();
        let first = fixes.first().map(|fix| (fix.root.id.clone(), fix.root.cause.clone()));
        let (id, cause) = first.filter(|_| seats.count > 0)?;
        Some(SeatCause {
            id,
            cause,
            severity: self.severity,
            first_of: roll.having(key.also(Kind::First)).count,
            other_fixes: seats.count.saturating_sub(shown),
            seats,
            fixes,
        })
    }
}

/// The seats by what they have in common.
struct Roll<'a> {
    groups: Vec<(&'a Shape, Group<'a>)>,
    /// Where reports without a name stand in the stream, in its order.
    places: Vec<u64>,
    /// The groups that have a key.
    having: BTreeMap<Key, Vec<usize>>,
}

/// Seats that have all in common.
#[derive(Default)]
struct Group<'a> {
    count: u64,
    first: Vec<&'a Seat>,
}

impl<'a> Roll<'a> {
    fn of(tally: &'a Tally) -> Self {
        let mut groups: BTreeMap<&Shape, Group<'_>> = BTreeMap::new();
        let mut places = Vec::new();
        for (seat, record) in &tally.seats {
            let group = groups.entry(&record.shape).or_default();
            group.count += 1;
            if group.first.len() < NAMES {
                group.first.push(seat);
            }
            if let Seat::At(place) = seat {
                places.push(*place);
            }
        }
        let groups: Vec<_> = groups.into_iter().collect();
        let mut having: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
        for (index, (shape, _)) in groups.iter().enumerate() {
            for key in &shape.keys {
                having.entry(*key).or_default().push(index);
            }
        }
        Self { groups, places, having }
    }

    /// What a seat is called; one without a name by its number in the stream.
    fn name(&self, seat: &Seat) -> String {
        match seat {
            Seat::Named(name) => name.to_string(),
            Seat::At(place) => {
                format!("#{}", self.places.partition_point(|other| other < place) + 1)
            }
        }
    }

    fn counts(&self) -> SeatCounts {
        let mut counts = SeatCounts::default();
        for (shape, group) in &self.groups {
            counts.add(shape.state, group.count);
        }
        counts
    }

    /// How many things of a kind seats have.
    fn kinds(&self, kind: Kind) -> u64 {
        self.having.keys().filter(|key| key.is(kind)).count() as u64
    }

    fn having(&self, key: Key) -> SomeSeats {
        let groups = self.having.get(&key).into_iter().flatten();
        self.some(groups.filter_map(|index| self.groups.get(*index)).map(|(_, group)| group))
    }

    /// The seats that have one of the first keys and none of the others.
    fn without(&self, is_first: &dyn Fn(Key) -> bool, others: &[Key]) -> SomeSeats {
        let lacks = |shape: &Shape| {
            shape.keys.iter().any(|key| is_first(*key)) && !shape.keys.iter().any(|key| others.contains(key))
        };
        self.some(self.groups.iter().filter(|(shape, _)| lacks(shape)).map(|(_, group)| group))
    }

    fn some<'b>(&self, groups: impl Iterator<Item = &'b Group<'a>>) -> SomeSeats
    where
        'a: 'b,
    {
        let (mut count, mut first) = (0, BTreeSet::new());
        for group in groups {
            count += group.count;
            first.extend(&group.first);
        }
        let names: Vec<String> = first.into_iter().take(NAMES).map(|seat| self.name(seat)).collect();
        SomeSeats { count, names_left_out: count - names.len() as u64, names }
    }
}

//! When to look next, and why.
//!
//! Invariants: one look waits at most, however often it is called for; what comes in bursts waits until a burst is over;
//! what a look itself may have caused does not call for a look again and again.

use std::time::Duration;

/// Time for a burst to be over: a driver that is loaded tells several things, and so does one that fails.
const SETTLE: Duration = Duration::from_secs(2);

/// Why a look is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// The daemon has started.
    Start,
    /// The machine was asleep.
    Resume,
    /// The driver was loaded, unloaded or exchanged.
    Driver,
    /// The driver reported an error.
    Xid(String),
    /// The last one is some time ago.
    Timer,
    /// The last one touched no GPU, and what is known is in doubt.
    Again,
    /// Somebody asked for it.
    Asked,
    /// Root asked for a thorough one.
    Deep,
}

impl Reason {
    /// As a clause for the log.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Start => "the daemon has started".to_owned(),
            Self::Resume => "the machine was asleep".to_owned(),
            Self::Driver => "the driver has changed".to_owned(),
            Self::Xid(line) => format!("the driver reported: {line}"),
            Self::Timer => "it is time".to_owned(),
            Self::Again => "the last look touched no GPU".to_owned(),
            Self::Asked => "somebody asked for it".to_owned(),
            Self::Deep => "root asked for a deep one".to_owned(),
        }
    }

    /// Which of two that wait for one look is told.
    fn weight(&self) -> u8 {
        match self {
            Self::Timer => 0,
            Self::Again => 1,
            Self::Asked => 2,
            Self::Start => 3,
            Self::Resume => 4,
            Self::Driver => 5,
            Self::Xid(_) => 6,
            Self::Deep => 7,
        }
    }

    /// How long after the end of the last look it waits at least.
    fn gap(&self, gap: Duration) -> Duration {
        match self {
            Self::Start | Self::Timer | Self::Again | Self::Asked | Self::Deep => Duration::ZERO,
            Self::Resume | Self::Driver | Self::Xid(_) => gap,
        }
    }
}

/// What waits, and what was.
#[derive(Debug)]
pub(super) struct Schedule {
    waiting: Option<(Reason, Duration)>,
    /// When the slow timer is over; none before the first look has ended.
    timer: Option<Duration>,
    /// When the last look ended.
    ended: Option<Duration>,
    /// Least time between the end of a look and one that the machine calls for.
    gap: Duration,
}

impl Schedule {
    pub(super) fn new(gap: Duration) -> Self {
        Self { waiting: None, timer: None, ended: None, gap }
    }

    /// Least time between the end of a look and one that the machine or somebody calls for.
    pub(super) fn gap(&self) -> Duration {
        self.gap
    }

    /// Calls for a look, not before some time is over.
    pub(super) fn want(&mut self, reason: Reason, now: Duration, wait: Duration) {
        let settled = match reason {
            Reason::Resume | Reason::Driver | Reason::Xid(_) => wait.max(SETTLE.min(self.gap)),
            Reason::Start | Reason::Timer | Reason::Again | Reason::Asked | Reason::Deep => wait,
        };
        let after_last = self.ended.map(|ended| ended + reason.gap(self.gap)).unwrap_or_default();
        let at = (now + settled).max(after_last);
        self.waiting = Some(match self.waiting.take() {
            None => (reason, at),
            Some((known, known_at)) => {
                let told = if known.weight() >= reason.weight() { known } else { reason };
                (told, at.min(known_at))
            }
        });
    }

    /// The look whose time has come.
    pub(super) fn take_due(&mut self, now: Duration) -> Option<Reason> {
        if self.waiting.as_ref().is_some_and(|(_, at)| *at <= now) {
            return self.waiting.take().map(|(reason, _)| reason);
        }
        self.timer.filter(|at| *at <= now)?;
        self.timer = None;
        // What waits for its gap is the same look.
        Some(self.waiting.take().map_or(Reason::Timer, |(reason, _)| reason))
    }

    /// When there is something to do.
    pub(super) fn next(&self) -> Option<Duration> {
        let waiting = self.waiting.as_ref().map(|(_, at)| *at);
        [waiting, self.timer].into_iter().flatten().min()
    }

    /// A look has ended; the timer's is to come after so long.
    pub(super) fn ended(&mut self, now: Duration, interval: Duration) {
        self.ended = Some(now);
        self.timer = Some(now + interval);
    }

    /// The timer's look is to come so long after the last one, which is another time than it was.
    pub(super) fn retime(&mut self, interval: Duration) {
        if self.timer.is_some() {
            self.timer = self.ended.map(|ended| ended + interval);
        }
    }

    /// When the last look ended.
    pub(super) fn last(&self) -> Option<Duration> {
        self.ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: Duration = Duration::from_mins(1);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_burst_is_one_look() {
        let mut schedule = Schedule::new(GAP);
        for second in 100..110 {
            schedule.want(Reason::Driver, at(second), Duration::ZERO);
        }
        schedule.want(Reason::Xid("79".to_owned()), at(101), Duration::ZERO);
        schedule.want(Reason::Asked, at(101), Duration::ZERO);
        assert_eq!(schedule.take_due(at(100)), None);
        assert_eq!(schedule.take_due(at(102)), Some(Reason::Xid("79".to_owned())));
        assert_eq!(schedule.take_due(at(10_000)), None);
    }

    #[test]
    fn a_storm_of_errors_is_one_look_a_minute() {
        let mut schedule = Schedule::new(GAP);
        let mut looks = 0;
        for second in 0..600 {
            schedule.want(Reason::Xid("13".to_owned()), at(second), Duration::ZERO);
            if schedule.take_due(at(second)).is_some() {
                looks += 1;
                schedule.ended(at(second), at(3600));
            }
        }
        assert_eq!(looks, 10);
    }

    #[test]
    fn the_timer_comes_by_itself_and_takes_along_what_waits() {
        let mut schedule = Schedule::new(GAP);
        assert_eq!((schedule.next(), schedule.take_due(at(9999))), (None, None));
        schedule.ended(at(10), at(30));
        assert_eq!(schedule.next(), Some(at(40)));
        assert_eq!(schedule.take_due(at(39)), None);
        schedule.want(Reason::Resume, at(39), Duration::ZERO);
        assert_eq!(schedule.take_due(at(40)), Some(Reason::Resume));
        assert_eq!(schedule.next(), None);
        schedule.ended(at(50), at(30));
        assert_eq!(schedule.take_due(at(80)), Some(Reason::Timer));
        // Another interval counts from the last look, at once; while the next one is under way there is nothing to set.
        schedule.retime(at(300));
        assert_eq!(schedule.next(), None);
        schedule.ended(at(90), at(3600));
        schedule.retime(at(300));
        assert_eq!(schedule.next(), Some(at(390)));
    }
}

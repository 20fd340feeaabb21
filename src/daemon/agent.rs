//! What the daemon knows and decides; `mod.rs` waits for it.
//!
//! Invariant: a report answers only until something happens that it says nothing of: an error of the driver, another driver,
//! sleep, a daemon that was not there.

mod answers;

use super::{
    Settings, clock,
    config::Config,
    footprint,
    journal::{Journal, Level},
    look::{Errand, Said},
    root,
    schedule::{Reason, Schedule},
    service::Service,
    socket::Clients,
    state::Store,
    triggers::{Driver, Drivers, Log, Sleep},
    under_way::UnderWay,
};
use gpucheck_checks::MachineVerdict;
use sd_notify::NotifyState;
use std::{os::fd::OwnedFd, time::Duration};

/// Least time between two looks that the machine or somebody calls for.
const GAP: Duration = Duration::from_mins(1);
/// Time for a look; the Pythons have eight minutes, and may be looked at twice.
const LOOK: Duration = Duration::from_mins(30);
/// Time for a deep one.
const DEEP: Duration = Duration::from_hours(3);
/// Time after the boot in which a driver may be on its way.
const BOOT: Duration = Duration::from_mins(5);
/// Longest that it is waited for.
const LATEST: Duration = Duration::from_secs(32);

/// From a look that touched no GPU to the next one, at first and at most: the driver's nodes, or the end of a program that
/// computes, are on their way.
const AGAIN: (Duration, Duration) = (Duration::from_secs(30), Duration::from_mins(16));
/// What follows from a log that cannot be read.
const UNSEEN: &str = "errors that the driver reports are not seen as they come";

pub(super) struct Agent {
    settings: Settings,
    config: Config,
    journal: Journal,
    service: Service,
    boot: String,
    store: Store,
    schedule: Schedule,
    driver: Driver,
    log: Option<Log>,
    drivers: Option<Drivers>,
    sleep: Sleep,
    under_way: Option<UnderWay>,
    /// When something last happened that a report from before says nothing of.
    in_doubt_since: Option<Duration>,
    /// How long it is waited for the driver next.
    wait: Duration,
    /// How long after a look that touched no GPU it is looked again.
    again: Duration,
    looks: u64,
    failed_looks: u64,
}

impl Agent {
    pub(super) fn new(settings: Settings) -> Self {
        let root = root(&settings);
        let gap = settings.gap_ms.map_or(GAP, Duration::from_millis);
        Self {
            config: Config::default(),
            journal: Journal::new(Level::Info),
            service: Service::of_this_process(),
            boot: clock::boot(),
            store: Store::open(&settings.state, &settings.look.root),
            schedule: Schedule::new(gap),
            driver: Driver::of(&root),
            log: None,
            drivers: None,
            sleep: Sleep::watch(),
            under_way: None,
            // What happened while no daemon ran nobody knows.
            in_doubt_since: Some(Duration::ZERO),
            wait: Duration::from_secs(1),
            again: AGAIN.0,
            looks: 0,
            failed_looks: 0,
            settings,
        }
    }

    /// Before the first wait.
    pub(super) fn begin(&mut self, clients: &mut Clients) {
        match Config::read(&self.settings.config) {
            Ok(config) => self.apply(config, clients),
            Err(why) => self.say(Level::Warning, &format!("{why}; going on with the defaults")),
        }
        match Log::open(&root(&self.settings), &self.settings.look.root) {
            Ok(log) => self.log = Some(log),
            Err(error) => {
                self.say(Level::Info, &format!("/dev/kmsg: {error}; {UNSEEN}"));
            }
        }
        match Drivers::listen() {
            Ok(drivers) => self.drivers = Some(drivers),
            Err(error) => self.say(
                Level::Info,
                &format!("uevents: {error}; that a driver is loaded is seen when somebody asks, or in time"),
            ),
        }
        self.schedule.want(Reason::Start, clock::now(), Duration::ZERO);
        Service::tell(&[NotifyState::Ready, NotifyState::Status("looking")]);
    }

    fn say(&self, level: Level, text: &str) {
        self.journal.say(level, text);
    }

    fn apply(&mut self, config: Config, clients: &mut Clients) {
        self.journal.level = config.log_level;
        if let Err(error) = clients.offer_metrics(config.metrics) {
            self.say(Level::Warning, &format!("{error}; they are not offered"));
        }
        self.config = config;
    }

    pub(super) fn reload(&mut self, clients: &mut Clients) {
        Service::reloading();
        match Config::read(&self.settings.config) {
            Ok(config) => {
                self.apply(config, clients);
                self.schedule.retime(jittered(self.config.interval, self.looks));
                self.say(Level::Notice, &format!("{} is read again", self.settings.config.display()));
            }
            Err(why) => self.say(Level::Warning, &format!("{why}; going on with what was read before")),
        }
        Service::tell(&[NotifyState::Ready]);
    }

    pub(super) fn end(&mut self) {
        Service::tell(&[NotifyState::Stopping]);
        if let Some(look) = self.under_way.take() {
            look.end();
        }
    }

    /// What is waited for, beside signals and clients.
    pub(super) fn waited_for(&self, now: Duration) -> impl Iterator<Item = &OwnedFd> {
        let log = self.log.as_ref().and_then(|log| log.device(now));
        let drivers = self.drivers.as_ref().map(Drivers::device);
        let pipe = self.under_way.as_ref().and_then(UnderWay::pipe);
        [log, drivers, self.sleep.timer(), pipe].into_iter().flatten()
    }

    /// When there is something to do by itself.
    pub(super) fn next(&self, now: Duration) -> Option<Duration> {
        // What is due waits for the look that is under way.
        let look = match &self.under_way {
            Some(look) => Some(look.next()),
            None => self.schedule.next(),
        };
        let log = self.log.as_ref().and_then(|log| log.next(now)).filter(|at| *at < Duration::MAX);
        [look, log, self.service.next()].into_iter().flatten().min()
    }

    /// What Linux has to tell.
    pub(super) fn notice(&mut self, now: Duration) {
        if let Some(look) = &mut self.under_way {
            look.read();
        }
        if self.log.as_ref().is_some_and(|log| log.device(now).is_some()) {
            self.hear(now);
        }
        if self.drivers.as_ref().is_some_and(Drivers::read) {
            self.happened(Reason::Driver, now);
        }
        self.sleep.clock_was_set();
        if self.sleep.was_asleep() {
            self.happened(Reason::Resume, now);
        }
    }

    /// Reads the kernel's log, whether or not it is listened to.
    fn hear(&mut self, now: Duration) {
        let heard = match self.log.as_mut().map(|log| log.read(now)) {
            None => return,
            Some(Ok(heard)) => heard,
            Some(Err(error)) => {
                self.log = None;
                self.say(Level::Warning, &format!("/dev/kmsg: {error}; {UNSEEN}"));
                return;
            }
        };
        if heard.lost {
            self.in_doubt_since = Some(now);
        }
        let Some(error) = heard.error else { return };
        // A look that an error called for may cause the next one: that is told and leaves a doubt, and calls for no look.
        let called_for = self.under_way.as_ref().filter(|look| matches!(look.reason, Reason::Xid(_)));
        match called_for.map(|look| look.began) {
            None => {
                self.say(Level::Warning, &format!("the driver reported: {error}"));
                self.happened(Reason::Xid(error), now);
            }
            Some(began) => {
                // Once a look: what it causes may come in thousands.
                if self.in_doubt_since.is_none_or(|since| since <= began) {
                    self.say(Level::Warning, &format!("the driver reported, during the look: {error}"));
                }
                self.in_doubt_since = Some(now);
            }
        }
    }

    /// Something that the last report says nothing of, so that it answers nobody until the next one.
    fn happened(&mut self, reason: Reason, now: Duration) {
        self.in_doubt_since = Some(now);
        self.schedule.want(reason, now, Duration::ZERO);
    }

    /// Does what is due.
    pub(super) fn act(&mut self, now: Duration) {
        self.service.live(now);
        self.see_to_look(now);
        if self.under_way.is_none()
            && let Some(reason) = self.schedule.take_due(now)
        {
            self.look(reason, now);
        }
    }

    fn see_to_look(&mut self, now: Duration) {
        let Some(look) = &mut self.under_way else { return };
        let told = match look.ended() {
            Some(told) => told,
            None if look.is_given_up(now) => Err("it cannot be ended, and is left to itself".to_owned()),
            None => return,
        };
        let (began, reason) = (look.began, look.reason.clone());
        self.under_way = None;
        self.looks += 1;
        self.schedule.ended(now, jittered(self.config.interval, self.looks));
        let kept = told.and_then(|said| {
            self.take(&said, began)?;
            self.see_to_doubt(&said, now);
            Ok(())
        });
        if let Err(why) = kept {
            self.failed_looks += 1;
            let words = reason.words();
            self.say(Level::Warning, &format!("the look failed ({words}): {why}; the last report stays"));
        }
        self.tell_status();
        footprint::give_back();
    }

    fn take(&mut self, said: &Said, began: Duration) -> Result<(), String> {
        let before = self.store.kept.as_ref().map(|kept| (kept.verdict, kept.answer.clone()));
        let root = &self.settings.look.root;
        self.store.take(said, began, &self.boot, root).map_err(|error| error.to_string())?;
        if said.full && self.in_doubt_since.is_some_and(|since| since < began) {
            self.in_doubt_since = None;
        }
        if let Some(why) = &said.held_back {
            self.say(Level::Info, &format!("no GPU was touched: {why}"));
        }
        if said.written && before.as_ref().is_none_or(|(_, answer)| *answer != said.answer) {
            let level = if said.verdict == MachineVerdict::Usable { Level::Notice } else { Level::Warning };
            let before = before.map_or(String::new(), |(verdict, _)| format!("{} -> ", word(verdict)));
            self.say(level, &format!("{before}{}", said.answer));
        }
        Ok(())
    }

    /// Where no GPU was touched and what is known is in doubt, or there is nothing, it is looked again before it is time.
    fn see_to_doubt(&mut self, said: &Said, now: Duration) {
        let is_against = said.written && said.verdict == MachineVerdict::Unusable;
        if said.held_back.is_none() {
            self.again = AGAIN.0;
        } else if self.in_doubt_since.is_some() && !is_against {
            self.schedule.want(Reason::Again, now, self.again);
            self.again = (self.again * 2).min(AGAIN.1);
        }
    }

    fn tell_status(&self) {
        let answer = self.store.kept.as_ref().map_or("no report yet", |kept| kept.answer.as_str());
        Service::tell(&[NotifyState::Status(&answer.replace('\n', " "))]);
    }

    fn look(&mut self, reason: Reason, now: Duration) {
        if reason == Reason::Start && self.is_driver_on_its_way(now) {
            self.schedule.want(Reason::Start, now, self.wait);
            self.wait *= 2;
            return;
        }
        self.say(Level::Info, &format!("looking: {}", reason.words()));
        self.driver.look_begins(now);
        let deep = reason == Reason::Deep;
        let mut look = self.settings.look.clone();
        look.deep |= deep;
        let errand = Errand {
            folder: self.settings.state.clone(),
            look,
            pythons: self.config.pythons,
            replaces: self.store.is_empty(&self.boot)
                || self.store.kept.as_ref().is_some_and(|kept| !kept.full),
            parent: std::process::id(),
        };
        let program = self.settings.looker.clone().unwrap_or_else(|| "/proc/self/exe".into());
        let usual = if deep { DEEP } else { LOOK };
        let time = self.settings.look_deadline_ms.map_or(usual, Duration::from_millis);
        match UnderWay::start(program.into(), &errand, (reason, now, time)) {
            Ok(look) => self.under_way = Some(look),
            Err(error) => {
                self.failed_looks += 1;
                self.schedule.ended(now, jittered(self.config.interval, self.looks));
                self.say(Level::Warning, &format!("a look could not be started: {error}"));
            }
        }
    }

    /// Whether the machine has just booted and its GPU waits for its driver; for that it is waited a minute.
    fn is_driver_on_its_way(&self, now: Duration) -> bool {
        now < BOOT && self.wait <= LATEST && !self.driver.is_there() && self.driver.has_gpu()
    }
}

/// The first words of an answer.
fn word(verdict: MachineVerdict) -> &'static str {
    match verdict {
        MachineVerdict::Usable => "usable",
        MachineVerdict::Degraded => "usable in part",
        MachineVerdict::Unusable => "not usable",
        MachineVerdict::Incomplete => "not verified",
    }
}

/// A tenth more or less, another one each time: the machines of a class boot at once and are not to look at once.
fn jittered(interval: Duration, looks: u64) -> Duration {
    let seed = u64::from(std::process::id()).wrapping_add(looks).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let part = u32::try_from(seed >> 44).unwrap_or_default() % 2001;
    interval.saturating_mul(9000 + part) / 10_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_differ_by_a_tenth_at_most() {
        let hour = Duration::from_hours(1);
        let intervals: Vec<_> = (0..100).map(|looks| jittered(hour, looks).as_secs()).collect();
        assert!(intervals.iter().all(|interval| (3240..=3960).contains(interval)), "{intervals:?}");
        assert!(intervals.iter().max() > intervals.iter().min());
    }
}

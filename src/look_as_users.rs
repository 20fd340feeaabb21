//! The machine as each of its human users sees it, side by side, after everything else: a student's kernel is to have the
//! GPU for itself.
//!
//! Invariant: whoever is not root sees with their own eyes alone, and says so.

use crate::{
    collect::{self, Options},
    in_time::InTime,
    probe::{
        frameworks::pool,
        users::{Account, Accounts, Question, SeenAs, look_as},
    },
};
use gpucheck_checks::{
    Source,
    fact::{Facts, HumanUser, Observed, UserLook, Users},
};
use std::time::Duration;

/// Time for the list.
const LIST_TIME: Duration = Duration::from_secs(5);
/// Time for one user's kernels and Pythons, where no other is said.
const USUAL_TIME: Duration = Duration::from_mins(8);

/// Looks as every human user that there is.
pub(crate) fn look_as_users(options: &Options, facts: &mut Facts) {
    if !options.sources.contains(&Source::Users) {
        return;
    }
    let (root, list) = (options.root.clone(), options.users_list.clone());
    let accounts = InTime::start("users", LIST_TIME, move || match Accounts::of(&root, list.as_deref()) {
        Ok(accounts) => Observed::Seen(accounts),
        Err(error) => Observed::refused("read /etc/passwd", 0, "unreadable", error.to_string()),
    });
    facts.users = accounts.take().map(|accounts| users(options, facts, accounts));
}

fn users(options: &Options, facts: &mut Facts, accounts: Accounts) -> Users {
    let asking = rustix::process::geteuid().as_raw();
    let looks = looks(options, facts, &accounts.people, asking);
    let mut humans = Vec::new();
    for (account, seen) in accounts.people.iter().zip(looks) {
        let look = match seen {
            Look::Own(look) => Observed::Seen(look),
            Look::As(seen) => (*seen).map(|seen| take_in(facts, account, &seen)),
        };
        humans.push(HumanUser { name: account.name.clone(), uid: account.uid, look });
    }
    let Accounts { more, not_listed, directories, .. } = accounts;
    Users { asking, humans, more, not_listed, directories }
}

/// What was seen, and as whom.
enum Look {
    /// As the asking user: all that is not of users.
    Own(UserLook),
    /// As another one.
    As(Box<Observed<SeenAs>>),
}

fn looks(options: &Options, facts: &Facts, people: &[Account], asking: u32) -> Vec<Look> {
    let why_not = if !options.root.is_this_machine() {
        Some("the users of another root are not on this machine")
    } else if asking != 0 {
        Some("only root can look as another user")
    } else {
        None
    };
    if let Some(why) = why_not {
        let look = |account: &Account| {
            if account.uid == asking && options.root.is_this_machine() {
                Look::Own(own(facts))
            } else {
                Look::As(Box::new(Observed::not_probed(why)))
            }
        };
        return people.iter().map(look).collect();
    }
    let behind = collect::driver_is_behind(&facts.module);
    let width = pool::width(behind).min(people.len().max(1));
    let time = options.user_deadline.unwrap_or(USUAL_TIME);
    let question = Question {
        uid: 0,
        exercise: options.exercise,
        put_to_work: behind,
        may_make_nodes: collect::a_driver_stands_here(),
        one_at_a_time: width > 1,
        deadline_ms: u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
    };
    let worker = crate::worker::Worker::own(time);
    options.progress.expect(people.len());
    let seen = pool::each(people, width, |account| {
        let _under_way = options.progress.begin(&account.name);
        look_as(&worker, account, &Question { uid: account.uid, ..question.clone() })
    });
    let seen = seen.into_iter().map(|seen| seen.unwrap_or_else(crate::in_time::broken));
    seen.map(|seen| Look::As(Box::new(seen))).collect()
}

/// What the asking user sees has been seen already.
fn own(facts: &Facts) -> UserLook {
    let kernels = facts.notebooks.seen().map_or(0, |notebooks| notebooks.kernelspecs.len());
    UserLook {
        nodes: facts.module.seen().map(|module| module.nodes.clone()).unwrap_or_default(),
        kernels: count(kernels),
        pythons: count(facts.pythons().count()),
    }
}

fn take_in(facts: &mut Facts, account: &Account, seen: &SeenAs) -> UserLook {
    facts.take_in(&account.name, account.uid, &seen.notebooks, &seen.frameworks);
    UserLook {
        nodes: seen.nodes.clone(),
        kernels: count(seen.notebooks.kernelspecs.len()),
        pythons: count(seen.frameworks.pythons.len()),
    }
}

fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

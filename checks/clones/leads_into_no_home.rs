//! What is there for everybody leads into nobody's home.
//!
//! # Meaning
//! A kernel that everybody is offered, an environment below /opt or a command in /usr/local/bin may start a program in the
//! home of whoever made it. Homes are closed to other users on Ubuntu since 21.04 and by `useradd` elsewhere, /root
//! everywhere: for its owner all works, and others get "Permission denied", and a notebook without a kernel.
//!
//! # Detection
//! Absolute paths into the home of an account, root's too, in the commands of kernels of the system and of environments
//! outside of homes; in `home` of `pyvenv.cfg`, in the links and first lines of programs of such environments and of
//! /usr/local/bin; in /etc/environment, /etc/profile.d and /etc/skel. It fails where a folder on the way has no right for others,
//! and another account may log in, or students do as `--student` says. Permission bits decide; lists of access control are not
//! read.
//!
//! # Fix
//! Make the environment below /opt with a Python that everybody may start, and install its kernel from there.
//!
//! # Source
//! <https://discourse.ubuntu.com/t/private-home-directories-for-ubuntu-21-04-onwards/19533>,
//! <https://docs.astral.sh/uv/reference/environment/#uv_python_install_dir>, path_resolution(7)

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who, cloned,
    fact::{ClosedFolder, Facts, Homes, WayIntoHome},
    judge::quoted,
    users,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Clones],
    needs: &[],
    severity: Severity::BreaksLater,
    who: Who::Instructor,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    cloned::homes(facts, judge_homes)
}

fn judge_homes(homes: &Homes) -> Finding {
    let host = Subject::Host;
    let closed = homes.ways_in.iter().filter_map(|way| Some((way, way.closed.as_ref()?)));
    let shut: Vec<(&WayIntoHome, &ClosedFolder)> =
        closed.filter(|(way, _)| !cloned::others(homes, &way.user).is_empty()).collect();
    let Some((way, folder)) = shut.first() else {
        let is_nobody_here = homes.student.is_none() && homes.homes.iter().all(|home| home.user == "root");
        return match homes.ways_in.first() {
            Some(way) if is_nobody_here => {
                Finding::not_applicable(host, "no account of a person is here").because(leads(way))
            }
            way => passed(way),
        };
    };
    let others = users::list(cloned::others(homes, &way.user).into_iter());
    let finding = Finding::fail(host, format!("{}, and {} is closed to {others}", leads(way), folder.path))
        .because(format!("{} has mode {:04o}", folder.path, folder.mode))
        .with("place", way.place.clone())
        .with("to", way.to.clone())
        .with("owner", way.user.clone())
        .with("others", others);
    let finding = cloned::and_more(finding, shut.iter().skip(1).map(|(way, _)| leads(way)));
    let environments =
        homes.homes.iter().flat_map(|home| home.environments.iter().map(move |own| (home, own)));
    let mut led_into = environments.filter_map(|(home, own)| {
        let (way, _) = shut.iter().find(|(way, _)| cloned::is_below(&way.to, &own.prefix))?;
        Some((home, own, kernel(&way.place)))
    });
    match led_into.next() {
        Some((home, environment, kernel)) => {
            cloned::make_for_everybody(finding, &home.user, environment, kernel)
        }
        None => finding.run(format!("namei -l {}", quoted(&way.to))).variant("base"),
    }
}

fn passed(way: Option<&WayIntoHome>) -> Finding {
    match way {
        Some(way) => Finding::pass(Subject::Host, "nobody who logs in is shut out").because(leads(way)),
        None => Finding::pass(Subject::Host, "none was found that does"),
    }
}

/// The name of the kernel that a `kernel.json` is of.
fn kernel(place: &str) -> Option<&str> {
    place.strip_suffix("/kernel.json")?.rsplit('/').next()
}

fn leads(way: &WayIntoHome) -> String {
    format!("{} leads to {}", way.place, way.to)
}

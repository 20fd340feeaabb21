//! What the command line asks for, as the options of a look.

use crate::{
    cli::{LookArgs, ShowArgs},
    collect::Options,
    error::Error,
    probe::{classroom::Class, cuda::work::Wish, inventory},
    progress::{Line, Progress},
    render,
    root::Root,
    show::language,
};
use gpucheck_checks::{CHECKS, Profile, Selection, Source, UnknownId, fact::Level};
use std::{path::Path, time::Duration};

/// The checks that are asked for.
///
/// # Errors
/// An id that nothing has.
pub fn selection(look: &LookArgs) -> Result<Selection, Error> {
    Selection::new(look.only.clone(), look.skip.clone()).map_err(|UnknownId(name)| {
        let layers = CHECKS.iter().filter_map(|check| check.id.split_once('.')).map(|(layer, _)| layer);
        Error::unknown_id(&name, CHECKS.iter().map(|check| check.id).chain(layers))
    })
}

/// What is to be looked at for this question.
///
/// # Errors
/// The root cannot be looked at.
pub fn options(
    look: &LookArgs,
    show: &ShowArgs,
    profile: Profile,
    selection: &Selection,
) -> Result<Options, Error> {
    let language = language(show);
    let words = move |line: Line<'_>| render::progress(line, language);
    // What comes after it cannot be undone: nothing is retold, and every framework is imported as a notebook does.
    let is_last_look = profile == Profile::Publish;
    let wish = Wish { deep: look.deep, soak_s: look.soak, small: look.small_work };
    let mut sources = profile.sources(selection);
    if wish.level() != Level::Usual && profile != Profile::Slow {
        // Whoever asks for it gets it, and what decides how much of it there may be.
        sources.extend([Source::Nvml, Source::Driver, Source::Compute, Source::Work]);
    }
    let root = root(&look.root)?;
    let root = if profile == Profile::Bake { root.of_image() } else { root };
    // The size of a builder says nothing of the image.
    let asks_cloud = !look.no_cloud_metadata && !root.is_image();
    Ok(Options {
        root,
        sources,
        cloud_metadata: asks_cloud.then(|| look.cloud_metadata_url.clone()),
        full: look.full || is_last_look,
        fresh: look.fresh || is_last_look,
        progress: Progress::on_terminal(words),
        exercise: !look.no_exercise,
        class: Class::default(),
        targets: Vec::new(),
        needs_memory: None,
        inventory: inventory::Ask::default(),
        work: wish,
        read_pythons: matches!(profile, Profile::Bake | Profile::Publish),
        this_pythons: look.this_pythons,
        this_notebooks: look.this_notebooks,
        roots_pythons_alone: false,
        driver_deadline: look.driver_deadline_ms.map(Duration::from_millis),
        student: None,
        users_list: look.users_list.clone(),
        user_deadline: look.user_deadline_ms.map(Duration::from_millis),
        asker: look.asking.clone(),
    })
}

/// A root that can be looked at; otherwise everything in it would seem to be missing.
fn root(path: &Path) -> Result<Root, Error> {
    let unreadable = |source| Error::Root { path: path.to_owned(), source };
    std::fs::read_dir(path).map_err(unreadable)?;
    let root = Root::new(path);
    match root.list("/") {
        Ok(_) => Ok(root),
        // Containers of old refuse the system calls that they do not know.
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM)) => {
            Err(Error::RootNeedsNewerLinux { path: path.to_owned() })
        }
        Err(error) => Err(unreadable(error)),
    }
}

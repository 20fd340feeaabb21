//! Which Linux the boot loader will take.
//!
//! Invariant: what cannot be told is not guessed: without a menu, or with one that may not be read, the reason is the
//! answer.

use super::{
    bls::{self, Entry as Snippet},
    grub::{self, Menu},
    release::{compare, of_image},
};
use crate::root::Root;
use gpucheck_checks::fact::Observed;
use std::{collections::BTreeMap, io};

/// Where GRUB's menu lies: Debian's and Ubuntu's, Fedora's, and that of older Red Hats on EFI.
const MENUS: [&str; 6] = [
    "/boot/grub/grub.cfg",
    "/boot/grub2/grub.cfg",
    "/boot/efi/EFI/redhat/grub.cfg",
    "/boot/efi/EFI/centos/grub.cfg",
    "/boot/efi/EFI/rocky/grub.cfg",
    "/boot/efi/EFI/almalinux/grub.cfg",
];
const SNIPPETS: &str = "/boot/loader/entries";
const SETTINGS: &str = "/etc/default/grub";
const MORE_SETTINGS: &str = "/etc/default/grub.d";
/// Images that are told, and characters kept of a word of somebody's.
const MOST: usize = 50;
const LONGEST: usize = 200;

/// What the boot loader will take.
#[derive(Debug, Default)]
pub(super) struct Choice {
    pub(super) linux: Observed<String>,
    pub(super) chosen_by: Option<String>,
    pub(super) once: bool,
    pub(super) doubts: Vec<String>,
    pub(super) images: Vec<String>,
    pub(super) command_line: Vec<String>,
    pub(super) initrd: Option<String>,
}

/// The choice.
pub(super) fn choice(root: &Root) -> Choice {
    let mut choice = match MENUS.iter().find(|path| root.exists(path)) {
        Some(path) => by_grub(root, path),
        None => match bls::systemd_boot(root) {
            Some(taken) => by_systemd_boot(root, &taken),
            None => Choice { linux: nothing(root), ..Choice::default() },
        },
    };
    choice.images = images(root);
    choice.doubts.extend(not_there(&choice));
    choice
}

/// An image that a menu starts and that is not under `/boot`, where the others are.
fn not_there(choice: &Choice) -> Option<String> {
    let release = choice.linux.seen().filter(|release| !is_rescue(release))?;
    let is_there = choice.images.is_empty() || choice.images.contains(release);
    (!is_there).then(|| format!("the menu starts Linux {release}, and its image is not under /boot"))
}

/// Why there is no menu.
fn nothing(root: &Root) -> Observed<String> {
    match root.list("/boot") {
        Ok(names) if names.is_empty() => {
            Observed::not_probed("/boot is empty: its partition may not be mounted")
        }
        Ok(_) => Observed::not_probed("no menu of GRUB and no settings of systemd-boot lie under /boot"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Observed::not_probed("there is no /boot"),
        Err(error) => Observed::refused("list /boot", 0, "unreadable", error.to_string()),
    }
}

/// Releases with an image under `/boot`, the newest first.
fn images(root: &Root) -> Vec<String> {
    let names = root.names("/boot");
    let mut releases: Vec<String> = names
        .iter()
        .filter_map(|name| of_image(name))
        .filter(|release| !is_rescue(release))
        .map(short)
        .collect();
    releases.sort_by(|a, b| compare(b, a));
    releases.dedup();
    releases.truncate(MOST);
    releases
}

/// Fedora keeps an image for emergencies that is no release of its own.
fn is_rescue(release: &str) -> bool {
    release.contains("rescue")
}

fn by_grub(root: &Root, path: &str) -> Choice {
    let text = match root.text(path) {
        Ok(text) => text,
        Err(error) => {
            let linux = Observed::refused(&format!("read {path}"), 0, "unreadable", error.to_string());
            return Choice { linux, ..Choice::default() };
        }
    };
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    // 41_custom reads it at the end of the menu.
    let custom = root.configuration(&format!("{folder}/custom.cfg")).unwrap_or_default();
    let menu = grub::menu(&format!("{text}\n{custom}"));
    let grubenv = environment_block(root, folder);
    let variables = grub::environment(&grubenv);
    let saved = |name: &str| variables.get(name).filter(|value| !value.is_empty());
    let once = saved("next_entry");
    let default = once.cloned().unwrap_or_else(|| substituted(menu.default.as_deref(), &variables));
    let mut choice = if menu.has_snippets {
        by_snippet(root, &default, &grubenv)
    } else {
        by_entry(root, &menu, &default)
    };
    choice.once = once.is_some();
    choice.chosen_by = choice.chosen_by.map(|by| format!("{path}: {by}"));
    choice.doubts.extend(unapplied(root, &menu));
    if !menu.has_snippets {
        choice.doubts.extend(not_in_menu(root, &text));
    }
    choice
}

/// GRUB's environment: on EFI of older Red Hats a link leads to it.
fn environment_block(root: &Root, folder: &str) -> String {
    let places = [folder, "/boot/grub2", "/boot/grub"];
    places.iter().find_map(|folder| root.configuration(&format!("{folder}/grubenv"))).unwrap_or_default()
}

/// A default with the variable that it may be.
fn substituted(default: Option<&str>, variables: &BTreeMap<String, String>) -> String {
    let default = default.unwrap_or("0");
    match default.strip_prefix('$') {
        None => default.to_owned(),
        Some(name) => {
            let value = variables.get(name.trim_matches(['{', '}'])).filter(|value| !value.is_empty());
            value.map_or("0", String::as_str).to_owned()
        }
    }
}

fn by_entry(root: &Root, menu: &Menu, default: &str) -> Choice {
    let Some(found) = grub::find(&menu.entries, default) else {
        return Choice { linux: Observed::not_probed("GRUB's menu has no entry"), ..Choice::default() };
    };
    let title = short(&found.title);
    let by = format!("default {:?} is {title:?}", short(default));
    let mut choice = match &found.entry.linux {
        Some((image, options)) => booted(root, image, options, found.entry.initrd.clone()),
        None => Choice {
            linux: Observed::not_probed(format!("the entry {title:?} of GRUB's menu starts no Linux")),
            ..Choice::default()
        },
    };
    choice.chosen_by = Some(by);
    if found.is_fallback {
        choice
            .doubts
            .push(format!("no entry of GRUB's menu is called {:?}, so it takes {title:?}", short(default)));
    }
    choice
}

fn by_snippet(root: &Root, default: &str, grubenv: &str) -> Choice {
    let entries = bls::entries_of_grub(root, SNIPPETS);
    let named = match default.parse::<usize>() {
        Ok(index) => entries.get(index),
        Err(_) => entries.iter().find(|entry| entry.id == default || entry.title == default),
    };
    let Some(entry) = named.or(entries.first()) else {
        let why =
            format!("GRUB takes its entries from {SNIPPETS}, and there are none, or none that may be read");
        return Choice { linux: Observed::not_probed(why), ..Choice::default() };
    };
    let mut choice = snippet(root, entry, grubenv);
    choice.chosen_by = Some(format!("default {:?} is {:?}", short(default), short(&entry.title)));
    if named.is_none() {
        choice.doubts.push(format!("no entry of GRUB's menu is called {:?}", short(default)));
    }
    choice
}

fn by_systemd_boot(root: &Root, taken: &bls::Taken) -> Choice {
    let Some(entry) = &taken.entry else {
        let why = "systemd-boot has no entries in files; unified images are not read";
        return Choice { linux: Observed::not_probed(why), ..Choice::default() };
    };
    let mut choice = snippet(root, entry, "");
    choice.once = taken.once;
    choice.chosen_by = Some(short(&taken.by));
    if taken.is_fallback {
        choice.doubts.push(format!(
            "no entry of systemd-boot's has the name that is its default, so it takes {}",
            short(&entry.id)
        ));
    }
    choice
}

fn snippet(root: &Root, entry: &Snippet, grubenv: &str) -> Choice {
    match &entry.linux {
        Some(image) => booted(root, image, &bls::expanded(&entry.options, grubenv), entry.initrd.clone()),
        None => Choice {
            linux: Observed::not_probed(format!("the entry {:?} starts no Linux", short(&entry.id))),
            ..Choice::default()
        },
    }
}

/// What follows from the image, the command line and the initramfs of an entry.
fn booted(root: &Root, image: &str, options: &str, initrd: Option<String>) -> Choice {
    // `/boot/vmlinuz` is a link to the image of the newest Linux.
    let name = image.rsplit('/').next().unwrap_or(image);
    let target = || root.link_name(&format!("/boot/{name}")).or_else(|| root.link_name(&format!("/{name}")));
    let release = of_image(image).map(str::to_owned).or_else(|| of_image(&target()?).map(str::to_owned));
    let linux = match release {
        Some(release) => Observed::Seen(short(&release)),
        None => Observed::not_probed(format!("the name of {} tells no release", short(image))),
    };
    let command_line = options.split_whitespace().filter(|word| keeps_out(word)).map(short).collect();
    Choice { linux, command_line, initrd, ..Choice::default() }
}

/// Words of a command line that keep drivers of cards out.
fn keeps_out(word: &str) -> bool {
    let names_one = word.contains("nouveau") || word.contains("nvidia");
    names_one && word.len() < LONGEST
}

/// A default in the settings that the menu does not go by: `update-grub` was not run.
fn unapplied(root: &Root, menu: &Menu) -> Option<String> {
    let mut files = vec![SETTINGS.to_owned()];
    let more = root.names(MORE_SETTINGS).into_iter().filter(|name| name.strip_suffix(".cfg").is_some());
    files.extend(more.map(|name| format!("{MORE_SETTINGS}/{name}")));
    let mut values = files
        .iter()
        .filter_map(|path| Some((path, grub::setting(&root.configuration(path)?, "GRUB_DEFAULT")?)));
    let (path, wanted) = values.next_back()?;
    let applied = menu.default.as_deref()?;
    // What a shell would put in is not known here.
    if wanted.contains(['$', '`']) {
        return None;
    }
    let is_applied = match wanted.as_str() {
        "saved" => applied.contains("saved_entry"),
        "" => true,
        wanted => applied == wanted,
    };
    (!is_applied).then(|| {
        format!(
            "{path} wants {:?} to boot, and GRUB's menu still goes by {:?}",
            short(&wanted),
            short(applied)
        )
    })
}

/// A newest Linux that the menu does not have.
fn not_in_menu(root: &Root, menu: &str) -> Option<String> {
    let newest = images(root).into_iter().next()?;
    let is_there = menu.contains(&format!("-{newest}")) || menu.contains("/vmlinuz ");
    (!is_there).then(|| format!("Linux {newest} is installed, and GRUB's menu does not have it"))
}

fn short(text: impl AsRef<str>) -> String {
    text.as_ref().chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

#[cfg(test)]
mod tests;

//! GRUB's menu, as grub-mkconfig writes it, and which entry of it is taken.
//!
//! Invariant: GRUB's language is not run. What is read is what grub-mkconfig writes: entries, submenus, the default; of an
//! entry the first Linux that it starts.
//!
//! Source: <https://www.gnu.org/software/grub/manual/grub/grub.html#default>, util/grub.d/00_header.in and 10_linux.in.

use std::collections::BTreeMap;

/// Entries that are kept.
const MOST: usize = 2000;

/// A menu.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Menu {
    pub(super) entries: Vec<Entry>,
    /// What `default` is set to where no entry is asked for once: a name, a number, `${saved_entry}`.
    pub(super) default: Option<String>,
    /// The entries lie in files of their own, one each.
    pub(super) has_snippets: bool,
}

/// An entry, or a submenu with its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) title: String,
    pub(super) id: Option<String>,
    /// The image of Linux, and its command line.
    pub(super) linux: Option<(String, String)>,
    /// The last file of its `initrd`.
    pub(super) initrd: Option<String>,
    pub(super) entries: Vec<Entry>,
    is_submenu: bool,
}

/// Reads a menu.
pub(super) fn menu(text: &str) -> Menu {
    let mut menu = Menu::default();
    // Braces that are open: entries and submenus, and none for functions.
    let mut open: Vec<Option<Entry>> = Vec::new();
    let mut count = 0;
    for line in text.lines().map(str::trim) {
        let words = words(line);
        let first = words.first().map_or("", String::as_str);
        match first {
            "menuentry" | "submenu" if line.ends_with('{') && count < MOST => {
                count += 1;
                open.push(Some(entry(&words)));
            }
            "}" => {
                if let Some(Some(entry)) = open.pop() {
                    match open.iter_mut().rev().flatten().next() {
                        Some(submenu) => submenu.entries.push(entry),
                        None => menu.entries.push(entry),
                    }
                }
            }
            "set" => menu.default = default(&words).or(menu.default.take()),
            "blscfg" => menu.has_snippets = true,
            "linux" | "linux16" | "linuxefi" => {
                if let (Some(entry), Some((image, rest))) =
                    (open.iter_mut().rev().flatten().next(), words.get(1..).and_then(<[String]>::split_first))
                {
                    entry.linux.get_or_insert_with(|| (image.clone(), rest.join(" ")));
                }
            }
            "initrd" | "initrd16" | "initrdefi" => {
                if let Some(entry) = open.iter_mut().rev().flatten().next() {
                    entry.initrd = words.last().filter(|_| words.len() > 1).cloned().or(entry.initrd.take());
                }
            }
            _ if line.ends_with('{') => open.push(None),
            _ => {}
        }
    }
    menu
}

/// `set default="..."`, but for what takes over an entry that is asked for once.
fn default(words: &[String]) -> Option<String> {
    let value = words.get(1)?.strip_prefix("default=")?;
    let is_once = ["${next_entry}", "$next_entry", "${prev_entry}"].contains(&value);
    (!is_once).then(|| value.to_owned())
}

fn entry(words: &[String]) -> Entry {
    let is_id =
        |word: &String| word == "--id" || word == "$menuentry_id_option" || word == "${menuentry_id_option}";
    let id = words.iter().position(is_id).and_then(|at| words.get(at + 1)).cloned();
    let title = words.get(1).cloned().unwrap_or_default();
    Entry { title, id, is_submenu: words.first().is_some_and(|word| word == "submenu"), ..Entry::default() }
}

/// Words as GRUB's shell parts them, quotes taken away and variables left as they stand.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(characters.next()),
            (None, '#') if word.is_none() => break,
            (None, c) if c.is_whitespace() || c == ';' => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// An entry that was found, and how it is told.
pub(super) struct Found<'m> {
    pub(super) entry: &'m Entry,
    pub(super) title: String,
    /// No entry is called so, and GRUB takes the first one.
    pub(super) is_fallback: bool,
}

/// The entry that a default names: by number, by id or by title, through submenus by `>`.
pub(super) fn find<'m>(entries: &'m [Entry], default: &str) -> Option<Found<'m>> {
    let parts = split(default);
    let mut level = entries;
    let mut titles: Vec<&str> = Vec::new();
    let mut is_fallback = false;
    let mut parts = parts.iter();
    loop {
        let part = parts.next();
        let named = part.map(|part| pick(level, part));
        is_fallback |= matches!(named, Some(None));
        let entry = named.flatten().or_else(|| level.first())?;
        titles.push(&entry.title);
        if !entry.is_submenu {
            return Some(Found { entry, title: titles.join(" > "), is_fallback });
        }
        level = &entry.entries;
    }
}

fn pick<'m>(entries: &'m [Entry], part: &str) -> Option<&'m Entry> {
    match part.parse::<usize>() {
        Ok(index) => entries.get(index),
        Err(_) => entries.iter().find(|entry| entry.id.as_deref() == Some(part) || entry.title == part),
    }
}

/// The parts of a default. A `>` in a title is written twice.
fn split(default: &str) -> Vec<String> {
    default
        .replace(">>", "\u{0}")
        .split('>')
        .map(|part| part.replace('\u{0}', ">").trim().to_owned())
        .collect()
}

/// GRUB's environment block: a line a value, after a head, filled up with `#`.
pub(super) fn environment(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter(|line| !line.starts_with('#')).take(MOST);
    lines
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect()
}

/// The value of a variable in a file of shell assignments; the last one counts.
pub(super) fn setting(text: &str, name: &str) -> Option<String> {
    let lines = text.lines().map(str::trim).filter_map(|line| line.strip_prefix("export ").or(Some(line)));
    let values = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    values.last().and_then(|value| words(value).into_iter().next().or(Some(String::new())))
}

#[cfg(test)]
mod tests;

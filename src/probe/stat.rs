//! `/proc/PID/stat`.

/// Ticks of Linux' clock in a second, on x86-64.
pub(crate) const TICKS: u64 = 100;

/// The name of a process, and the words behind it: its state, its parent, and so on. The name stands in parentheses and may
/// hold anything, parentheses and lines too.
pub(crate) fn split(text: &str) -> Option<(&str, Vec<&str>)> {
    let (front, rest) = text.rsplit_once(')')?;
    let (_, name) = front.split_once('(')?;
    Some((name, rest.split_whitespace().collect()))
}

//! What names a card, a person or a process, taken out of one text.

/// A text without what names a card, a person or a process.
pub(super) fn hidden(text: &str, names: &[&str]) -> String {
    let text = without_processes(&without_builders(&without_uuids(&without_users(text))));
    names.iter().fold(text, |text, name| without_name(&text, name))
}

/// `/data/people/somebody/x` becomes `/data/people/user/x`.
fn without_name(text: &str, name: &str) -> String {
    replace_part(text, name, "user")
}

/// The same text with this part of a path, or parts, replaced wherever it stands whole after a slash.
pub(super) fn replace_part(text: &str, part: &str, by: &str) -> String {
    let wanted = format!("/{part}");
    let mut pieces = text.split(wanted.as_str());
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        out.push('/');
        out.push_str(if piece.starts_with(is_of_a_name) { part } else { by });
        out.push_str(piece);
    }
    out
}

/// Whether it is a name that `hide_users` gave.
fn is_numbered(name: &str) -> bool {
    name.strip_prefix("user")
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

pub(super) fn is_of_a_name(c: char) -> bool {
    c.is_alphanumeric() || "._-".contains(c)
}

/// `/home/somebody/x` becomes `/home/user/x`, wherever it stands in a text.
fn without_users(text: &str) -> String {
    let mut parts = text.split("/home/");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c| !is_of_a_name(c)).unwrap_or(part.len());
        out.push_str("/home/");
        let name = part.get(..end).unwrap_or_default();
        out.push_str(if name.is_empty() || is_numbered(name) { name } else { "user" });
        out.push_str(part.get(end..).unwrap_or_default());
    }
    out
}

/// `GPU-` or `MIG-` and what follows of a UUID becomes `GPU-redacted`, as in `CUDA_VISIBLE_DEVICES`.
fn without_uuids(text: &str) -> String {
    let mut out = text.to_owned();
    for prefix in ["GPU-", "MIG-"] {
        let mut parts = out.split(prefix).map(str::to_owned).collect::<Vec<_>>().into_iter();
        let mut next = parts.next().unwrap_or_default();
        for part in parts {
            let end = part.find(|c: char| !(c.is_ascii_hexdigit() || c == '-')).unwrap_or(part.len());
            let named =
                if end >= 8 { format!("redacted{}", part.get(end..).unwrap_or_default()) } else { part };
            next = format!("{next}{prefix}{named}");
        }
        out = next;
    }
    out
}

/// `(somebody@host)`, as Linux and its modules note who built them, becomes `(user@host)`.
fn without_builders(text: &str) -> String {
    let mut parts = text.split('(');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let named = part.split_once(')').filter(|(inside, _)| inside.contains('@') && !inside.contains(' '));
        match named {
            Some((_, rest)) => out.extend(["(user@host)", rest]),
            None => out.extend(["(", part]),
        }
    }
    out
}

/// What the driver notes of a program that it has trouble with, and the serial number of a card: `pid=1234`,
/// `name=somebody.py`, `the client 'x' (pid 1234)`, `GPU Board Serial Number: 0324018045603`.
fn without_processes(text: &str) -> String {
    if !text.contains("NVRM") && !text.contains("pid=") {
        return text.to_owned();
    }
    let noted: [(&str, &[char]); 5] = [
        ("pid=", &[',', ' ']),
        ("name=", &[',']),
        ("the client '", &['\'']),
        ("(pid ", &[')']),
        ("Serial Number: ", &[' ']),
    ];
    noted.iter().fold(text.to_owned(), |text, (before, ends)| without_what_follows(&text, before, ends))
}

/// Each `before`, with what stands behind it up to one of the ends taken out.
fn without_what_follows(text: &str, before: &str, ends: &[char]) -> String {
    let mut parts = text.split(before);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(ends).unwrap_or(part.len());
        out.extend([before, "redacted", part.get(end..).unwrap_or_default()]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn home_folders_lose_their_names() {
        for (text, kept) in [
            ("/home/kim.s/envs/tf/bin/python", "/home/user/envs/tf/bin/python"),
            ("File \"/home/a-b/x.py\" and /home/c", "File \"/home/user/x.py\" and /home/user"),
            ("/home/", "/home/"),
            ("/usr/bin/python3", "/usr/bin/python3"),
        ] {
            assert_eq!(without_users(text), kept);
        }
    }

    #[test]
    fn a_given_name_is_lost_wherever_a_path_has_it() {
        for (text, kept) in [
            ("/data/people/kim/envs/tf", "/data/people/user/envs/tf"),
            ("File \"/srv/kim\", line 1; /kim: no", "File \"/srv/user\", line 1; /user: no"),
            ("/opt/kimono/kim2/kim.d/a-kim", "/opt/kimono/kim2/kim.d/a-kim"),
            ("kim", "kim"),
        ] {
            assert_eq!(without_name(text, "kim"), kept);
        }
    }

    #[test]
    fn builders_lose_their_names() {
        for (text, kept) in [
            (
                "Linux version 6.1 (kim@lab-7) (gcc (Debian 12.2) 12.2) #1",
                "Linux version 6.1 (user@host) (gcc (Debian 12.2) 12.2) #1",
            ),
            ("515.43.04  Release Build  (root@x)  Tue", "515.43.04  Release Build  (user@host)  Tue"),
            ("(no name) (a b@c) (", "(no name) (a b@c) ("),
        ] {
            assert_eq!(without_builders(text), kept);
        }
    }

    #[test]
    fn programs_and_serial_numbers_are_lost_in_the_drivers_lines() {
        for (text, kept) in [
            (
                "NVRM: Xid (PCI:0000:b3:00): 31, pid=1234, name=kim.py, Ch 00000008",
                "NVRM: Xid (PCI:0000:b3:00): 31, pid=redacted, name=redacted, Ch 00000008",
            ),
            ("pid='<unknown>', name=<unknown>, MMU Fault", "pid=redacted, name=redacted, MMU Fault"),
            (
                "NVRM: API mismatch: the client 'kims-tool' (pid 4711)",
                "NVRM: API mismatch: the client 'redacted' (pid redacted)",
            ),
            ("NVRM: GPU Board Serial Number: 0324018045603", "NVRM: GPU Board Serial Number: redacted"),
            ("name=x", "name=x"),
        ] {
            assert_eq!(without_processes(text), kept);
        }
    }

    #[test]
    fn uuids_lose_their_digits() {
        assert_eq!(without_uuids("GPU-5a8e9c7d-1111-2222-3333-444455556666,1"), "GPU-redacted,1");
        assert_eq!(without_uuids("/device:GPU:0 on GPU-redacted-0"), "/device:GPU:0 on GPU-redacted-0");
        assert_eq!(without_uuids("MIG-GPU-5a8e9c7d-1111-2222-3333-444455556666/1/0"), "MIG-GPU-redacted/1/0");
    }
}

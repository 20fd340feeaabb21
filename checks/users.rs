//! The human users of a machine, as the checks about them need them.

use crate::{
    Finding, Subject, Verdict,
    fact::{Access, DeviceNode, Facts, HumanUser, Users},
    judge::{self, quoted},
    jupyter,
};

/// The driver's device nodes that a CUDA program opens.
fn is_needed(path: &str) -> bool {
    let numbered = |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit());
    path == "/dev/nvidiactl"
        || path == "/dev/nvidia-uvm"
        || path.strip_prefix("/dev/nvidia").is_some_and(numbered)
}

/// The nodes that a user needs and was seen with.
pub(crate) fn nodes(user: &HumanUser) -> Vec<&DeviceNode> {
    let look = user.look.seen();
    look.into_iter().flat_map(|look| &look.nodes).filter(|node| is_needed(&node.path)).collect()
}

/// The users who may not open a node that they need, with those nodes.
pub(crate) fn shut_out(users: &Users) -> Vec<(&HumanUser, Vec<&DeviceNode>)> {
    let denied = |user| -> Vec<&DeviceNode> {
        nodes(user).into_iter().filter(|node| node.access == Access::Denied).collect()
    };
    let users = users.humans.iter().map(|user| (user, denied(user)));
    users.filter(|(_, nodes)| !nodes.is_empty()).collect()
}

/// That these users are shut out, and how they come in; none where nobody is.
pub(crate) fn shut_out_finding(users: &Users, verdict: Verdict) -> Option<Finding> {
    let shut_out = shut_out(users);
    let (_, nodes) = shut_out.first()?;
    let node = nodes.first()?;
    let names = list(shut_out.iter().map(|(user, _)| user.name.as_str()));
    let finding = Finding::new(Subject::Host, verdict, format!("{names} may not open {}", node.path))
        .with("users", names)
        .with("node", node.path.clone());
    let finding = nodes.iter().fold(finding, |finding, node| finding.because(judge::permissions(node)));
    // Nobody should join the group of root.
    if node.mode & 0o060 != 0o060 || node.gid == 0 {
        return Some(finding.variant("owner_only").run(
            "echo 'options nvidia NVreg_DeviceFileMode=0666' | sudo tee /etc/modprobe.d/nvidia-nodes.conf",
        ));
    }
    Some(shut_out.iter().fold(finding, |finding, (user, _)| {
        let user = quoted(&user.name);
        finding.run(format!("sudo usermod -aG \"$(stat -c %G {})\" {user}", node.path))
    }))
}

/// The user whose Python or kernel this is, where it is not everybody's.
pub(crate) fn user_of<'a>(facts: &'a Facts, subject: &Subject) -> Option<&'a str> {
    match subject {
        Subject::Host | Subject::Gpu(_) => None,
        Subject::Python(_) => facts.pythons().find(|python| python.subject() == *subject)?.user.as_deref(),
        Subject::Notebook(_) => jupyter::kernel_of(facts, subject)?.user.as_deref(),
    }
}

/// A command to be run as a user: root's files in a user's environment would keep the user from it.
pub(crate) fn run_as(user: &str, command: &str) -> String {
    if command.starts_with("sudo ") {
        return command.to_owned();
    }
    let user = quoted(user);
    if command.contains(['&', '|', '>', ';', '$', '~', '`']) {
        format!("sudo -u {user} -H sh -c {}", quoted(command))
    } else {
        format!("sudo -u {user} -H {command}")
    }
}

/// Names, the first of them where there are many.
pub(crate) fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const MOST: usize = 5;
    let names: Vec<&str> = names.collect();
    let first = names.iter().take(MOST).copied().collect::<Vec<_>>().join(", ");
    if names.len() > MOST { format!("{first} and {} more", names.len() - MOST) } else { first }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_s_environment_is_mended_as_that_user() {
        for (command, expected) in [
            ("/home/bob/env/bin/python -m pip list", "sudo -u bob -H /home/bob/env/bin/python -m pip list"),
            ("a && b 'c'", r"sudo -u bob -H sh -c 'a && b '\''c'\'''"),
            ("sudo apt install x", "sudo apt install x"),
        ] {
            assert_eq!(run_as("bob", command), expected);
        }
    }

    #[test]
    fn many_names_are_counted() {
        assert_eq!(list(["a", "b"].into_iter()), "a, b");
        assert_eq!(list(["a", "b", "c", "d", "e", "f", "g"].into_iter()), "a, b, c, d, e and 2 more");
    }
}

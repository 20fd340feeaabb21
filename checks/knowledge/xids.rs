//! Xids: the numbers by which the driver tells the kernel log what went wrong.

use super::{Knowledge, Sourced, rows, twice, unsourced};
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    xid: Vec<Sourced<Xid>>,
    action: Vec<Sourced<Action>>,
}

/// What NVIDIA's catalogue says is to be done, by its name there.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Action {
    name: String,
    words: String,
}

/// What an Xid means.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Xid {
    /// Its number.
    pub number: u32,
    /// Whose trouble it tells of.
    pub class: XidClass,
    /// NVIDIA's name for it.
    pub mnemonic: String,
    /// NVIDIA's description.
    pub description: String,
    /// The immediate action that NVIDIA's catalogue names.
    pub action: Option<String>,
}

/// Whose trouble an Xid tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum XidClass {
    /// A program's own fault: the card is fine.
    Program,
    /// The card or its driver: a reset or a replacement.
    Hardware,
    /// Guest and host of a virtual GPU.
    Vgpu,
    /// Nobody's.
    Information,
    /// Not told by the number alone.
    Other,
}

impl Knowledge {
    /// What this Xid means; none where the table does not know it.
    pub fn xid(&self, number: u32) -> Option<&Xid> {
        rows(&self.xids.xid).find(|xid| xid.number == number)
    }

    /// An action of NVIDIA's catalogue in words.
    pub fn action_on_xid(&self, name: &str) -> Option<&str> {
        rows(&self.xids.action).find(|action| action.name == name).map(|action| action.words.as_str())
    }
}

impl Table {
    pub(super) fn contradiction(&self) -> Option<String> {
        let is_known = |name: &str| rows(&self.action).any(|action| action.name == name);
        unsourced(&self.xid)
            .or_else(|| unsourced(&self.action))
            .or_else(|| {
                let number = twice(rows(&self.xid).map(|xid| xid.number))?;
                Some(format!("Xid {number} stands twice"))
            })
            .or_else(|| {
                let name = twice(rows(&self.action).map(|action| action.name.as_str()))?;
                Some(format!("action {name} stands twice"))
            })
            .or_else(|| {
                let actions = rows(&self.xid).filter_map(|xid| Some((xid.number, xid.action.as_deref()?)));
                let (number, name) = actions.into_iter().find(|(_, name)| !is_known(name))?;
                Some(format!("Xid {number}: no words for the action {name}"))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_programs_own_fault_is_no_broken_card() {
        let knowledge = Knowledge::built_in().unwrap();
        let class = |number| knowledge.xid(number).map(|xid| xid.class);
        for number in [13, 31, 43] {
            assert_eq!(class(number), Some(XidClass::Program));
        }
        assert_eq!(class(79), Some(XidClass::Hardware));
        assert_eq!(class(78), Some(XidClass::Vgpu));
        assert_eq!(class(9999), None);
    }
}

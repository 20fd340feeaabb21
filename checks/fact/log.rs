//! The kernel log of this boot, as far as it speaks of GPUs and their driver.

use super::PciAddress;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many lines of the driver's, at most, one message goes over: `NVRM:` begins each of them.
const LINES_OF_A_MESSAGE: usize = 8;

/// How another message of the driver's begins, behind its `NVRM:`.
const BEGINNINGS: [&str; 6] = [" GPU ", " The NVIDIA ", " This PCI ", " Xid ", " No NVIDIA ", " None of "];

/// What the kernel said of GPUs and their driver since it booted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KernelLog {
    /// Where it was read: `/dev/kmsg`, or a file.
    pub source: String,
    /// It was read from the first line of this boot on; false where the first lines are overwritten or rotated away.
    pub whole_boot: bool,
    /// The lines that matter, oldest first, without their time stamps.
    pub lines: Vec<String>,
    /// How many of them were left out in the middle, where there are very many.
    #[serde(default)]
    pub left_out: usize,
    /// The driver's numbered errors, in the order in which they first came; each number of a GPU once.
    #[serde(default)]
    pub xids: Vec<Xid>,
}

/// A numbered error of the driver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Xid {
    /// The GPU.
    pub pci: PciAddress,
    /// Its number in NVIDIA's catalogue.
    pub number: u32,
    /// What the driver says after the number, when it came last.
    pub text: String,
    /// How often it came.
    pub count: u32,
}

impl KernelLog {
    /// The lines that hold a text.
    pub fn with<'a>(&'a self, text: &'a str) -> impl Iterator<Item = &'a str> {
        self.lines.iter().map(String::as_str).filter(move |line| line.contains(text))
    }

    /// Whether a line holds a text.
    pub fn says(&self, text: &str) -> bool {
        self.with(text).next().is_some()
    }

    /// The driver's messages that begin in a line with this text. The driver breaks its messages into lines that each
    /// begin with `NVRM:`; here they are one.
    pub fn messages<'a>(&'a self, text: &'a str) -> impl Iterator<Item = String> + 'a {
        let begins = self.lines.iter().enumerate().filter(move |(_, line)| line.contains(text));
        begins.map(|(index, _)| {
            let mut lines = self.lines.iter().skip(index).take(LINES_OF_A_MESSAGE);
            let first = lines.next().and_then(|line| line.strip_prefix("NVRM:")).into_iter();
            let is_next = |line: &&str| BEGINNINGS.iter().any(|beginning| line.starts_with(beginning));
            let rest = lines.map_while(|line| line.strip_prefix("NVRM:").filter(|line| !is_next(line)));
            first.chain(rest).map(str::trim).collect::<Vec<_>>().join(" ")
        })
    }

    /// The errors of this number.
    pub fn xids(&self, number: u32) -> impl Iterator<Item = &Xid> {
        self.xids.iter().filter(move |xid| xid.number == number)
    }
}

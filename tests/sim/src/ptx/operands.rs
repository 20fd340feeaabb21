//! Names of PTX into values: types, registers, numbers, addresses.

use super::{
    Given, Kind, Place, Refusal, Register, Type,
    lines::{invalid, split},
};
use std::collections::BTreeMap;

/// A type's name, without its dot.
pub(super) fn kind(name: &str) -> Option<Type> {
    if name == "pred" {
        return Some(Type::PREDICATE);
    }
    let (letter, bits) = name.split_at_checked(1)?;
    let width = bits.parse::<usize>().ok().filter(|bits| matches!(bits, 8 | 16 | 32 | 64))? / 8;
    let kind = match letter {
        "b" | "u" => Kind::Unsigned,
        "s" => Kind::Signed,
        "f" if width >= 4 => Kind::Float,
        _ => return None,
    };
    Some(Type { kind, width })
}

/// The names in an entry.
#[derive(Default)]
pub(super) struct Names {
    registers: BTreeMap<String, Register>,
    /// Offsets of the arguments.
    pub(super) parameters: BTreeMap<String, usize>,
    /// Registers for numbers and places, so that every operand is a register.
    pub(super) given: Vec<(Register, Given)>,
    /// Addresses of shared variables.
    shared: BTreeMap<String, usize>,
    /// Bytes that they have.
    pub(super) shared_size: usize,
    /// Registers of both kinds.
    pub(super) count: usize,
}

/// Shared memory that a kernel may declare, as ptxas has it.
const MOST_SHARED: usize = 48 << 10;

impl Names {
    /// Reads `.reg .b32 %r<6>` or `.reg .b32 one, other`.
    pub(super) fn declare(&mut self, declaration: &str) -> Result<(), Refusal> {
        let Some((of, names)) = declaration.trim().split_once(char::is_whitespace) else {
            return invalid(format!(".reg {declaration}"));
        };
        if of.strip_prefix('.').and_then(kind).is_none() {
            return invalid(format!("registers of type {of}"));
        }
        for name in split(names) {
            match name.strip_suffix('>').and_then(|name| name.split_once('<')) {
                Some((stem, count)) => {
                    let Some(count) = count.parse().ok().filter(|count| *count < 1 << 16) else {
                        return invalid(format!("{name} registers"));
                    };
                    (0..count).for_each(|number: u32| self.add(format!("{stem}{number}")));
                }
                None => self.add(name),
            }
        }
        Ok(())
    }

    fn add(&mut self, name: String) {
        let number = self.count;
        self.registers.entry(name).or_insert(number);
        self.count += 1;
    }

    /// Reads `.shared .align 4 .b8 name[4096]`.
    pub(super) fn share(&mut self, declaration: &str) -> Result<(), Refusal> {
        let refused = || Refusal::Invalid(format!("not known: .shared {declaration}"));
        let mut words = declaration.split_whitespace();
        let mut word = words.next();
        let mut align = None;
        if word == Some(".align") {
            align = Some(words.next().and_then(|number| number.parse::<usize>().ok()).ok_or_else(refused)?);
            word = words.next();
        }
        let of = word.and_then(|of| kind(of.strip_prefix('.')?)).ok_or_else(refused)?;
        let align = align.unwrap_or(of.width);
        if !align.is_power_of_two() || align > 128 {
            return Err(refused());
        }
        let rest: String = words.collect();
        let (name, sizes) = rest.split_once('[').map_or((rest.as_str(), ""), |(name, sizes)| (name, sizes));
        let mut size = of.width;
        for number in sizes.split_inclusive(']').map(|size| size.trim_start_matches('[')) {
            let number = number.strip_suffix(']').and_then(|number| number.parse::<usize>().ok());
            size = number.and_then(|number| size.checked_mul(number)).ok_or_else(refused)?;
        }
        let start = self.shared_size.next_multiple_of(align);
        let end = start.checked_add(size).filter(|end| *end <= MOST_SHARED);
        self.shared_size = end.ok_or_else(|| Refusal::Invalid(format!("too much shared data, {name}")))?;
        if name.is_empty() || self.shared.insert(name.to_owned(), start).is_some() {
            return Err(refused());
        }
        Ok(())
    }

    /// A register.
    pub(super) fn register(&self, name: &str) -> Result<Register, Refusal> {
        let found = self.registers.get(name.trim()).copied();
        found.ok_or_else(|| Refusal::Invalid(format!("no register {name}")))
    }

    /// One register, or several in braces.
    pub(super) fn registers(&self, text: &str) -> Result<Vec<Register>, Refusal> {
        several(text).iter().map(|name| self.register(name)).collect()
    }

    /// One operand, or several in braces.
    pub(super) fn operands(&mut self, text: &str, of: Type) -> Result<Vec<Register>, Refusal> {
        several(text).iter().map(|name| self.operand(name, of)).collect()
    }

    /// A register, a number of this type, the address of a variable, or a place in the grid.
    pub(super) fn operand(&mut self, text: &str, of: Type) -> Result<Register, Refusal> {
        let address = || self.shared.get(text).map(|address| *address as u64);
        let number = number(text, of).or_else(address).map(Given::Number);
        match place(text).or(number) {
            Some(given) => Ok(self.give(given)),
            None => self.register(text),
        }
    }

    /// The register that holds this from the beginning.
    fn give(&mut self, what: Given) -> Register {
        if let Some((register, _)) = self.given.iter().find(|(_, given)| *given == what) {
            return *register;
        }
        let register = self.count;
        self.count += 1;
        self.given.push((register, what));
        register
    }

    /// What stands in brackets: a name or a number, and what is added.
    pub(super) fn address(text: &str) -> Result<(&str, i64), Refusal> {
        let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).map(str::trim);
        let Some(inner) = inner else { return invalid(format!("{text} is no address")) };
        let Some((base, offset)) = inner.split_once('+') else { return Ok((inner, 0)) };
        match offset.trim().parse() {
            Ok(offset) => Ok((base.trim(), offset)),
            Err(_) => invalid(format!("{text} is no address")),
        }
    }
}

fn several(text: &str) -> Vec<String> {
    match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
        Some(list) => split(list),
        None => vec![text.to_owned()],
    }
}

fn place(text: &str) -> Option<Given> {
    let (name, dimension) = text.strip_prefix('%')?.split_once('.')?;
    let place = match name {
        "tid" => Place::Thread,
        "ntid" => Place::Threads,
        "ctaid" => Place::Block,
        "nctaid" => Place::Blocks,
        _ => return None,
    };
    Some(Given::Place(place, ["x", "y", "z"].iter().position(|one| *one == dimension)?))
}

/// A number as PTX writes it: decimal, `0x`, and the bits of a float as `0f` or of a double as `0d`.
fn number(text: &str, of: Type) -> Option<u64> {
    let hexadecimal = |digits| u64::from_str_radix(digits, 16).ok();
    if let Some(bits) = text.strip_prefix("0f").or_else(|| text.strip_prefix("0F")) {
        let bits = hexadecimal(bits)?;
        let single = f32::from_bits(u32::try_from(bits).ok()?);
        return Some(if of.width == 8 { f64::from(single).to_bits() } else { bits });
    }
    if let Some(bits) = text.strip_prefix("0d").or_else(|| text.strip_prefix("0D")) {
        return hexadecimal(bits).filter(|_| of.width == 8);
    }
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let digits = digits.strip_suffix('U').unwrap_or(digits);
    let value = match digits.strip_prefix("0x") {
        Some(digits) => hexadecimal(digits)?,
        None => digits.parse().ok()?,
    };
    Some(of.cut(if negative { value.wrapping_neg() } else { value }))
}

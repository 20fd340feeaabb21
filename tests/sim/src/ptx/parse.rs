//! A text into instructions.

use super::{
    Access, Binary, Comparison, Compute, Entry, Instruction, Kind, Operation, Product, Program, Refusal,
    Register, Rounding, Space, Takes, Type, Unary,
    lines::{self, EntryText, invalid},
    loops,
    operands::{Names, kind},
};
use std::collections::BTreeMap;

pub(super) fn program(text: &str, takes: Takes) -> Result<Program, Refusal> {
    let text = lines::without_comments(text);
    check_version(lines::directive(&text, ".version")?, takes)?;
    check_target(lines::directive(&text, ".target")?, takes)?;
    if lines::directive(&text, ".address_size")? != "64" {
        return invalid("addresses of another size than 64");
    }
    let entries = lines::entries(&text)?;
    Ok(Program { entries: entries.iter().map(entry).collect::<Result<_, _>>()? })
}

fn check_version(version: &str, takes: Takes) -> Result<(), Refusal> {
    let numbers =
        version.split_once('.').and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    match numbers {
        None => invalid(format!(".version {version}")),
        Some(numbers) if numbers > takes.version => Err(Refusal::TooNew(format!(
            "Unsupported .version {version}; current version is '{}.{}'",
            takes.version.0, takes.version.1
        ))),
        Some(_) => Ok(()),
    }
}

/// `.target` may be older than the device, not newer. One that ends in a letter is for that device alone.
fn check_target(target: &str, takes: Takes) -> Result<(), Refusal> {
    let target = target.split(',').next().unwrap_or(target).trim();
    let number = target.strip_prefix("sm_").unwrap_or(target);
    let digits = number.trim_end_matches(|letter: char| letter.is_ascii_lowercase());
    let device = takes.capability.0 * 10 + takes.capability.1;
    match digits.parse::<i32>() {
        Ok(of) if of == device || of < device && digits == number => Ok(()),
        Ok(_) => invalid(format!(".target {target} is higher than the device's sm_{device}")),
        Err(_) => invalid(format!(".target {target}")),
    }
}

fn entry(text: &EntryText<'_>) -> Result<Entry, Refusal> {
    let mut names = Names::default();
    let parameters = parameters(text.parameters, &mut names)?;
    let (mut code, mut labels) = (Vec::new(), BTreeMap::new());
    let mut branches = Vec::new();
    for (here, statement) in lines::statements(text.body) {
        labels.extend(here.into_iter().map(|label| (label, code.len())));
        if let Some(declaration) = statement.strip_prefix(".reg") {
            names.declare(declaration)?;
        } else if let Some(declaration) = statement.strip_prefix(".shared") {
            names.share(declaration)?;
        } else if !statement.is_empty() && !statement.starts_with(".pragma") && !statement.starts_with(".loc")
        {
            let (instruction, target) = instruction(statement, &mut names)?;
            branches.extend(target.map(|target| (code.len(), target)));
            code.push(instruction);
        }
    }
    for (at, label) in branches {
        let (Some(target), Some(instruction)) = (labels.get(label), code.get_mut(at)) else {
            return invalid(format!("no label {label}"));
        };
        instruction.operation = Operation::Branch(*target);
    }
    let Names { count: registers, given, shared_size: shared, .. } = names;
    let loops = loops::find(&code);
    Ok(Entry { name: text.name.to_owned(), parameters, code, registers, given, shared, loops })
}

/// Arguments lie one after the other, each at a multiple of its size.
fn parameters(text: &str, names: &mut Names) -> Result<Vec<(usize, usize)>, Refusal> {
    let mut end: usize = 0;
    let mut parameters = Vec::new();
    for parameter in lines::split(text) {
        let words: Vec<_> = parameter.split_whitespace().collect();
        let [".param", of, .., name] = words.as_slice() else { return invalid(parameter) };
        let Some(of) = of.strip_prefix('.').and_then(kind).filter(|_| words.len() == 3) else {
            return invalid(format!("not known: {parameter}"));
        };
        let offset = end.next_multiple_of(of.width);
        end = offset + of.width;
        names.parameters.insert((*name).to_owned(), offset);
        parameters.push((offset, of.width));
    }
    Ok(parameters)
}

/// An instruction, and the label that it jumps to.
fn instruction<'a>(statement: &'a str, names: &mut Names) -> Result<(Instruction, Option<&'a str>), Refusal> {
    let (guard, statement) = match statement.strip_prefix('@') {
        None => (None, statement),
        Some(guarded) => {
            let Some((predicate, rest)) = guarded.split_once(char::is_whitespace) else {
                return invalid(statement);
            };
            let (wanted, name) = predicate.strip_prefix('!').map_or((true, predicate), |name| (false, name));
            (Some((names.register(name)?, wanted)), rest.trim())
        }
    };
    let (opcode, operands) = statement.split_once(char::is_whitespace).unwrap_or((statement, ""));
    let parts: Vec<_> = opcode.split('.').collect();
    if parts.first() == Some(&"bra") {
        return Ok((Instruction { guard, operation: Operation::Return }, Some(operands.trim())));
    }
    let operands = lines::split(operands);
    let operands: Vec<_> = operands.iter().map(String::as_str).collect();
    let operation = operation(&parts, &operands, names)?;
    let Some(operation) = operation else { return invalid(format!("not known: {statement}")) };
    Ok((Instruction { guard, operation }, None))
}

/// An operation by the parts of its opcode; none where it is not known.
fn operation(parts: &[&str], operands: &[&str], names: &mut Names) -> Result<Option<Operation>, Refusal> {
    let Some((name, modifiers)) = parts.split_first() else { return Ok(None) };
    if matches!(*name, "ret" | "exit") && operands.is_empty() {
        return Ok(Some(Operation::Return));
    }
    if parts == ["bar", "sync"] && operands == ["0"] {
        return Ok(Some(Operation::Barrier));
    }
    let Some((of, modifiers)) = modifiers.split_last() else { return Ok(None) };
    let Some(of) = kind(of) else { return Ok(None) };
    match (*name, modifiers) {
        ("ld", ["param", rest @ ..]) => load_parameter(of, rest, operands, names),
        ("ld" | "ldu" | "st", modifiers) => access(*name == "st", of, modifiers, operands, names),
        ("atom" | "red", modifiers) => atomic(*name == "atom", of, modifiers, operands, names),
        ("cvt", modifiers) => convert(of, modifiers, operands, names),
        ("cvta", ["to", "global"] | ["global"]) => unary(Unary::Move, of, false, operands, names),
        ("setp", [kind]) => compare(kind, of, operands, names),
        ("selp", []) => {
            let [to, a, b, by] = operands else { return Ok(None) };
            let from = [names.operand(a, of)?, names.operand(b, of)?, names.operand(by, Type::PREDICATE)?];
            computed(Compute::Select, to, from, names)
        }
        (name, modifiers) => arithmetic(name, of, modifiers, operands, names),
    }
}

type Parsed = Result<Option<Operation>, Refusal>;

/// Computes, and puts the result into the register of this name.
fn computed(what: Compute, to: &str, from: [Register; 3], names: &Names) -> Parsed {
    Ok(Some(Operation::Compute { what, to: names.register(to)?, from }))
}

/// The memory that modifiers begin with, and the rest of them.
fn space<'a, 'b>(modifiers: &'a [&'b str]) -> (Space, &'a [&'b str]) {
    match modifiers {
        ["shared", rest @ ..] => (Space::Shared, rest),
        ["global", rest @ ..] | rest => (Space::Global, rest),
    }
}

/// What stands in brackets, as memory of this type.
fn place(space: Space, of: Type, text: &str, names: &mut Names) -> Result<Access, Refusal> {
    let (base, offset) = Names::address(text)?;
    Ok(Access { space, of, base: names.operand(base, Type::ADDRESS)?, offset })
}

/// How many values a vector instruction moves.
fn lanes(modifiers: &[&str]) -> Option<usize> {
    match modifiers {
        [] | ["nc" | "volatile" | "ca" | "cg" | "cs" | "cv" | "lu" | "wb" | "wt"] => Some(1),
        ["v2"] | ["nc", "v2"] => Some(2),
        ["v4"] | ["nc", "v4"] => Some(4),
        _ => None,
    }
}

fn load_parameter(of: Type, modifiers: &[&str], operands: &[&str], names: &mut Names) -> Parsed {
    let (Some(lanes), [to, from]) = (lanes(modifiers), operands) else { return Ok(None) };
    let (name, offset) = Names::address(from)?;
    let Some(base) = names.parameters.get(name) else { return invalid(format!("no argument {name}")) };
    let Ok(offset) = usize::try_from(offset) else {
        return invalid(format!("{from} is before the argument"));
    };
    let to = names.registers(to)?;
    Ok((to.len() == lanes).then_some(Operation::Parameter { to, of, offset: base + offset }))
}

fn access(store: bool, of: Type, modifiers: &[&str], operands: &[&str], names: &mut Names) -> Parsed {
    let (space, modifiers) = space(modifiers);
    let (Some(lanes), [one, other]) = (lanes(modifiers), operands) else { return Ok(None) };
    let (value, address) = if store { (other, one) } else { (one, other) };
    let at = place(space, of, address, names)?;
    if store {
        let from = names.operands(value, of)?;
        return Ok((from.len() == lanes).then_some(Operation::Store { from, at }));
    }
    let to = names.registers(value)?;
    Ok((to.len() == lanes).then_some(Operation::Load { to, at }))
}

fn atomic(tells: bool, of: Type, modifiers: &[&str], operands: &[&str], names: &mut Names) -> Parsed {
    let (space, [name]) = space(modifiers) else { return Ok(None) };
    let kind = match *name {
        "add" => Binary::Add,
        "min" => Binary::Least,
        "max" => Binary::Greatest,
        "and" => Binary::And,
        "or" => Binary::Or,
        "xor" => Binary::Xor,
        "exch" => Binary::Exchange,
        _ => return Ok(None),
    };
    let (to, address, a) = match (tells, operands) {
        (true, [to, address, a]) => (Some(names.register(to)?), address, a),
        (false, [address, a]) => (None, address, a),
        _ => return Ok(None),
    };
    let at = place(space, of, address, names)?;
    Ok(Some(Operation::Atomic { kind, to, at, a: names.operand(a, of)? }))
}

fn convert(from: Type, modifiers: &[&str], operands: &[&str], names: &mut Names) -> Parsed {
    let ([to, a], Some((into, modifiers))) = (operands, modifiers.split_last()) else { return Ok(None) };
    let rounding = match modifiers {
        [] | ["rn" | "rni"] => Rounding::Nearest,
        ["rzi"] => Rounding::Zero,
        ["rmi"] => Rounding::Down,
        ["rpi"] => Rounding::Up,
        _ => return Ok(None),
    };
    let Some(into) = kind(into) else { return Ok(None) };
    let a = names.operand(a, from)?;
    computed(Compute::Convert { into, from, rounding }, to, [a; 3], names)
}

fn compare(name: &str, of: Type, operands: &[&str], names: &mut Names) -> Parsed {
    let kind = match name {
        "eq" => Comparison::Equal,
        "ne" => Comparison::Unequal,
        "lt" | "lo" => Comparison::Less,
        "le" | "ls" => Comparison::LessOrEqual,
        "gt" | "hi" => Comparison::Greater,
        "ge" | "hs" => Comparison::GreaterOrEqual,
        _ => return Ok(None),
    };
    let [to, a, b] = operands else { return Ok(None) };
    let (a, b) = (names.operand(a, of)?, names.operand(b, of)?);
    computed(Compute::Compare { kind, of }, to, [a, b, b], names)
}

fn unary(kind: Unary, of: Type, flush: bool, operands: &[&str], names: &mut Names) -> Parsed {
    let [to, a] = operands else { return Ok(None) };
    let a = names.operand(a, of)?;
    computed(Compute::Unary { kind, of, flush }, to, [a; 3], names)
}

/// What computes. Rounding other than to nearest, and saturation, are not known.
fn arithmetic(name: &str, of: Type, modifiers: &[&str], operands: &[&str], names: &mut Names) -> Parsed {
    let float = of.kind == Kind::Float;
    let flush = float && modifiers.contains(&"ftz");
    let plain = modifiers.iter().all(|modifier| float && matches!(*modifier, "rn" | "ftz"));
    let product = match modifiers {
        ["lo"] => Some(Product::Low),
        ["hi"] => Some(Product::High),
        ["wide"] if of.width < 8 => Some(Product::Wide),
        _ if plain && float => Some(Product::Low),
        _ => None,
    };
    let one = match name {
        "mov" => Some(Unary::Move),
        "not" => Some(Unary::Not),
        "neg" => Some(Unary::Negate),
        "abs" => Some(Unary::Absolute),
        "popc" => Some(Unary::Ones),
        "clz" => Some(Unary::LeadingZeros),
        _ => None,
    };
    if let Some(kind) = one {
        return if plain { unary(kind, of, flush, operands, names) } else { Ok(None) };
    }
    if let ("mad" | "fma", Some(kind), [to, a, b, c]) = (name, product, operands) {
        let wide = if kind == Product::Wide { Type { width: 2 * of.width, ..of } } else { of };
        let from = [names.operand(a, of)?, names.operand(b, of)?, names.operand(c, wide)?];
        return computed(Compute::Fused { kind, of, flush }, to, from, names);
    }
    let kind = match (name, product) {
        ("mul", Some(product)) => Binary::Product(product),
        _ if !plain => return Ok(None),
        ("add", _) => Binary::Add,
        ("sub", _) => Binary::Subtract,
        ("div", _) => Binary::Divide,
        ("rem", _) if !float => Binary::Remainder,
        ("min", _) => Binary::Least,
        ("max", _) => Binary::Greatest,
        ("and", _) => Binary::And,
        ("or", _) => Binary::Or,
        ("xor", _) => Binary::Xor,
        ("shl", _) => Binary::ShiftLeft,
        ("shr", _) => Binary::ShiftRight,
        _ => return Ok(None),
    };
    let [to, a, b] = operands else { return Ok(None) };
    // PTX shifts by 32 bits whatever it shifts.
    let shift = matches!(kind, Binary::ShiftLeft | Binary::ShiftRight);
    let by = if shift { Type { kind: Kind::Unsigned, width: 4 } } else { of };
    let (a, b) = (names.operand(a, of)?, names.operand(b, by)?);
    computed(Compute::Binary { kind, of, flush }, to, [a, b, b], names)
}

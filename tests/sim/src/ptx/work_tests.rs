//! The kernels that gpucheck ships for its work, against what their source says in plain words; and what threads of a
//! block do together.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "patterns are of the lower half of an index, and the numbers are small"
)]

use super::{
    tests::{Memory, TAKES, text},
    *,
};

const WORK: &str = include_str!("../../../../checks/kernels/work.ptx");
/// Where the tests' memory begins.
const BASE: u64 = 0x100;

fn run(name: &str, dimensions: Dimensions, arguments: &[&[u8]], memory: &mut Memory) -> Result<Work, u32> {
    let program = Program::compile(WORK, TAKES).unwrap();
    let entry = program.entries.iter().find(|entry| entry.name == name).unwrap();
    let mut bytes = Vec::new();
    for ((offset, size), argument) in entry.parameters.iter().zip(arguments) {
        assert_eq!(*size, argument.len());
        bytes.resize(*offset, 0);
        bytes.extend_from_slice(argument);
    }
    entry.run(dimensions, &bytes, memory)
}

fn line(blocks: u32, threads: u32) -> Dimensions {
    Dimensions { blocks: [blocks, 1, 1], threads: [threads, 1, 1] }
}

/// Numbers without a pattern that a wrong index could keep.
fn numbers(count: usize) -> Vec<u32> {
    let mut state = 0x2545_f491_u32;
    let next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// Multiplies two matrices of this size that lie one behind the other, and gives the product.
fn multiply(name: &str, size: u32, factors: &[u32]) -> Vec<u32> {
    let elements = u64::from(size) * u64::from(size);
    let mut memory = Memory::of(factors);
    memory.0.resize(3 * elements as usize * 4, 0);
    let [a, b, product] = [0, 1, 2].map(|i| (BASE + i * elements * 4).to_le_bytes());
    let tiles = Dimensions { blocks: [size / 64, size / 64, 1], threads: [16, 16, 1] };
    let work = run(name, tiles, &[&a, &b, &product, &size.to_le_bytes()], &mut memory).unwrap();
    assert!(work.operations > 2 * elements * u64::from(size));
    // Each block reads two strips, a tile high and wide; a cache that holds all of it reads it once.
    let [touched] = work.pieces[..] else { panic!("{:?}", work.pieces) };
    assert_eq!(touched.bytes, elements * 4 * (2 * u64::from(size) / 64 + 1));
    assert_eq!([touched.traffic(1 << 24), touched.traffic(1 << 10)], [elements * 12, touched.bytes]);
    memory.words().split_off(2 * elements as usize)
}

#[test]
fn products_are_those_of_a_plain_loop() {
    let size = 128;
    let factors = numbers(2 * size * size);
    let (a, b) = factors.split_at(size * size);
    let product = multiply("gpucheck_multiply_integers", size as u32, &factors);
    let floats: Vec<_> = factors.iter().map(|one| ((one % 64) as f32).to_bits()).collect();
    let (c, d) = floats.split_at(size * size);
    let float_product = multiply("gpucheck_multiply_floats", size as u32, &floats);
    for (row, column) in [(0, 0), (1, 0), (0, 1), (63, 64), (64, 63), (77, 31), (127, 127)] {
        let pairs = |a: &[u32], b: &[u32]| -> Vec<_> {
            (0..size).map(|k| (a[row * size + k], b[k * size + column])).collect()
        };
        let sum = pairs(a, b).iter().fold(0_u32, |sum, (a, b)| sum.wrapping_add(a.wrapping_mul(*b)));
        assert_eq!(product[row * size + column], sum, "{row} {column}");
        let sum: f32 = pairs(c, d).iter().map(|(a, b)| f32::from_bits(*a) * f32::from_bits(*b)).sum();
        assert_eq!(float_product[row * size + column], sum.to_bits(), "{row} {column}");
    }
}

/// What work.cu says that a word is.
fn pattern(name: &str, word: u64, seed: u32) -> u32 {
    let (low, high, lane) = (word as u32, (word >> 32) as u32, word as u32 % 4);
    match name {
        "address" => (((low & !3) ^ high.wrapping_mul(0x9e37_79b9)).wrapping_add(lane)) ^ seed,
        "scattered" => {
            let x = ((word >> 2) as u32 ^ seed).wrapping_mul(0x9e37_79b1);
            let x = (x ^ x >> 15).wrapping_mul(0x85eb_ca77);
            let y = x ^ x >> 13;
            [y, !y ^ x, x.wrapping_add(0xc2b2_ae3d), y << 9 ^ x][lane as usize]
        }
        _ => 1 << (low.wrapping_add(seed) & 31) ^ if seed >> 31 == 1 { u32::MAX } else { 0 },
    }
}

#[test]
fn patterns_are_written_and_what_differs_is_told() {
    for (name, first, seed) in [
        ("address", 0_u64, 0_u32),
        ("address", 0x3_0000_0004, 0xffff_ffff),
        ("scattered", 0x3_0000_0004, 0x1234_5678),
        ("walking", 8, 5),
        ("walking", 8, 0x8000_0003),
    ] {
        // As many as make several rounds of some threads and none of others, and behind them a report of two entries.
        let quads = 1000_u64;
        let mut memory = Memory::of(&vec![0; 4000 + 12]);
        let [at, count, from] = [BASE, quads, first].map(u64::to_le_bytes);
        let seeded = seed.to_le_bytes();
        let write = format!("gpucheck_write_{name}");
        let work = run(&write, line(3, 128), &[&at, &count, &from, &seeded], &mut memory).unwrap();
        let [touched] = work.pieces[..] else { panic!("{:?}", work.pieces) };
        assert_eq!((touched.bytes, touched.traffic(1 << 20)), (16_000, 16_000));
        let expected: Vec<_> = (first..).take(4000).map(|word| pattern(name, word, seed)).collect();
        let differs = memory.words().iter().zip(&expected).position(|(seen, expected)| seen != expected);
        assert_eq!(differs, None, "{name}");

        let report = (BASE + 16_000).to_le_bytes();
        let check = |memory: &mut Memory| {
            let check = format!("gpucheck_check_{name}");
            let most = 2_u32.to_le_bytes();
            run(&check, line(3, 128), &[&at, &count, &from, &seeded, &report, &most], memory).unwrap();
            memory.words().split_off(4000)
        };
        // Nothing is wrong, and all was compared.
        let mut right = [0; 12];
        right[1] = 1000;
        assert_eq!(check(&mut memory), right, "{name}");
        memory.0[16_000..].fill(0);
        for (byte, bit) in [(0, 1), (4 * 2002 + 3, 0x80), (15_999, 4)] {
            memory.0[byte] ^= bit;
        }
        let told = check(&mut memory);
        assert_eq!(told[..2], [3, 1000], "{name}");
        // Blocks come one after the other: quad 0 is the first block's, 500 the first's again, 999 the second's.
        for (entry, word, seen) in [(4, 0_u64, memory.words()[0]), (8, 2002, memory.words()[2002])] {
            let index = first + word;
            let wanted = pattern(name, index, seed);
            assert_eq!(told[entry..entry + 4], [index as u32, (index >> 32) as u32, wanted, seen], "{name}");
        }
    }
}

#[test]
fn chains_of_fused_multiply_adds_are_those_of_a_plain_loop() {
    let mut memory = Memory::of(&[0; 96]);
    let (factor, summand) = (0.999_f32, 0.001_f32);
    let arguments: [&[u8]; 4] =
        [&BASE.to_le_bytes(), &3_u32.to_le_bytes(), &factor.to_le_bytes(), &summand.to_le_bytes()];
    let work = run("gpucheck_compute", line(2, 48), &arguments, &mut memory).unwrap();
    let fused = 96 * 3 * 64 * 2;
    assert!((fused..fused * 11 / 10 + 96 * 30).contains(&work.operations), "{}", work.operations);
    for (thread, result) in memory.words().into_iter().enumerate() {
        let begin = (thread % 48 % 32 * 8) as u32;
        let chain = |i| (0..24).fold((begin + i) as f32, |x, _| x.mul_add(factor, summand)).to_bits();
        assert_eq!(result, (0..8).map(chain).fold(0, |bits, chain| bits ^ chain), "{thread}");
    }
}

#[test]
fn a_loop_is_computed_again_where_it_begins_with_something_else() {
    // x = 3 x + 1, as often as the block's number says, from the thread's number; in two blocks of four alike.
    let body = "mov.u32 %r1, %tid.x; mov.u32 %r2, %ctaid.x; shr.u32 %r3, %r2, 1; mov.u32 %r4, 0;
        $round: mad.lo.u32 %r1, %r1, 3, 1; add.u32 %r4, %r4, 1; setp.le.u32 %p1, %r4, %r3; @%p1 bra $round;
        mad.lo.u32 %r2, %r2, 8, %tid.x; mul.wide.u32 %rd2, %r2, 4; add.s64 %rd2, %rd1, %rd2;
        st.global.u32 [%rd2], %r1;";
    let words = together(body, line(4, 8)).unwrap();
    for (place, word) in words.into_iter().enumerate() {
        let rounds = place / 16 + 1;
        let expected = (0..rounds).fold(place as u32 % 8, |x, _| 3 * x + 1);
        assert_eq!(word, expected, "{place}");
    }
    let program = Program::compile(&text(body), TAKES).unwrap();
    assert_eq!(program.entries[0].loops.len(), 1);
    let with_memory = body.replace("add.u32 %r4, %r4, 1;", "ld.global.u32 %r5, [%rd1]; add.u32 %r4, %r4, 1;");
    assert!(Program::compile(&text(&with_memory), TAKES).unwrap().entries[0].loops.is_empty());
    // Threads that leave at different times, in blocks that are alike.
    let body = "mov.u32 %r1, %tid.x; mov.u32 %r2, 0; $round: add.u32 %r2, %r2, 2; setp.lt.u32 %p1, %r2, %r1;
        @%p1 bra $round; mad.lo.u32 %r3, %ctaid.x, 8, %r1; mul.wide.u32 %rd2, %r3, 4; add.s64 %rd2, %rd1, %rd2;
        st.global.u32 [%rd2], %r2;";
    let each: Vec<_> = (0..32_u32).map(|place| (place % 8).next_multiple_of(2).max(2)).collect();
    assert_eq!(together(body, line(4, 8)).unwrap(), each);
}

/// Runs a body in blocks of this many threads, with 32 words of memory that all hold 7.
fn together(body: &str, dimensions: Dimensions) -> Result<Vec<u32>, u32> {
    let program = Program::compile(&text(body), TAKES).unwrap();
    let mut memory = Memory::of(&[7; 32]);
    program.entries[0].run(dimensions, &BASE.to_le_bytes(), &mut memory)?;
    Ok(memory.words())
}

/// Each thread has its number in %r1 and the address of its word in %rd2.
const PLACE: &str = "mov.u32 %r1, %tid.x; mul.wide.u32 %rd2, %r1, 4; add.s64 %rd2, %rd1, %rd2;";

#[test]
fn shared_memory_is_the_blocks_and_a_barrier_holds_all_of_it() {
    // Thread i writes word i of `words`, which begins at 8, and after the barrier reads word 31 - i, another's.
    let body = format!(
        ".shared .align 4 .b8 before[6]; .shared .align 8 .b8 words[128]; {PLACE}
         mov.u64 %rd3, words; mul.wide.u32 %rd4, %r1, 4; add.s64 %rd4, %rd3, %rd4; st.shared.u32 [%rd4], %r1;
         setp.lt.u32 %p1, %r1, 5; @%p1 bra $wait; add.u32 %r2, %r1, 1; $wait: bar.sync 0;
         sub.s64 %rd5, 140, %rd4; ld.shared.u32 %r3, [%rd5]; st.global.u32 [%rd2], %r3;"
    );
    let words = together(&body, line(1, 32)).unwrap();
    assert_eq!(words, (0..32).rev().collect::<Vec<_>>());
    assert_eq!(together(".shared .b32 one[2]; ld.shared.u32 %r1, [one+8];", line(1, 1)), Err(700));
    let two = ".shared .b32 one[2]; st.shared.v2.u32 [one], {3, 4}; ld.shared.v2.u32 {%r1, %r2}, [one];
               st.global.v2.u32 [%rd1], {%r2, %r1};";
    assert_eq!(together(two, line(1, 1)).unwrap()[..3], [4, 3, 7]);
}

#[test]
fn threads_that_part_come_together_again() {
    // Thread i goes round i + 1 times; threads 3, 6, 9 ... leave early.
    let body = format!(
        "{PLACE} mov.u32 %r2, 0; rem.u32 %r3, %r1, 3; setp.eq.u32 %p2, %r3, 0; setp.ne.u32 %p3, %r1, 0;
         @!%p3 bra $round; @%p2 bra $out;
         $round: add.u32 %r2, %r2, 1; setp.le.u32 %p1, %r2, %r1; @%p1 bra $round;
         atom.global.add.u32 %r4, [%rd1+124], 1; st.global.u32 [%rd2], %r2; $out: ret;"
    );
    let words = together(&body, line(1, 31)).unwrap();
    for (thread, word) in (0_u32..).zip(&words).take(31) {
        let expected = if thread != 0 && thread % 3 == 0 { 7 } else { thread + 1 };
        assert_eq!(*word, expected, "{thread}");
    }
    assert_eq!(words[31], 7 + 21);
}

#[test]
fn atomics_go_thread_by_thread() {
    let body = format!("{PLACE} atom.global.add.u32 %r2, [%rd1+124], %r1; st.global.u32 [%rd2], %r2;");
    let words = together(&body, line(1, 31)).unwrap();
    assert_eq!(words[..31], (0..31).map(|i: u32| 7 + i * i.saturating_sub(1) / 2).collect::<Vec<_>>());
}

#[test]
fn one_thread_that_goes_wrong_is_enough() {
    let body = format!("{PLACE} st.global.u32 [%rd2], %r1;");
    assert!(together(&body, line(1, 32)).is_ok());
    assert_eq!(together(&body, line(1, 33)), Err(700));
    let crooked = "setp.eq.u32 %p1, %r1, 30; @%p1 add.s64 %rd2, %rd2, 2;";
    let body = format!("{PLACE} {crooked} ld.global.u32 %r1, [%rd2];");
    assert_eq!(together(&body, line(1, 32)), Err(716));
    let pairs = "shl.b64 %rd3, %rd2, 0; ld.global.v2.u32 {%r1, %r2}, [%rd3];";
    assert_eq!(together(&format!("{PLACE} {pairs}"), line(1, 2)), Err(716));
}

#[test]
fn every_place_of_the_grid_is_its_own() {
    let body =
        "mov.u32 %r1, %ctaid.y; mov.u32 %r2, %nctaid.x; mov.u32 %r3, %ctaid.x; mad.lo.u32 %r1, %r1, %r2, %r3;
        mov.u32 %r2, %ntid.y; mov.u32 %r3, %tid.y; mad.lo.u32 %r1, %r1, %r2, %r3;
        mov.u32 %r2, %ntid.x; mov.u32 %r3, %tid.x; mad.lo.u32 %r1, %r1, %r2, %r3;
        mul.wide.u32 %rd2, %r1, 4; add.s64 %rd2, %rd1, %rd2; st.global.u32 [%rd2], %r1;";
    let words = together(body, Dimensions { blocks: [2, 2, 1], threads: [4, 2, 1] }).unwrap();
    assert_eq!(words, (0..32).collect::<Vec<_>>());
}

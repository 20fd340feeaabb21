//! Texts that compile and what they compute, texts that do not.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    reason = "what a kernel leaves is bits, and the numbers are exact"
)]

use super::*;

pub(super) const TAKES: Takes = Takes { version: (8, 2), capability: (7, 5) };

/// Memory from 0x100 on; nothing else is there.
pub(super) struct Memory(pub(super) Vec<u8>);

impl Reach for Memory {
    fn around(&mut self, address: u64) -> Option<(u64, &mut [u8])> {
        (0x100..0x100 + self.0.len() as u64).contains(&address).then_some((0x100, &mut self.0))
    }
}

impl Memory {
    pub(super) fn of(words: &[u32]) -> Self {
        Self(words.iter().flat_map(|word| word.to_le_bytes()).collect())
    }

    pub(super) fn words(&self) -> Vec<u32> {
        self.0.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)).collect()
    }
}

pub(super) fn text(body: &str) -> String {
    format!(
        ".version 6.0\n.target sm_30\n.address_size 64\n.visible .entry kernel(\n.param .u64 kernel_param_0\n)\n{{\n\
         .reg .pred %p<4>; .reg .b32 %r<8>; .reg .f32 %f<8>; .reg .b64 %rd<8>; .reg .f64 %fd<4>; .reg .b16 %rs<4>;\n\
         ld.param.u64 %rd1, [kernel_param_0];\n{body}\nret;\n}}\n"
    )
}

/// What a body leaves at 0x100, where it is told to write.
fn result(body: &str) -> u64 {
    let program = Program::compile(&text(body), TAKES).unwrap();
    let mut memory = Memory::of(&[0, 0, 41, 0]);
    let one = Dimensions { blocks: [1; 3], threads: [1; 3] };
    program.entries[0].run(one, &0x100_u64.to_ne_bytes(), &mut memory).unwrap();
    u64::from_le_bytes(*memory.0.first_chunk().unwrap())
}

fn refusal(text: &str) -> String {
    match Program::compile(text, TAKES).unwrap_err() {
        Refusal::TooNew(why) | Refusal::Invalid(why) => why,
    }
}

#[test]
fn whole_numbers() {
    let store = "st.global.u32 [%rd1], %r1;";
    for (code, expected) in [
        ("mov.u32 %r2, 7; mad.lo.s32 %r1, %r2, -3, 5;", (-16_i32).cast_unsigned()),
        ("mov.u32 %r2, 0x80000000; mul.hi.u32 %r1, %r2, 6;", 3),
        ("mov.s32 %r2, -9; div.s32 %r1, %r2, 2;", (-4_i32).cast_unsigned()),
        ("mov.s32 %r2, -9; shr.s32 %r1, %r2, 1;", (-5_i32).cast_unsigned()),
        ("mov.u32 %r2, 1; shl.b32 %r1, %r2, 32;", 0),
        ("mov.u32 %r2, 12; xor.b32 %r1, %r2, 10;", 6),
        ("mov.u32 %r2, 5; setp.gt.s32 %p1, %r2, -1; selp.b32 %r1, 1, 2, %p1;", 1),
        ("mov.u32 %r2, 5; setp.gt.u32 %p1, %r2, -1; selp.b32 %r1, 1, 2, %p1;", 2),
        ("mov.u32 %r2, 240; popc.b32 %r1, %r2;", 4),
        ("mov.u32 %r2, 240; clz.b32 %r1, %r2;", 24),
        ("ld.global.u32 %r1, [%rd1+8];", 41),
        ("mov.u32 %r1, 3; $loop: sub.u32 %r1, %r1, 1; setp.ne.u32 %p1, %r1, 0; @%p1 bra $loop;", 0),
        ("mov.u32 %r1, 3; setp.eq.u32 %p1, %r1, 3; @!%p1 mov.u32 %r1, 4;", 3),
    ] {
        assert_eq!(result(&format!("{code} {store}")), u64::from(expected), "{code}");
    }
    assert_eq!(
        result("mov.u32 %r2, -1; mul.wide.u32 %rd2, %r2, 4; st.global.u64 [%rd1], %rd2;"),
        0x3_ffff_fffc
    );
    assert_eq!(
        result("mov.u32 %r2, -1; mul.wide.s32 %rd2, %r2, 4; st.global.u64 [%rd1], %rd2;"),
        -4_i64 as u64
    );
    assert_eq!(result("atom.global.add.u32 %r1, [%rd1+8], 1; st.global.u32 [%rd1], %r1;"), 41);
}

#[test]
fn floats_are_rounded_to_nearest_and_keep_denormals() {
    let single = |code: &str| f32::from_bits(result(&format!("{code} st.global.f32 [%rd1], %f1;")) as u32);
    assert_eq!(single("mov.f32 %f2, 0f3FC00000; add.f32 %f1, %f2, 0f40000000;"), 3.5);
    assert_eq!(single("mov.f32 %f2, 0f00000001; add.f32 %f1, %f2, 0f00000001;").to_bits(), 2);
    assert_eq!(single("mov.f32 %f2, 0f00000001; add.ftz.f32 %f1, %f2, 0f00000001;").to_bits(), 0);
    assert_eq!(single("mov.f32 %f2, 0f40000000; fma.rn.f32 %f1, %f2, %f2, 0f3F800000;"), 5.0);
    assert_eq!(single("mov.u32 %r1, -3; cvt.rn.f32.s32 %f1, %r1;"), -3.0);
    assert_eq!(
        result("mov.f32 %f2, 0fC0200000; cvt.rzi.s32.f32 %r1, %f2; st.global.u32 [%rd1], %r1;") as i32,
        -2
    );
    assert_eq!(
        f64::from_bits(result("mov.f32 %f2, 0f3FC00000; cvt.f64.f32 %fd1, %f2; st.global.f64 [%rd1], %fd1;")),
        1.5
    );
}

#[test]
fn an_address_that_is_nobodys_or_crooked_ends_the_kernel() {
    let run = |body: &str| {
        let program = Program::compile(&text(body), TAKES).unwrap();
        let one = Dimensions { blocks: [1; 3], threads: [1; 3] };
        program.entries[0].run(one, &0x100_u64.to_ne_bytes(), &mut Memory(Vec::new()))
    };
    assert_eq!(run("ld.global.u32 %r1, [%rd1];"), Err(700));
    assert_eq!(run("ld.global.u32 %r1, [%rd1+2];"), Err(716));
}

#[test]
fn what_is_too_new_or_not_known_is_refused() {
    let good = text("");
    assert!(Program::compile(&good, TAKES).is_ok());
    let too_new = Program::compile(&good.replace("6.0", "8.3"), TAKES).unwrap_err();
    assert_eq!(too_new, Refusal::TooNew("Unsupported .version 8.3; current version is '8.2'".to_owned()));
    assert!(Program::compile(&good.replace("sm_30", "sm_75"), TAKES).is_ok());
    for (text, why) in [
        (good.replace("sm_30", "sm_80"), "higher than the device"),
        (good.replace("sm_30", "sm_70a"), "higher than the device"),
        (text("bar.sync 1;"), "bar.sync 1"),
        (text("bar.sync 0, 32;"), "bar.sync 0, 32"),
        (text("bar.arrive 0, 32;"), "bar.arrive"),
        (text(".shared .align 4 .b8 much[49153];"), "too much shared data, much"),
        (text(".shared .align 3 .b8 crooked[4];"), "not known: .shared"),
        (text(".shared .b8 endless[];"), "not known: .shared"),
        (text("mov.u64 %rd1, nowhere;"), "no register nowhere"),
        (text("add.rz.f32 %f1, %f1, %f1;"), "add.rz.f32"),
        (text("mov.u32 %r99, 1;"), "no register %r99"),
        (text("bra nowhere;"), "no label nowhere"),
        (text("mov.u32 %r1, soon;"), "no register soon"),
        (format!("{good}.func other() {{ }}"), ".func other"),
        ("not PTX".to_owned(), "no .version"),
    ] {
        assert!(refusal(&text).contains(why), "{why}: {}", refusal(&text));
    }
}

#[test]
fn no_text_panics() {
    let whole = text("add.f32 %f1, %f2, 0f3F800000; st.global.v2.f32 [%rd1], {%f1, %f2}; @%p1 bra out; out:");
    for end in 0..whole.len() {
        let _refused_or_not = Program::compile(&whole[..end], TAKES);
        let cut = format!("{}{}", &whole[..end], &whole[(end + 3).min(whole.len())..]);
        let _refused_or_not = Program::compile(&cut, TAKES);
    }
}

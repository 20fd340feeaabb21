//! The trail that a child leaves: any bytes, in any pieces.

use gpucheck::child::ReadTrail;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Longest line that is read, as the protocol has it.
const LONGEST: usize = 4 << 20;

/// Everything that can be known of a trail.
#[derive(Debug, PartialEq)]
struct Known {
    step: String,
    so_far: Option<Value>,
    answer: Option<Result<Value, String>>,
    error: Option<String>,
    is_over: bool,
}

fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Known {
    let mut trail = ReadTrail::default();
    for piece in pieces {
        trail.feed(piece);
    }
    Known {
        step: trail.step().to_owned(),
        so_far: trail.so_far(),
        answer: trail.answer(),
        error: trail.error().map(ToString::to_string),
        is_over: trail.is_over(),
    }
}

/// The bytes cut at these places, taken modulo their length.
fn cut<'a>(bytes: &'a [u8], places: &[usize]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = places.iter().map(|place| place % (bytes.len() + 1)).collect();
    places.sort_unstable();
    let mut pieces = Vec::new();
    let mut from = 0;
    for place in places {
        pieces.push(&bytes[from..place]);
        from = place;
    }
    pieces.push(&bytes[from..]);
    pieces
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

/// A message, as a probe sends it.
fn message() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => any::<String>().prop_map(|step| json!({ "step": step })),
        3 => value().prop_map(|seen| json!({ "so_far": seen })),
        1 => value().prop_map(|seen| json!({ "answer": seen })),
    ]
}

/// Bytes that are nearly a trail: what chance alone would seldom come up with.
fn nearly_a_trail() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        message().prop_map(|message| message.to_string().into_bytes()),
        message().prop_map(|message| message.to_string().into_bytes().split_off(1)),
        prop::collection::vec(any::<u8>(), 0..40),
        Just(br#"{"answer":1,"answer":2}"#.to_vec()),
        Just(vec![b'['; 100_000]),
    ];
    let ending = prop_oneof![9 => Just(&b"\n"[..]), 1 => Just(&b"\r\n"[..]), 1 => Just(&b""[..])];
    prop::collection::vec((line, ending), 0..6)
        .prop_map(|lines| lines.into_iter().flat_map(|(line, ending)| [&line, ending].concat()).collect())
}

proptest! {
    #[test]
    fn any_bytes_in_any_pieces_tell_the_same(
        bytes in prop_oneof![prop::collection::vec(any::<u8>(), 0..400), nearly_a_trail()],
        places in prop::collection::vec(any::<usize>(), 0..8),
    ) {
        prop_assert_eq!(read(cut(&bytes, &places)), read([&*bytes]));
    }

    #[test]
    fn of_any_messages_the_last_step_and_the_first_answer_count(
        messages in prop::collection::vec(message(), 0..12),
        places in prop::collection::vec(any::<usize>(), 0..8),
    ) {
        let mut bytes = Vec::new();
        for message in &messages {
            bytes.extend(message.to_string().into_bytes());
            bytes.push(b'\n');
        }
        let end = messages.iter().position(|message| message.get("answer").is_some());
        let heard = &messages[..end.map_or(messages.len(), |end| end + 1)];
        let last = |name: &str| heard.iter().rev().find_map(|message| message.get(name)).cloned();
        let step = last("step").map_or(String::new(), |step| step.as_str().unwrap().to_owned());
        let expected = Known {
            step,
            so_far: last("so_far"),
            answer: last("answer").map(Ok),
            error: None,
            is_over: end.is_some(),
        };
        prop_assert_eq!(read(cut(&bytes, &places)), expected);
    }
}

#[test]
fn a_line_is_too_long_in_whatever_pieces_it_comes() {
    for (excess, is_read) in [(0, true), (1, false), (60_000, false)] {
        let mut line = br#"{"answer":""#.to_vec();
        line.resize(LONGEST + excess - 2, b'x');
        line.extend(b"\"}\n");
        assert_eq!(line.len(), LONGEST + excess + 1);
        for pieces in [vec![&*line], line.chunks(65_536).collect(), cut(&line, &[LONGEST, LONGEST + excess])]
        {
            let known = read(pieces);
            assert_eq!(known.answer.is_some(), is_read, "{excess}");
            assert_eq!(known.error.is_some(), !is_read, "{excess}");
        }
    }
}

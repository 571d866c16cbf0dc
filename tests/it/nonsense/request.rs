//! Requests of any message, written byte by byte: what no generated type would let a client send, too.

use prost::encoding::{self, WireType, encode_key, encode_varint};
use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use strongroom::proto::descriptors::{is_output_only, is_required};

use super::{dice::Dice, words::Words};

/// Below the server's bound on a request: what is above it never reaches an RPC.
const MOST_BYTES: usize = 200 * 1024;

/// How deep messages stand in each other; those of the API are less.
const DEEPEST: usize = 8;

/// A request that can be read as the message, whatever it says.
pub(crate) fn request(dice: &mut Dice<'_>, words: &mut Words, of: &MessageDescriptor) -> Vec<u8> {
    words.begin(dice);
    let mut bytes = Vec::new();
    message(dice, words, of, 0, &mut bytes);
    bytes
}

fn message(dice: &mut Dice<'_>, words: &mut Words, of: &MessageDescriptor, depth: usize, bytes: &mut Vec<u8>) {
    // Of a oneof one is set, and now and then several.
    let chosen: Vec<String> = of
        .oneofs()
        .map(|oneof| {
            let fields: Vec<_> = oneof.fields().collect();
            dice.of(&fields).name().to_owned()
        })
        .collect();
    for field in of.fields() {
        let in_oneof = field.containing_oneof().is_some_and(|oneof| !oneof.is_synthetic());
        let set = match field.name() {
            _ if is_output_only(&field) => dice.once_in(32),
            _ if in_oneof => chosen.iter().any(|name| name == field.name()) || dice.once_in(24),
            // What the beginning of the words is no use for changes where everything goes.
            "scope" => dice.once_in(12),
            "etag" | "page_token" => dice.once_in(6),
            _ if is_required(&field) => !dice.once_in(24),
            _ => dice.once_in(4),
        };
        if set && depth < DEEPEST {
            for _ in 0..times(dice, &field) {
                if bytes.len() > MOST_BYTES {
                    return;
                }
                value(dice, words, &field, depth, bytes);
            }
        }
    }
    if dice.once_in(24) {
        unknown(dice, bytes);
    }
}

/// How often a field stands in the message: one that is not repeated may stand twice, and the last one counts.
fn times(dice: &mut Dice<'_>, field: &FieldDescriptor) -> usize {
    let many = field.is_list() || field.is_map();
    match dice.below(128) {
        0..=100 => 1,
        101..=110 if many => 2,
        111..=120 if many => 3,
        121..=124 if many => 51,
        125 | 126 if many => 501,
        127 if many => *dice.of(&[2_001, 5_001]),
        127 => 2,
        _ => 1,
    }
}

fn value(dice: &mut Dice<'_>, words: &mut Words, field: &FieldDescriptor, depth: usize, bytes: &mut Vec<u8>) {
    let number = field.number();
    match field.kind() {
        Kind::String => encoding::string::encode(number, &words.text(dice, field.name()), bytes),
        Kind::Bytes => encoding::bytes::encode(number, &words.text(dice, field.name()).into_bytes(), bytes),
        Kind::Message(of) => {
            let mut inner = Vec::new();
            message(dice, words, &of, depth + 1, &mut inner);
            encoding::bytes::encode(number, &inner, bytes);
        }
        Kind::Enum(of) => encoding::int32::encode(number, &enum_number(dice, &of), bytes),
        Kind::Bool => encoding::bool::encode(number, &(dice.byte() % 2 == 1), bytes),
        Kind::Double => {
            encoding::double::encode(number, dice.of(&[0.0, 1.0, -1.0, f64::NAN, f64::INFINITY, 1e308]), bytes);
        }
        Kind::Float => encoding::float::encode(number, dice.of(&[0.0, -1.0, f32::NAN, f32::INFINITY]), bytes),
        Kind::Fixed32 | Kind::Sfixed32 => encoding::sfixed32::encode(number, &small(dice), bytes),
        Kind::Fixed64 | Kind::Sfixed64 => encoding::sfixed64::encode(number, &large(dice), bytes),
        Kind::Sint32 => encoding::sint32::encode(number, &small(dice), bytes),
        Kind::Sint64 => encoding::sint64::encode(number, &large(dice), bytes),
        Kind::Int32 | Kind::Uint32 => encoding::int32::encode(number, &small(dice), bytes),
        Kind::Int64 | Kind::Uint64 => encoding::int64::encode(number, &large(dice), bytes),
    }
}

fn small(dice: &mut Dice<'_>) -> i32 {
    *dice.of(&[1, 0, 7, 30, 35, 60, 90, 100, 120, 365, 480, 1000, 10080, 36500, -1, i32::MIN, i32::MAX, 65_536])
}

/// Whole seconds of a `Timestamp` are one.
fn large(dice: &mut Dice<'_>) -> i64 {
    // The beginning of the tests' world, and the ends of what RFC 3339 can write.
    const START: i64 = 1_772_409_600;
    *dice.of(&[
        START,
        0,
        START + 3_600,
        START - 86_400,
        START + 40_000_000,
        -1,
        253_402_300_799,
        253_402_300_800,
        -62_135_596_801,
        i64::MIN,
        i64::MAX,
    ])
}

fn enum_number(dice: &mut Dice<'_>, of: &EnumDescriptor) -> i32 {
    let known: Vec<i32> = of.values().map(|value| value.number()).collect();
    if dice.once_in(12) { *dice.of(&[-1, 9_999, i32::MIN, i32::MAX]) } else { *dice.of(&known) }
}

/// A field of another version of the API, in every way that a field is written.
fn unknown(dice: &mut Dice<'_>, bytes: &mut Vec<u8>) {
    let number = *dice.of(&[99, 1_000, 19_500, 536_870_911]);
    match dice.below(5) {
        0 => encoding::string::encode(number, &"unknown".to_owned(), bytes),
        1 => encoding::fixed64::encode(number, &u64::MAX, bytes),
        2 => encoding::fixed32::encode(number, &7, bytes),
        3 => {
            encode_key(number, WireType::Varint, bytes);
            encode_varint(u64::MAX, bytes);
        }
        // Groups within each other, as deep as every reader of protobuf goes along.
        _ => {
            let depth = *dice.of(&[1, 5, 50]);
            (0..depth).for_each(|_| encode_key(number, WireType::StartGroup, bytes));
            (0..depth).for_each(|_| encode_key(number, WireType::EndGroup, bytes));
        }
    }
}

//! How much there is in a message, counted on the wire, before anything is made of it.

use prost_reflect::{Cardinality, Kind, MessageDescriptor};

/// As deep as prost reads.
const DEEPEST: usize = 100;

/// Whether there are more than `most` fields and elements of lists in all messages together. What is not well-formed is
/// not counted to its end: the decoder refuses it.
pub(super) fn more_than(most: usize, message: &MessageDescriptor, bytes: &[u8]) -> bool {
    // A field has two bytes at least, but for an element of a packed list, which has one.
    bytes.len() > most && count(most, message, bytes, DEEPEST).is_none()
}

/// How many there are; nothing when there are more than `most`.
fn count(most: usize, message: &MessageDescriptor, mut bytes: &[u8], depth: usize) -> Option<usize> {
    let mut counted: usize = 0;
    while !bytes.is_empty() {
        let Some((number, value)) = next(&mut bytes) else { break };
        counted += 1;
        if let Some(value) = value
            && let Some(field) = message.get_field(number)
        {
            let room = most.checked_sub(counted)?;
            counted += match field.kind() {
                Kind::Message(inner) if depth > 0 => count(room, &inner, value, depth - 1)?,
                Kind::Message(_) | Kind::String | Kind::Bytes => 0,
                // A packed list: of numbers that have a byte each at least.
                _ if field.cardinality() == Cardinality::Repeated => value.len(),
                _ => 0,
            };
        }
        if counted > most {
            return None;
        }
    }
    Some(counted)
}

/// The next field: its number, and its bytes where it has a length.
fn next<'b>(bytes: &mut &'b [u8]) -> Option<(u32, Option<&'b [u8]>)> {
    let tag = varint(bytes)?;
    let number = u32::try_from(tag >> 3).ok()?;
    let value = match tag & 7 {
        0 => varint(bytes).map(|_| None)?,
        1 => bytes.split_off(..8).map(|_| None)?,
        2 => {
            let length = usize::try_from(varint(bytes)?).ok()?;
            Some(bytes.split_off(..length)?)
        }
        // Groups, which nobody has any more: what is in one counts like the rest.
        3 | 4 => None,
        5 => bytes.split_off(..4).map(|_| None)?,
        _ => return None,
    };
    Some((number, value))
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.split_off_first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;
    use crate::proto::{self, CreatePlanRequest, ListJobsRequest, TagResourceRequest, descriptors};

    fn counted(rpc: &str, message: &impl prost::Message) -> Option<usize> {
        let input = descriptors::method(rpc).unwrap().input();
        count(1_000_000, &input, &message.encode_to_vec(), DEEPEST)
    }

    #[test]
    fn what_a_request_has_is_counted_through_all_its_messages() {
        let tags = [("team", "platform"), ("stage", "prod")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        let request = TagResourceRequest { resource: "orders".into(), tags: tags.into(), ..Default::default() };
        assert_eq!(
            counted("ResourceService/TagResource", &request),
            Some(1 + 2 * 3),
            "a name, two entries of two each"
        );
        let states = vec![proto::JobState::Completed.into(); 7];
        let filter = proto::JobFilter { states, ..Default::default() };
        let request = ListJobsRequest { filter: Some(filter), ..Default::default() };
        assert_eq!(counted("JobService/ListJobs", &request), Some(1 + 1 + 7), "the elements of a packed list");
    }

    #[test]
    fn two_bytes_that_become_hundreds_are_seen_before_they_do() {
        let rules = vec![proto::Rule::default(); 100_000];
        let request = CreatePlanRequest { rules, ..Default::default() };
        let bytes = request.encode_to_vec();
        assert_eq!(bytes.len(), 200_000);
        let input = descriptors::method("PlanService/CreatePlan").unwrap().input();
        assert!(more_than(5000, &input, &bytes));
        assert!(!more_than(100_000, &input, &bytes));
    }

    #[test]
    fn nonsense_is_left_to_the_decoder() {
        let input = descriptors::method("PlanService/CreatePlan").unwrap().input();
        for nonsense in [&[0xff; 40][..], &[0x0a, 0x7f], &[0x0f], &[0x09, 1, 2], &[0x08]] {
            assert!(count(1000, &input, nonsense, DEEPEST).is_some(), "{nonsense:?}");
        }
        assert!(count(5, &input, &[0x0b; 40], DEEPEST).is_none(), "groups count");
    }
}

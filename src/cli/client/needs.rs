//! What a command cannot do without, and what excludes what: of REQUIRED fields and of oneofs.

use prost_reflect::{FieldDescriptor, MessageDescriptor, OneofDescriptor};

use super::{
    flags::{Flag, Path, within},
    named::DISPENSABLE,
};
use crate::proto::descriptors::{is_required, oneof, short};

/// Says of each flag whether the command needs it. A oneof takes one of its members: the first is asked for, unless a flag
/// of another is given.
pub(super) fn needs(flags: &mut [Flag], request: &MessageDescriptor) {
    let asked = ways(flags, request, &Path::new()).into_iter().next().unwrap_or_default();
    for name in asked {
        let Some(at) = flags.iter().position(|flag| flag.name == name) else { continue };
        let unless = flags[at].targets.first().map(|target| instead(flags, request, target)).unwrap_or_default();
        flags[at].unless = Some(unless);
    }
}

/// The names of flags that there must be, for each way to make the request, in the order of the proto.
pub(super) fn ways(flags: &[Flag], message: &MessageDescriptor, above: &Path) -> Vec<Vec<String>> {
    let mut ways = vec![Vec::new()];
    let mut also = |choices: Vec<Vec<String>>| {
        ways = ways.iter().flat_map(|way| choices.iter().map(|more| [way.as_slice(), more].concat())).collect();
    };
    for field in message.fields() {
        match oneof(&field) {
            // Where its first member stands, the whole oneof is looked at.
            Some(of) if first(&of).as_ref() == Some(&field) => {
                also(of.fields().flat_map(|member| ways_of(flags, &member, above)).collect());
            }
            Some(_) => {}
            None if is_required(&field) && !is_dispensable(&field) => also(ways_of(flags, &field, above)),
            None => {}
        }
    }
    ways
}

fn ways_of(flags: &[Flag], field: &FieldDescriptor, above: &Path) -> Vec<Vec<String>> {
    let path = below(above, field);
    match (flags.iter().find(|flag| flag.targets.contains(&path)), within(field, above)) {
        (Some(flag), _) => vec![vec![flag.name.clone()]],
        (None, Some((kind, path))) => ways(flags, &kind, &path),
        (None, None) => vec![Vec::new()],
    }
}

fn is_dispensable(field: &FieldDescriptor) -> bool {
    DISPENSABLE.contains(&(short(field.parent_message().full_name()), field.name()))
}

/// The flags that only say something below other members of the oneofs that a place is in.
fn instead(flags: &[Flag], request: &MessageDescriptor, target: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for members in oneofs(request, &Path::new()) {
        let Some(own) = members.iter().find(|member| target.starts_with(member)) else { continue };
        let others = members.iter().filter(|member| *member != own);
        for other in others {
            let only = flags.iter().filter(|flag| flag.reaches(other) && !flag.reaches(own));
            names.extend(only.map(|flag| flag.name.clone()));
        }
    }
    names
}

/// The places that exclude each other, for each oneof that flags reach.
pub(super) fn oneofs(message: &MessageDescriptor, above: &Path) -> Vec<Vec<Path>> {
    let own = message.oneofs().filter(|of| !of.is_synthetic());
    let own = own.map(|of| of.fields().map(|member| below(above, &member)).collect());
    let deeper = message.fields().filter_map(|field| within(&field, above));
    own.chain(deeper.flat_map(|(kind, path)| oneofs(&kind, &path)).collect::<Vec<_>>()).collect()
}

fn first(of: &OneofDescriptor) -> Option<FieldDescriptor> {
    of.fields().next()
}

fn below(above: &Path, field: &FieldDescriptor) -> Path {
    [above.as_slice(), &[field.name().to_owned()]].concat()
}

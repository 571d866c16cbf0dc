//! The methods that there are, by their paths.

use std::{collections::BTreeMap, sync::LazyLock};

use prost_reflect::MessageDescriptor;

use crate::proto::descriptors;

/// What bounds a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rpc) enum Kind {
    /// One of the API: a request, an answer.
    Call,
    /// One of the API that answers when something has happened: a stream, or a call that waits for long.
    Wait,
    /// A question about the server's health.
    Check,
    /// A stream that tells how the server's health changes.
    Watch,
    /// A stream of questions about the API.
    Reflection,
}

/// A method.
#[derive(Debug)]
pub(in crate::rpc) struct Method {
    /// In full, such as `strongroom.v1.VaultService/GetVault`.
    pub(in crate::rpc) name: &'static str,
    pub(in crate::rpc) kind: Kind,
    /// Of the API's own: what a request is made of.
    pub(in crate::rpc) input: Option<MessageDescriptor>,
    /// And what an answer is made of.
    pub(in crate::rpc) output: Option<MessageDescriptor>,
    /// Whether it changes something.
    pub(in crate::rpc) changes: bool,
    /// Whether its answer is a stream.
    pub(in crate::rpc) streams: bool,
    /// Whether policies decide on it: not on what everybody known may ask.
    pub(in crate::rpc) is_decided_on: bool,
}

impl Method {
    /// The method of a path, whether or not this server offers it.
    pub(in crate::rpc) fn of(path: &str) -> Option<&'static Self> {
        ALL.get(path.strip_prefix('/')?)
    }

    /// The method of an action.
    pub(in crate::rpc) fn named(action: &str) -> Option<&'static Self> {
        ALL.values().find(|method| method.is_decided_on && method.action() == action)
    }

    /// The name of the RPC alone, which is the action that policies know.
    pub(in crate::rpc) fn action(&self) -> &'static str {
        self.name.rsplit('/').next().unwrap_or_default()
    }
}

/// By their names. They are of the program, and live as long.
static ALL: LazyLock<BTreeMap<&'static str, Method>> = LazyLock::new(|| {
    let of_the_api = descriptors::methods().into_iter().chain(descriptors::streams()).filter_map(|path| {
        let method = descriptors::method(&path)?;
        let name = format!("{}/{}", method.parent_service().full_name(), method.name());
        let changes = !descriptors::is_read(&method);
        let waits = method.is_server_streaming() || WAITING.contains(&name.as_str());
        Some(Method {
            name: name.leak(),
            kind: if waits { Kind::Wait } else { Kind::Call },
            streams: method.is_server_streaming(),
            input: Some(method.input()),
            output: Some(method.output()),
            is_decided_on: method.name() != OPEN,
            changes,
        })
    });
    let others = OTHERS.map(|(name, kind)| {
        let streams = kind != Kind::Check;
        Method { name, kind, input: None, output: None, changes: false, streams, is_decided_on: false }
    });
    of_the_api.chain(others).map(|method| (method.name, method)).collect()
});

/// What everybody known may call.
const OPEN: &str = "WhoAmI";

/// Calls of one answer that wait for it.
const WAITING: [&str; 1] = ["strongroom.v1.JobService/WaitJob"];

const OTHERS: [(&str, Kind); 4] = [
    ("grpc.health.v1.Health/Check", Kind::Check),
    ("grpc.health.v1.Health/Watch", Kind::Watch),
    ("grpc.reflection.v1.ServerReflection/ServerReflectionInfo", Kind::Reflection),
    ("grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", Kind::Reflection),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_changes_are_told_apart_and_what_there_is_not_is_not_there() {
        let changes = |path: &str| Method::of(path).map(|method| method.changes);
        assert_eq!(changes("/strongroom.v1.VaultService/GetVault"), Some(false));
        assert_eq!(changes("/strongroom.v1.VaultService/CreateVault"), Some(true));
        for nothing in ["/strongroom.v1.VaultService/Nothing", "strongroom.v1.VaultService/GetVault", "/", ""] {
            assert_eq!(changes(nothing), None, "{nothing}");
        }
        let reflection = Method::of("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo");
        assert_eq!(reflection.map(|method| method.kind), Some(Kind::Reflection));
    }
}

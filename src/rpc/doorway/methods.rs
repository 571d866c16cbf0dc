//! The methods that there are, by their paths.

use std::collections::BTreeMap;

use prost_reflect::MessageDescriptor;

use crate::proto::descriptors;

/// What bounds a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// One of the API: a request, an answer.
    Call,
    /// A question about the server's health.
    Check,
    /// A stream that tells how the server's health changes.
    Watch,
    /// A stream of questions about the API.
    Reflection,
}

/// A method.
#[derive(Debug)]
pub(super) struct Method {
    pub(super) kind: Kind,
    /// Of the API's own: what a request is made of.
    pub(super) input: Option<MessageDescriptor>,
    /// Whether it changes something.
    pub(super) changes: bool,
}

/// All methods.
#[derive(Debug)]
pub(super) struct Methods(BTreeMap<String, Method>);

impl Methods {
    pub(super) fn new(reflection: bool) -> Self {
        let of_the_api = descriptors::methods().into_iter().filter_map(|path| {
            let method = descriptors::method(&path)?;
            let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
            let changes = !descriptors::is_read(&method);
            Some((path, Method { kind: Kind::Call, input: Some(method.input()), changes }))
        });
        let reflection: &[&str] = if reflection { &REFLECTION } else { &[] };
        let others = HEALTH.iter().copied().chain(reflection.iter().map(|path| (*path, Kind::Reflection)));
        let others = others.map(|(path, kind)| (path.to_owned(), Method { kind, input: None, changes: false }));
        Self(of_the_api.chain(others).collect())
    }

    pub(super) fn get(&self, path: &str) -> Option<&Method> {
        self.0.get(path)
    }
}

const HEALTH: [(&str, Kind); 2] =
    [("/grpc.health.v1.Health/Check", Kind::Check), ("/grpc.health.v1.Health/Watch", Kind::Watch)];

const REFLECTION: [&str; 2] = [
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_changes_are_told_apart_and_what_is_not_offered_is_not_there() {
        let methods = Methods::new(false);
        let changes = |path: &str| methods.get(path).map(|method| method.changes);
        assert_eq!(changes("/strongroom.v1.VaultService/GetVault"), Some(false));
        assert_eq!(changes("/strongroom.v1.VaultService/CreateVault"), Some(true));
        assert_eq!(changes("/strongroom.v1.VaultService/Nothing"), None);
        assert_eq!(changes(REFLECTION[0]), None);
        assert_eq!(Methods::new(true).get(REFLECTION[0]).map(|method| method.kind), Some(Kind::Reflection));
    }
}

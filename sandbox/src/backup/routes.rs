//! Which operation a method and path mean.

use percent_encoding::percent_decode_str;

use super::{
    copies, jobs, legal_holds, plans, recovery_points,
    rest::{RestReply, RestRequest},
    restores, selections, settings, tags, vaults,
};
use crate::{
    call::{AwsError, Call},
    world::World,
};

/// An operation of AWS Backup.
pub type Handler = fn(&mut World, &Call, &RestRequest) -> Result<RestReply, AwsError>;

/// One row of the REST table.
#[derive(Debug)]
pub struct Route {
    /// In capitals.
    pub method: &'static str,
    /// Segments between slashes without the outer ones; `{name}` takes any one segment. Clients differ on trailing
    /// slashes `[X]`, so patterns have none and requests may.
    pub pattern: &'static str,
    /// The operation's name in the service model.
    pub operation: &'static str,
    /// What it does.
    pub handler: Handler,
}

/// Short for the tables: `route("GET", "backup-vaults", "ListBackupVaults", list)`.
pub const fn route(method: &'static str, pattern: &'static str, operation: &'static str, handler: Handler) -> Route {
    Route { method, pattern, operation, handler }
}

/// The routes of each noun. The first match wins, so within a table a fixed segment stands before a parameter.
const TABLES: &[&[Route]] = &[
    vaults::ROUTES,
    plans::ROUTES,
    selections::ROUTES,
    jobs::ROUTES,
    recovery_points::ROUTES,
    restores::ROUTES,
    copies::ROUTES,
    legal_holds::ROUTES,
    settings::ROUTES,
    tags::ROUTES,
];

/// The route for a method and a raw (still percent-encoded) path, with its path parameters decoded.
///
/// The path is split before it is decoded: an ARN holds `%2F` inside one segment. `None` for an unknown route and for
/// a segment that is not UTF-8.
pub fn find(method: &str, raw_path: &str) -> Option<(&'static Route, Vec<(&'static str, String)>)> {
    let path = raw_path.strip_prefix('/').unwrap_or(raw_path);
    let path = path.strip_suffix('/').unwrap_or(path);
    let segments = path.split('/').map(|raw| percent_decode_str(raw).decode_utf8().ok()).collect::<Option<Vec<_>>>()?;
    TABLES
        .iter()
        .flat_map(|table| table.iter())
        .filter(|route| route.method == method)
        .find_map(|route| Some((route, parameters(route.pattern, &segments)?)))
}

fn parameters(pattern: &'static str, segments: &[impl AsRef<str>]) -> Option<Vec<(&'static str, String)>> {
    let mut found = Vec::new();
    let mut given = segments.iter().map(AsRef::as_ref);
    for part in pattern.split('/') {
        let segment = given.next()?;
        match part.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) if !segment.is_empty() => found.push((name, segment.to_owned())),
            None if part == segment => {}
            _ => return None,
        }
    }
    given.next().is_none().then_some(found)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_trailing_slash_is_as_good_as_none() {
        for path in ["/backup-vaults", "/backup-vaults/"] {
            assert_eq!(find("GET", path).unwrap().0.operation, "ListBackupVaults", "{path}");
        }
        assert!(find("GET", "/backup-vaults//").is_none());
        assert!(find("PATCH", "/backup-vaults").is_none());
        assert!(find("GET", "/nowhere").is_none());
        assert!(find("GET", "/").is_none());
    }

    #[test]
    fn segments_are_decoded_after_the_split() {
        let (route, path) = find("GET", "/backup-vaults/aws%2Fefs%2Fautomatic-backup-vault/").unwrap();
        assert_eq!(route.operation, "DescribeBackupVault");
        assert_eq!(path, [("backupVaultName", "aws/efs/automatic-backup-vault".to_owned())]);
    }

    #[test]
    fn every_operation_and_every_route_stands_once() {
        let mut operations = BTreeSet::new();
        let mut routes = BTreeSet::new();
        for route in TABLES.iter().flat_map(|table| table.iter()) {
            assert!(operations.insert(route.operation), "{} twice", route.operation);
            assert!(routes.insert((route.method, route.pattern)), "{} {} twice", route.method, route.pattern);
            assert!(!route.pattern.starts_with('/') && !route.pattern.ends_with('/'), "{}", route.pattern);
        }
    }

    proptest! {
        #[test]
        fn no_path_is_too_odd(path in ".*") {
            find("GET", &path);
        }
    }
}

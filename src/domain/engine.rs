//! Database engines, by RDS's names.

use std::fmt;

use super::{
    Finding, ResourceKind, did_you_mean,
    invalid::{Fault, quoted},
    nearest::same_letters,
};

/// RDS's name of an engine. One that RDS added later is kept as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine(String);

/// RDS's names of engines `[M]`; RDS may have newer ones.
const ENGINES: [&str; 27] = [
    "aurora",
    "aurora-mysql",
    "aurora-postgresql",
    "custom-oracle-ee",
    "custom-oracle-ee-cdb",
    "custom-oracle-se2",
    "custom-oracle-se2-cdb",
    "custom-sqlserver-dev",
    "custom-sqlserver-ee",
    "custom-sqlserver-se",
    "custom-sqlserver-web",
    "db2-ae",
    "db2-se",
    "docdb",
    "mariadb",
    "mysql",
    "neptune",
    "oracle-ee",
    "oracle-ee-cdb",
    "oracle-se2",
    "oracle-se2-cdb",
    "postgres",
    "sqlserver-dev-ee",
    "sqlserver-ee",
    "sqlserver-ex",
    "sqlserver-se",
    "sqlserver-web",
];

/// Beginnings of the engines that no cluster has: of the others there are Aurora's, Neptune's, DocumentDB's and Multi-AZ
/// clusters `[D]`.
const OF_INSTANCES_ALONE: [&str; 5] = ["custom-", "db2-", "mariadb", "oracle-", "sqlserver-"];

impl Engine {
    /// A name as a request gives it; new ones need no release.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if text.is_empty() || text.len() > 64 || !text.bytes().all(is_word) {
            let question = did_you_mean(text, ENGINES);
            return Err(format!("{} is not an engine's name: give one such as postgres{question}", quoted(text)).into());
        }
        if ENGINES.contains(&text) {
            return Ok(Self(text.to_owned()));
        }
        match ENGINES.into_iter().find(|known| same_letters(known, text)) {
            Some(meant) => Err(format!("{} is no engine of RDS; did you mean {meant}?", quoted(text)).into()),
            None => Ok(Self(text.to_owned())),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// That no database of that kind has the engine, if none can.
    pub fn never_of(&self, kind: ResourceKind) -> Option<Fault> {
        let alone = kind == ResourceKind::DbCluster && OF_INSTANCES_ALONE.iter().any(|word| self.0.starts_with(word));
        alone.then(|| format!("is {self}, which no cluster has: give kind RESOURCE_KIND_DB_INSTANCE, or none").into())
    }

    /// What RDS's refusal of the name comes to.
    pub fn refused(&self, why: &str) -> Fault {
        let question = did_you_mean(&self.0, ENGINES);
        format!("{} is no engine of RDS, which says so ({why}){question}", quoted(&self.0)).into()
    }

    /// That nothing has the engine, where its name is none that is known.
    pub fn unknown_finding(&self) -> Option<Finding> {
        if ENGINES.contains(&self.as_str()) {
            return None;
        }
        let question = did_you_mean(&self.0, ENGINES);
        let message =
            format!("{} is no engine that Strongroom knows, and no database has it{question}", quoted(&self.0));
        Some(Finding::warning("ENGINE_UNKNOWN", message, "correct it, unless RDS has a new engine").at("engine"))
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_letters_are_told_and_new_engines_pass() {
        assert!(ENGINES.is_sorted());
        for known in ENGINES {
            assert_eq!(Engine::parse(known).unwrap().unknown_finding(), None, "{known}");
        }
        for (wrong, meant) in [("Postgres", "postgres"), ("aurora_mysql", "aurora-mysql"), ("MYSQL", "mysql")] {
            let told = Engine::parse(wrong).unwrap_err().0;
            assert!(told.ends_with(&format!("did you mean {meant}?")), "{told}");
        }
        let slip = Engine::parse("postgress").unwrap().unknown_finding().unwrap();
        assert!(slip.message.ends_with("; did you mean postgres?"), "{}", slip.message);
        assert!(Engine::parse("valkey-sql").unwrap().unknown_finding().is_some());
    }

    #[test]
    fn some_engines_no_cluster_has() {
        let never = |engine: &str, kind| Engine::parse(engine).unwrap().never_of(kind).is_some();
        for engine in ["mariadb", "oracle-ee", "sqlserver-ex", "db2-se", "custom-oracle-ee"] {
            assert!(never(engine, ResourceKind::DbCluster) && !never(engine, ResourceKind::DbInstance), "{engine}");
        }
        for engine in ["aurora-postgresql", "mysql", "postgres", "neptune", "docdb"] {
            assert!(!never(engine, ResourceKind::DbCluster) && !never(engine, ResourceKind::DbInstance), "{engine}");
        }
    }
}

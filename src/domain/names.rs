//! Names that people give, each with AWS's rule for it (docs/aws-backup-semantics.md, section 1.5).

use std::fmt;

use uuid::Uuid;

use super::{
    Arn, AskedScope, Finding,
    invalid::{Fault, quoted},
};

/// Declares a newtype over a checked `String`.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// Name of a backup vault.
    VaultName
}
name! {
    /// Name of a backup plan.
    PlanName
}
name! {
    /// Name of a rule of a plan.
    RuleName
}
name! {
    /// Name of a selection of a plan.
    SelectionName
}
name! {
    /// Name of an IAM role, without its path.
    RoleName
}
name! {
    /// Path of an IAM role: `/` or `/…/`.
    RolePath
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn is_word_or_dot(byte: u8) -> bool {
    is_word(byte) || byte == b'.'
}

fn checked(
    text: &str,
    what: &str,
    lengths: std::ops::RangeInclusive<usize>,
    allowed: fn(u8) -> bool,
    rule: &str,
) -> Result<String, Fault> {
    if text.is_empty() {
        return Err(format!("is required: give {what}").into());
    }
    if lengths.contains(&text.len()) && text.bytes().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err(format!("{} is not {what}: it has {rule}", quoted(text)).into())
    }
}

/// The fault of an ARN whose form is right and the name in it is none.
pub(super) fn in_arn(arn: &str, what: &str, rule: &str) -> Fault {
    Fault(format!("{} is not the ARN of {what}: the name of one has {rule}", quoted(arn)))
}

impl VaultName {
    /// A name that a new vault can have `[M]`: 2–50 letters, digits, hyphens, underscores.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        checked(text, "a vault name", 2..=50, is_word, "2–50 letters, digits, hyphens and underscores").map(Self)
    }

    /// The name or ARN of a vault that is there, and the scope the ARN names. Also vaults that AWS itself made, such as
    /// `aws/efs/automatic-backup-vault`, whose names no new vault can have.
    pub fn parse_reference(text: &str) -> Result<(Self, AskedScope), Fault> {
        let (name, scope) = if Arn::looks_like(text) {
            let arn = Arn::parse(text)?;
            let name = (arn.service() == "backup").then(|| arn.resource_of_kind("backup-vault")).flatten();
            let form = "one has the form arn:aws:backup:REGION:ACCOUNT:backup-vault:NAME";
            let name = name.ok_or_else(|| arn.is_not("a backup vault", form))?;
            (name.to_owned(), arn.scope())
        } else {
            (text.to_owned(), AskedScope::default())
        };
        let allowed = |byte| is_word(byte) || byte == b'/';
        let rule = "2–50 letters, digits, hyphens and underscores";
        checked(&name, "a vault's name or ARN", 2..=64, allowed, rule)
            .map_err(|fault| if name == text { fault } else { in_arn(text, "a vault", rule) })
            .map(|name| (Self(name), scope))
    }
}

impl PlanName {
    /// A name that a plan can have: 1–200 letters, digits, `-`, `_`, `.`. The model's text of the input says 50; that of the
    /// output says 200, and so many AWS takes `[M][Q]`.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        checked(text, "a plan name", 1..=200, is_word_or_dot, "1–200 letters, digits, hyphens, underscores and dots")
            .map(Self)
    }

    /// The name of a plan that is there.
    pub fn parse_reference(text: &str) -> Result<Self, Fault> {
        let rule = "1–200 letters, digits, hyphens, underscores and dots";
        checked(text, "a plan's id, ARN or name", 1..=200, is_word_or_dot, rule).map(Self)
    }

    /// What will surprise about the name.
    pub fn findings(name: &str) -> Vec<Finding> {
        looks_like_id(name, "plan").into_iter().collect()
    }
}

impl RuleName {
    /// A name that a rule can have `[M]`: 1–50 letters, digits, `-`, `_`, `.`.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        checked(text, "a rule name", 1..=50, is_word_or_dot, "1–50 letters, digits, hyphens, underscores and dots")
            .map(Self)
    }
}

impl SelectionName {
    /// A name that a selection can have `[M]`: 1–50 letters, digits, `-`, `_`, `.`.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        checked(text, "a selection name", 1..=50, is_word_or_dot, "1–50 letters, digits, hyphens, underscores and dots")
            .map(Self)
    }

    /// The name of a selection that is there: should AWS take longer ones, as it does of plans, they are found too.
    pub fn parse_reference(text: &str) -> Result<Self, Fault> {
        let rule = "1–50 letters, digits, hyphens, underscores and dots";
        checked(text, "a selection's id or name", 1..=200, is_word_or_dot, rule).map(Self)
    }

    /// What will surprise about the name.
    pub fn findings(&self) -> Vec<Finding> {
        looks_like_id(&self.0, "selection").into_iter().collect()
    }
}

/// That a name has the form of an id. Whoever gives it means the thing of that id, if there is one.
fn looks_like_id(name: &str, noun: &str) -> Option<Finding> {
    let message = format!(
        "the name {name} has the form of an id: where a {noun} is named by it, the {noun} of that id is meant, if there is \
         one, and only else the {noun} of that name"
    );
    let found = Finding::warning("NAME_LOOKS_LIKE_ID", message, "give it a name that tells what it is for");
    is_uuid(name).then(|| found.at("name"))
}

/// Whether the text is a UUID in its usual form.
pub(super) fn is_uuid(text: &str) -> bool {
    // try_parse also takes braces, URNs and digits alone.
    text.len() == 36 && Uuid::try_parse(text).is_ok()
}

impl RoleName {
    pub(super) const RULE: &str = "1–64 letters, digits and +=,.@-_";

    /// A name that a role can have `[M]`: 1–64 letters, digits and `+=,.@-_`.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let allowed = |byte| is_word_or_dot(byte) || matches!(byte, b'+' | b'=' | b',' | b'@');
        checked(text, "a role name", 1..=64, allowed, Self::RULE).map(Self)
    }
}

impl RolePath {
    /// A path that a role can have `[M]`: begins and ends with `/`, at most 512 printable characters.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let printable = text.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
        if text.starts_with('/') && text.ends_with('/') && text.len() <= 512 && printable {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "{} is not a role path: it begins and ends with / and has at most 512 characters",
                quoted(text)
            )
            .into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vault_is_named_by_its_name_or_its_arn() {
        let (name, scope) =
            VaultName::parse_reference("arn:aws:backup:eu-west-1:123456789012:backup-vault:prod").unwrap();
        assert_eq!(name.as_str(), "prod");
        assert_eq!(scope.region.unwrap().as_str(), "eu-west-1");
        assert!(VaultName::parse_reference("aws/efs/automatic-backup-vault").is_ok());
        assert!(VaultName::parse_reference("arn:aws:rds:eu-west-1:123456789012:db:prod").is_err());
    }

    #[test]
    fn a_fault_says_the_value_and_the_rule() {
        assert_eq!(
            VaultName::parse("my.vault").unwrap_err().0,
            "\"my.vault\" is not a vault name: it has 2–50 letters, digits, hyphens and underscores"
        );
        assert_eq!(PlanName::parse("").unwrap_err().0, "is required: give a plan name");
    }

    #[test]
    fn names_are_as_long_as_aws_takes_them() {
        let name = |length: usize| "n".repeat(length);
        for (length, plan, selection, rule) in
            [(50, true, true, true), (51, true, false, false), (201, false, false, false)]
        {
            assert_eq!(PlanName::parse(&name(length)).is_ok(), plan, "{length}");
            assert_eq!(SelectionName::parse(&name(length)).is_ok(), selection, "{length}");
            assert_eq!(RuleName::parse(&name(length)).is_ok(), rule, "{length}");
        }
        assert!(PlanName::parse(&name(200)).is_ok() && PlanName::parse_reference(&name(200)).is_ok());
    }

    #[test]
    fn a_name_like_an_id_is_warned_of() {
        let code = |name: &str| PlanName::findings(name).into_iter().map(|finding| finding.code).collect::<Vec<_>>();
        assert_eq!(code("1C2D3e4f-0000-4000-8000-5b6a79880000"), ["NAME_LOOKS_LIKE_ID"]);
        assert_eq!(code("1c2d3e4f000040008000-5b6a79880000"), [""; 0]);
    }
}

//! What AWS says of the configuration, for people and for programs.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
};

use serde_json::{Value, json};

use crate::{
    app::aws_check::{Checked, CheckedAccount, Lack, Permissions, Why},
    proto::descriptors::needing,
};

const SAMPLE: &str = "docs/samples/iam-policy.json";

/// What IAM's simulation does not see, so that nobody takes its yes for more than it is.
const NOT_LOOKED_AT: [&str; 5] = [
    "the policies of vaults, keys and topics, which can deny as well as allow",
    "a policy of the session, where the role was assumed with one",
    "the organization's policies with conditions, and those for resources, as far as IAM's simulation leaves them out",
    "the policy of a VPC endpoint",
    "regions other than this one, and single things: who may only use some vaults or pass on some roles is told as lacking it for the others",
];

pub(super) fn is_well(checked: &Checked) -> bool {
    checked.accounts.iter().all(CheckedAccount::is_well)
}

pub(super) fn text(checked: &Checked, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<()> {
    match &checked.region {
        Some(region) => writeln!(out, "\nAWS, in region {region}")?,
        None => writeln!(out, "\nAWS")?,
    }
    for account in &checked.accounts {
        account_text(account, out)?;
    }
    if checked.left_out > 0 {
        writeln!(out, "  {} more of aws.allowed_accounts were not looked at", checked.left_out)?;
    }
    if checked.accounts.iter().any(|account| account.permissions.is_some()) {
        writeln!(out, "  not looked at:")?;
        for what in NOT_LOOKED_AT {
            writeln!(out, "    {what}")?;
        }
    }
    out.flush()?;
    for account in checked.accounts.iter().filter(|account| !account.is_well()) {
        writeln!(err, "error: {}", fault(account))?;
    }
    Ok(())
}

fn account_text(account: &CheckedAccount, out: &mut dyn Write) -> io::Result<()> {
    let own = if account.is_own { " (the server's own)" } else { " (by aws.assume_role)" };
    writeln!(out, "  account {}{own}", name(account))?;
    match &account.identity {
        Ok(arn) => writeln!(out, "    identity     {arn}")?,
        Err(why) => writeln!(out, "    identity     not known: {why}")?,
    }
    if let Some(source) = &account.source {
        writeln!(out, "    credentials  {source}")?;
    }
    match &account.permissions {
        None => Ok(()),
        Some(Permissions::Unknown(why)) => writeln!(out, "    permissions  not known: {why}"),
        Some(Permissions::Told { asked, lacks }) if lacks.is_empty() => {
            writeln!(out, "    permissions  all {asked} actions of {SAMPLE}")
        }
        Some(Permissions::Told { asked, lacks }) => {
            writeln!(out, "    permissions  of the {asked} actions of {SAMPLE} these are missing:")?;
            for ((action, why), resources) in grouped(lacks) {
                writeln!(out, "      {action}: {why}")?;
                for resource in resources {
                    writeln!(out, "        for {resource}")?;
                }
                let needing = needing(action);
                if !needing.is_empty() {
                    writeln!(out, "        needed by {}", needing.join(", "))?;
                }
            }
            Ok(())
        }
    }
}

/// The resources of each action and reason.
fn grouped(lacks: &[Lack]) -> BTreeMap<(&str, String), Vec<&str>> {
    let mut grouped: BTreeMap<(&str, String), Vec<&str>> = BTreeMap::new();
    for lack in lacks {
        let resources = grouped.entry((&lack.action, words(&lack.why))).or_default();
        // What is allowed under several values of one condition is asked for with each.
        if !resources.contains(&lack.resource.as_str()) {
            resources.push(&lack.resource);
        }
    }
    grouped
}

fn words(why: &Why) -> String {
    match why {
        Why::NotAllowed => "no policy allows it".to_owned(),
        Why::Denied => "a policy denies it".to_owned(),
        Why::Organization => "a policy of the organization does not let this account do it".to_owned(),
        Why::Boundary => "the permissions boundary does not allow it".to_owned(),
        Why::Conditional(keys) => {
            format!("not allowed but under a condition, on {}, of which nothing is known here", keys.join(", "))
        }
        Why::NotTold => "IAM does not tell".to_owned(),
    }
}

fn code(why: &Why) -> &'static str {
    match why {
        Why::NotAllowed => "NOT_ALLOWED",
        Why::Denied => "DENIED",
        Why::Organization => "ORGANIZATION",
        Why::Boundary => "BOUNDARY",
        Why::Conditional(_) => "CONDITIONAL",
        Why::NotTold => "NOT_TOLD",
    }
}

fn name(account: &CheckedAccount) -> &str {
    account.account.as_deref().unwrap_or("not known")
}

/// What is wrong in an account, in a line.
fn fault(account: &CheckedAccount) -> String {
    let of = account.account.as_deref().map_or_else(String::new, |account| format!(" in account {account}"));
    match (&account.identity, &account.permissions) {
        (Err(_), _) => format!("there is no way to work{of}"),
        (Ok(_), Some(Permissions::Told { lacks, .. })) => {
            let actions = grouped(lacks).into_keys().map(|(action, _)| action).collect::<BTreeSet<_>>();
            match actions.len() {
                1 => format!("1 permission is missing{of}"),
                many => format!("{many} permissions are missing{of}"),
            }
        }
        (Ok(_), Some(Permissions::Unknown(_)) | None) => format!("nothing is known of the permissions{of}"),
    }
}

pub(super) fn document(checked: &Checked) -> Value {
    json!({
        "well": is_well(checked),
        "region": checked.region,
        "accounts": checked.accounts.iter().map(account_document).collect::<Vec<_>>(),
        "accounts_left_out": checked.left_out,
        "not_looked_at": NOT_LOOKED_AT,
    })
}

fn account_document(account: &CheckedAccount) -> Value {
    json!({
        "account": account.account,
        "own": account.is_own,
        "identity": account.identity.as_ref().ok(),
        "problem": account.identity.as_ref().err(),
        "credentials": account.source,
        "permissions": account.permissions.as_ref().map(|permissions| match permissions {
            Permissions::Unknown(why) => json!({ "known": false, "problem": why }),
            Permissions::Told { asked, lacks } => json!({
                "known": true,
                "asked": asked,
                "missing": lacks.iter().map(lack_document).collect::<Vec<_>>(),
            }),
        }),
    })
}

fn lack_document(lack: &Lack) -> Value {
    let keys: &[String] = if let Why::Conditional(keys) = &lack.why { keys } else { &[] };
    json!({
        "action": lack.action,
        "resource": lack.resource,
        "statement": lack.statement,
        "why": code(&lack.why),
        "condition_keys": keys,
        "needed_by": needing(&lack.action),
    })
}

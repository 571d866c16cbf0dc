//! What the client reads.

use tonic::Code;

use super::reasons::code_of;
use crate::{
    aws::{self, Effect, FailureKind},
    domain::{Noun, Scope},
    proto::ErrorReason,
};

/// Of a failure of AWS: what is wrong, with which name, what to do.
pub(super) fn of_failure(error: &aws::Failure, reason: ErrorReason) -> String {
    let failed = what_failed(error, reason);
    if error.done.is_empty() {
        failed
    } else {
        format!("{failed}; before that this call {}", error.done.join(", and "))
    }
}

fn what_failed(error: &aws::Failure, reason: ErrorReason) -> String {
    let thing = error.subject.as_ref().map(|subject| format!("{} {}", noun(subject.noun), shortened(&subject.name)));
    let thing = thing.unwrap_or_else(|| "the thing".to_owned());
    let said = shortened(&error.message);
    let operation = error.operation;
    // What the adapter itself found it has put into words; what AWS says stands behind ours.
    if error.aws_code.is_none() && error.source.is_none() {
        return said;
    }
    match reason {
        // This step was not done; what the call did before was.
        ErrorReason::OutcomeUnknown if error.effect == Effect::Partly => {
            let verb = if error.kind == FailureKind::Throttled { "throttles" } else { "fails at" };
            format!("AWS {verb} {operation} and did not do it ({said})")
        }
        ErrorReason::OutcomeUnknown => {
            format!("{operation} may or may not have happened ({said})")
        }
        ErrorReason::AwsUnavailable => format!("AWS did not do {operation} ({said}); nothing was changed: try again"),
        ErrorReason::DeadlineExceeded => format!("{said}; nothing was changed"),
        ErrorReason::AwsThrottled => format!("AWS throttles {operation} ({said}): try again later"),
        ErrorReason::AwsAccessDenied => {
            format!("AWS denies {operation} to Strongroom's identity ({said}): an operator has to grant the permission")
        }
        ErrorReason::AwsCredentials => not_accepted(operation, error.aws_code.as_deref().unwrap_or_default(), &said),
        ErrorReason::AwsRejectedArgument => format!("AWS refused a value in {operation}: {said}"),
        ErrorReason::AwsRejectedState => format!("AWS refuses {operation} in the present state of {thing}: {said}"),
        ErrorReason::AwsQuotaExceeded => {
            format!("an AWS quota is used up ({operation}: {said}): have it raised, or delete what is not needed")
        }
        ErrorReason::AwsConflict => format!("another change is under way ({operation}: {said}): try again"),
        ErrorReason::VaultMissingOrDenied => {
            format!("{thing} does not exist, or AWS denies access to it: Strongroom may not list vaults to tell which")
        }
        ErrorReason::VaultLocked => {
            format!("{thing} is locked: its recovery points can be neither deleted nor changed ({said})")
        }
        ErrorReason::RequestIdReused => {
            format!(
                "this request_id was used for another request ({said}): use a fresh one, or repeat the first request"
            )
        }
        ErrorReason::PlanHasSelections => format!("{thing} still has selections: delete them first"),
        ErrorReason::RecoveryPointBusy => format!("{thing} is in use by a job: try again when it has ended ({said})"),
        ErrorReason::JobNotCancellable => format!("AWS does not stop {thing}: {said}"),
        ErrorReason::RoleNotAssumable => {
            format!(
                "AWS Backup cannot assume {thing}, also after waiting for IAM ({said}): call GetServiceRole to see what it lacks"
            )
        }
        _ => match code_of(reason) {
            Code::NotFound if error.subject.is_none() => {
                format!("something that {operation} names does not exist, and AWS does not say plainly what ({said})")
            }
            Code::NotFound => format!("{thing} does not exist{}{}", place(error), error.meant),
            Code::AlreadyExists => format!("{thing} exists already ({said})"),
            _ => said,
        },
    }
}

/// Why AWS does not accept who asks, and what mends it: no permission does.
fn not_accepted(operation: &str, code: &str, said: &str) -> String {
    match code {
        "RequestTimeTooSkewed" | "RequestExpired" => {
            format!(
                "AWS does not take {operation} at the time by which it was signed ({said}): an operator has to set the \
                 clock of Strongroom's machine"
            )
        }
        "OptInRequired" | "SubscriptionRequiredException" | "RegionDisabledException" => {
            format!(
                "the account has not enabled the region, or not subscribed to the service, that {operation} goes to \
                 ({said}): an operator has to do that"
            )
        }
        // AWS says the same of credentials that it does not know and of a region that it does not know them in.
        "UnrecognizedClientException" | "InvalidClientTokenId" => {
            format!(
                "Strongroom has no valid AWS credentials for {operation} ({said}): an operator has to give it some, or to \
                 enable the region for the account, for AWS says the same of a region that is not enabled"
            )
        }
        _ => {
            format!("Strongroom has no valid AWS credentials for {operation} ({said}): an operator has to give it some")
        }
    }
}

/// Where a thing that is not there was looked for, if it could be elsewhere: a name does not tell, and IAM has no region.
fn place(error: &aws::Failure) -> String {
    let Some(scope) = &error.scope else { return String::new() };
    let Scope { account, region } = &**scope;
    match error.subject.as_ref().map(|subject| subject.noun) {
        Some(Noun::Account | Noun::Policy) | None => String::new(),
        Some(Noun::Role) => format!(" in account {account}"),
        Some(_) => format!(" in account {account}, region {region}"),
    }
}

/// At most 300 characters: AWS repeats whole policies and ARN lists in some messages.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(300) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

fn noun(noun: Noun) -> &'static str {
    match noun {
        Noun::Vault => "vault",
        Noun::Plan => "plan",
        Noun::Selection => "selection",
        Noun::Job => "job",
        Noun::RecoveryPoint => "recovery point",
        Noun::Resource => "resource",
        Noun::Role => "role",
        Noun::Policy => "policy",
        Noun::Key => "key",
        Noun::Topic => "topic",
        Noun::LegalHold => "legal hold",
        Noun::Account => "account",
        Noun::Incident => "incident",
        Noun::Approval => "approval",
    }
}

/// `resource_type` of `google.rpc.ResourceInfo`.
pub(super) fn resource_type(noun: Noun) -> &'static str {
    match noun {
        Noun::Vault => "strongroom.v1.Vault",
        Noun::Plan => "strongroom.v1.Plan",
        Noun::Selection => "strongroom.v1.Selection",
        Noun::Job => "strongroom.v1.Job",
        Noun::RecoveryPoint => "strongroom.v1.RecoveryPoint",
        Noun::Resource => "strongroom.v1.Resource",
        Noun::Role => "strongroom.v1.ServiceRole",
        // What the API has no message for has CloudFormation's name.
        Noun::Policy => "AWS::IAM::ManagedPolicy",
        Noun::Key => "AWS::KMS::Key",
        Noun::Topic => "AWS::SNS::Topic",
        Noun::LegalHold => "strongroom.v1.LegalHold",
        Noun::Account => "strongroom.v1.Account",
        Noun::Incident => "strongroom.v1.Incident",
        Noun::Approval => "strongroom.v1.Approval",
    }
}

//! What an answer to a call may be of which an operation of AWS failed.

use serde_json::Value;
use tonic::Code;

use super::{Answer, Case, Sort};

/// What is wrong with it.
pub(super) fn judge(case: &Case, operation: &str, sort: Sort, healthy: &Answer, struck: &Answer) -> Option<String> {
    match (struck, healthy) {
        (Err(struck), Err(healthy)) if struck.1 == healthy.1 => None,
        // AWS itself says that something is missing; what else it is that it denies to tell.
        (Err((Code::NotFound, ..)), Err((Code::NotFound, ..))) if sort == Sort::Denied => None,
        (Err((code, reason, message)), _) => of_error(sort, *code, reason, message),
        (Ok(struck), Ok(healthy)) => of_answer(case, operation, sort, healthy, struck),
        // What a job would fail for is only looked at: AWS itself accepts the job.
        (Ok(struck), Err(_)) if ["StartBackup", "StartCopy", "StartRestore", "PlanRestore"].contains(&&*case.rpc) => {
            let (found, _) = apart(struck);
            let owned: Vec<&Value> = found.iter().filter(|finding| owns_up(finding)).collect();
            let advised = |finding: &&Value| wrong_advice(sort, finding).is_none();
            let right = match sort {
                Sort::Passing => !owned.is_empty() && owned.iter().all(advised),
                // Beside one that stands for a place where Strongroom has no way.
                Sort::Denied => owned.iter().any(advised),
            };
            (!right).then(|| format!("it succeeds with {owned:?}"))
        }
        (Ok(struck), Err(error)) => Some(format!("it succeeds: {struck}, and not {error:?}")),
    }
}

/// Of a fault that passes, an error says so, and advises nobody to grant anything.
pub(super) fn of_error(sort: Sort, code: Code, reason: &str, message: &str) -> Option<String> {
    let right = match sort {
        Sort::Passing => ["AWS_THROTTLED", "AWS_UNAVAILABLE"].contains(&reason) && !advises_to_grant(message),
        Sort::Denied => code == Code::PermissionDenied,
    };
    (!right).then(|| format!("{code:?} {reason}: {message}"))
}

fn of_answer(case: &Case, operation: &str, sort: Sort, healthy: &Value, struck: &Value) -> Option<String> {
    let ((found, mut rest), (before, mut whole)) = (apart(struck), apart(healthy));
    let owned: Vec<&Value> = found.iter().filter(|finding| owns_up(finding) && !before.contains(finding)).collect();
    if owned.is_empty() {
        let otherwise = is_told_otherwise(case, operation, sort);
        return match found == before && rest == whole {
            true if otherwise => None,
            // What may have been meant is not asked where it could not be looked for.
            false if otherwise && rest == whole && unasked(&found) == unasked(&before) => None,
            true => Some("it says nothing of it".to_owned()),
            false => Some(format!("without a word it tells {struck}\n     instead of {healthy}")),
        };
    }
    for part in may_lack(&case.rpc) {
        for answer in [&mut rest, &mut whole] {
            answer.as_object_mut().unwrap().remove(*part);
        }
    }
    if rest != whole {
        return Some(format!("it tells {rest}\n     instead of {whole}\n     with {owned:?}"));
    }
    owned.into_iter().find_map(|finding| wrong_advice(sort, finding))
}

/// What an answer may tell otherwise as long as a finding says what could not be looked at.
fn may_lack(rpc: &str) -> &'static [&'static str] {
    match rpc {
        "ExplainProtection" => &[
            "verdict",
            "summary",
            "coverage",
            "nearMisses",
            "lastRecoveryPoint",
            "lastJob",
            "lastSuccessfulJob",
            "expectedIntervalMinutes",
            "resource",
        ],
        "ListUpcomingRuns" => &["runs", "nextPageToken"],
        "PlanRestore" => &["restoreToken", "restoreWindow"],
        "LockVault" => &["clashes"],
        _ => &[],
    }
}

/// The messages of findings, without the question what was meant.
fn unasked(findings: &[Value]) -> Vec<&str> {
    let messages = findings.iter().filter_map(|finding| finding["message"].as_str());
    messages.map(|message| message.split("; did you mean").next().unwrap_or_default()).collect()
}

/// Whether another answer of AWS tells the same for certain.
pub(super) fn is_told_otherwise(case: &Case, operation: &str, sort: Sort) -> bool {
    match (case.rpc.as_str(), operation) {
        // That AWS denies a vault says nothing, for it says so of one that is missing too: the list of vaults tells.
        (rpc, "DescribeBackupVault") => sort == Sort::Denied && rpc != "GetVault",
        // Done for real, AWS itself says whether the name is taken.
        ("CreateVault", "ListBackupVaults") => sort == Sort::Denied && case.request["validate_only"] != true,
        // What is not there is needed by no plan.
        ("DeleteVault", "GetBackupPlan" | "ListBackupPlans") => case.request["allow_missing"] == true,
        // They tell only what may have been meant: that the point is not there is told for certain.
        ("DeleteRecoveryPoint", "ListRecoveryPointsByBackupVault") => case.request["allow_missing"] == true,
        // This policy denies nothing that its maker needs, whoever that is.
        ("SetVaultAccessPolicy", "GetCallerIdentity") => true,
        _ => false,
    }
}

/// The findings of an answer, and the answer without them.
pub(super) fn apart(answer: &Value) -> (Vec<Value>, Value) {
    let mut rest = answer.clone();
    let findings = rest.as_object_mut().unwrap().remove("findings");
    (findings.and_then(|findings| findings.as_array().cloned()).unwrap_or_default(), rest)
}

/// Whether a finding says that something was not looked at.
pub(super) fn owns_up(finding: &Value) -> bool {
    let code = finding["code"].as_str().unwrap_or_default();
    code.ends_with("NOT_CHECKED") || code.ends_with("_NOT_READ")
}

/// What is wrong with its advice: only a denial is to be granted.
pub(super) fn wrong_advice(sort: Sort, finding: &Value) -> Option<String> {
    let text = |member: &str| finding[member].as_str().unwrap_or_default();
    let (message, action) = (text("message"), text("action"));
    let right = match sort {
        Sort::Passing => !advises_to_grant(action) && !message.contains("may not") && !message.contains("denies"),
        Sort::Denied => advises_to_grant(action),
    };
    (!right).then(|| format!("the wrong advice: {finding}"))
}

fn advises_to_grant(text: &str) -> bool {
    ["grant", "permission"].iter().any(|word| text.contains(word))
}

//! What a ledger has, a line of JSON each: in the words of the API's messages, where it has one for it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::convert::{approvals, timestamp};
use crate::{
    domain::{Arn, RecoveryPoint, RecoveryPointState, ResourceType},
    ledger::{Exported, KnownPoint, Reading},
    proto::{self, descriptors::json_of},
};

/// A line for a thing: its kind, and under the same name the thing itself.
pub fn line(thing: Exported) -> Value {
    let (kind, whole) = match thing {
        Exported::Ledger(head) => {
            let ledger = json!({ "epoch": head.epoch, "position": head.seq, "forgottenPosition": head.compacted });
            ("ledger", ledger)
        }
        Exported::Place(Reading { scope, history_start, as_of, filled }) => {
            let status = proto::ScopeStatus {
                scope: Some(scope.into()),
                as_of: as_of.map(timestamp),
                history_start_time: history_start.map(timestamp),
                ..Default::default()
            };
            let mut place = json_of("ScopeStatus", &status);
            place["filled"] = filled.into();
            ("place", place)
        }
        Exported::Job(job) => ("job", json_of("Job", &proto::Job::from(*job))),
        Exported::MissedRun(run) => ("missedRun", json_of("MissedRun", &proto::MissedRun::from(*run))),
        Exported::RecoveryPoint(point) => ("recoveryPoint", recovery_point(*point)),
        Exported::Incident(incident) => ("incident", json_of("Incident", &proto::Incident::from(*incident))),
        Exported::Approval(approval) => {
            ("approval", json_of("Approval", &approvals::told(*approval, Timestamp::now())))
        }
        Exported::Request { scope, operation, id, job, at } => {
            let scope = json_of("Scope", &proto::Scope::from(scope));
            let request = json!({
                "scope": scope, "operation": operation, "token": id, "jobId": job.as_str(), "time": at.to_string(),
            });
            ("request", request)
        }
    };
    json!({ "kind": kind, kind: whole })
}

/// The fields of a recovery point that are remembered; besides, when it was told last, and since when it is gone.
fn recovery_point(point: KnownPoint) -> Value {
    let (seen, gone) = (point.seen_at, point.gone_at);
    let known = |text: String| Some(text).filter(|text| !text.is_empty());
    let told = RecoveryPoint {
        vault_name: Arn::parse(&point.vault)
            .ok()
            .and_then(|arn| arn.resource_of_kind("backup-vault").map(str::to_owned)),
        vault_arn: known(point.vault),
        resource_arn: known(point.resource),
        resource_type: ResourceType::told(point.resource_type),
        state: RecoveryPointState::of_word(&point.state),
        created_at: point.created_at,
        delete_at: point.expires_at,
        backup_size_bytes: point.bytes,
        ..RecoveryPoint::blank(point.arn, point.scope)
    };
    let told = proto::RecoveryPoint::from(told);
    let mut told = json_of("RecoveryPoint", &told);
    told["seenTime"] = seen.to_string().into();
    if let Some(gone) = gone {
        told["goneTime"] = gone.to_string().into();
    }
    told
}

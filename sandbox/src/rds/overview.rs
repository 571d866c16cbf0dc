//! The databases as `/_sandbox/state` shows them. Tags stand in the region's one store.

use serde_json::{Value, json};

use super::{SnapshotKind, State};

impl State {
    /// Databases and snapshots with what tells them apart; RDS itself has the rest.
    pub(crate) fn overview(&self) -> Value {
        let instances = self.instances.values().map(|it| {
            json!({
                "arn": it.arn, "status": it.status.as_str(), "engine": it.settings.engine, "cluster": it.cluster,
                "backup_retention": it.settings.backup_retention, "backup_recovery_point": it.backup_recovery_point,
            })
        });
        let clusters = self.clusters.values().map(|it| {
            json!({
                "arn": it.arn, "status": it.status.as_str(), "engine": it.settings.engine, "members": it.members,
                "backup_retention": it.settings.backup_retention, "backup_recovery_point": it.backup_recovery_point,
            })
        });
        let snapshot = |arn: &str, source: &str, kind: SnapshotKind, created: jiff::Timestamp| json!({ "arn": arn, "of": source, "kind": kind.as_str(), "created": created.to_string() });
        let snapshots = self.snapshots.values().map(|it| snapshot(&it.arn, &it.instance, it.kind, it.created));
        let of_clusters = self.cluster_snapshots.values().map(|it| snapshot(&it.arn, &it.cluster, it.kind, it.created));
        json!({
            "instances": instances.collect::<Value>(),
            "clusters": clusters.collect::<Value>(),
            "snapshots": snapshots.chain(of_clusters).collect::<Value>(),
        })
    }
}

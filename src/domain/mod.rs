//! Nouns and rules of AWS Backup, pure: no I/O, no tonic, no AWS SDK.
//!
//! What comes off the wire becomes one of these types or an [`Invalid`] that lists every fault; what stands here is
//! valid by construction.

mod access_policy;
mod arn;
mod backup;
mod copy;
mod finding;
mod invalid;
mod job;
mod lifecycle;
mod names;
mod page;
mod period;
mod plan;
mod protection;
mod rds_window;
mod recovery_point;
mod region_settings;
mod request_id;
mod resource;
mod resource_type;
mod restore;
mod role;
mod schedule;
mod scope;
mod selection;
mod tags;
mod vault;
mod vault_lock;
mod vault_notifications;

pub use access_policy::AccessPolicy;
pub use arn::Arn;
pub use backup::{StartBackup, database_findings, database_warnings};
pub use copy::{Destination, StartCopy};
pub use finding::{Finding, Severity};
pub use invalid::{Fault, Faults, Invalid, Noted, Violation, quoted};
pub use job::{Job, JobFilter, JobId, JobKind, JobState, JobWait};
pub use lifecycle::{Lifecycle, Retention};
pub use names::{PlanName, RoleName, RolePath, RuleName, SelectionName, VaultName};
pub use page::{MAX_PAGE_SIZE, Page, PageRequest};
pub use period::Period;
pub use plan::{
    AdvancedSetting, CopyAction, MOST_COPIES, MOST_ENTRIES, MOST_RECOVERY_POINT_TAGS, MOST_RULES, NewPlan, NewRule,
    Plan, PlanContent, PlanRef, PlanUpdate, PreviewedRun, Rule, RulePreview, ScanAction, ScanSetting, Windows,
    check_rule_names, check_setting_word,
};
pub use protection::{
    Evidence, Explanation, JudgedSelection, NearMiss, Part, ProtectionVerdict, RuleCoverage, Unread, newest_usable,
};
pub use recovery_point::{PlanOrigin, RecoveryPoint, RecoveryPointQuery, RecoveryPointState};
pub use region_settings::{RegionSettings, SettingsUpdate};
pub use request_id::RequestId;
pub use resource::{ProtectedResource, Resource, ResourceKind, ResourceRef};
pub use resource_type::{TAGGED_KINDS, backup_type};
pub use restore::{
    PointInTime, RdsClusterRestore, RdsInstanceRestore, Restore, RestoreMetadata, RestoreSource, RestoreTarget,
    RestoreWindow, checks as restore_checks,
};
pub use role::{
    BACKUP_SERVICE, Change, ChangeKind, EnsureRole, RoleNeed, RoleRef, RoleState, ServedTypes, ServicePolicy, Trust,
    TrustRepair, judge as judge_trust, repair as repair_trust,
};
pub use schedule::{Schedule, ScheduledRun, TimeZone, Timetable};
pub use scope::{AccountId, AskedScope, RegionName, Scope};
pub use selection::{
    Candidate, Criteria, Eligibility, Maker, Match, Mismatch, MismatchKind, NewSelection, Operator, Predecessor,
    PreviewFilter, PreviewOf, PreviewedResource, ReplaceSelection, Replaced, ResourcePattern, Selection, SelectionRef,
    TagCondition, Tally, Verdict, check_condition_count,
};
pub use tags::{Tags, check_tag_keys};
pub use vault::{NewVault, Vault};
pub use vault_lock::{LockVault, RetentionClash, VaultLock};
pub use vault_notifications::VaultNotifications;

/// Something that was accepted and will surprise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Stable code, documented in docs/errors.md.
    pub code: &'static str,
    /// One sentence for people.
    pub message: String,
    /// Path of the request field; blank for the whole request.
    pub field: String,
}

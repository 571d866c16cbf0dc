//! Nouns and rules of AWS Backup, pure: no I/O, no tonic, no AWS SDK.
//!
//! What comes off the wire becomes one of these types or an [`Invalid`] that lists every fault; what stands here is
//! valid by construction.

mod access_policy;
mod account;
mod approval;
mod arn;
mod arn_form;
mod arn_noun;
mod asked;
mod backup;
mod copy;
mod deletion;
mod engine;
mod etag;
mod finding;
mod global_settings;
mod incident;
mod invalid;
mod job;
mod legal_hold;
mod lifecycle;
mod missed_run;
mod names;
mod nearest;
mod page;
mod period;
mod place;
mod plan;
#[cfg(any(test, fuzzing))]
pub mod properties;
mod protection;
mod rds_window;
mod recovery_point;
mod refusal;
mod region_names;
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
mod touched;
pub mod unmatched;
mod unseen;
mod vault;
mod vault_deletion;
mod vault_events;
mod vault_findings;
mod vault_lock;
mod vault_notifications;
mod vault_ref;

pub use access_policy::{AccessPolicy, Caller};
pub use account::Account;
pub use approval::{
    APPROVAL_HOLDS_FOR, Approval, ApprovalDecision, ApprovalState, DecideApproval, NewApproval, Person, Persons, Signer,
};
pub use arn::Arn;
pub use arn_noun::ArnNoun;
pub use asked::{Asked, Mode};
pub use backup::{StartBackup, database_findings};
pub use copy::{CheckedCopy, StartCopy};
pub use deletion::Deletion;
pub use engine::Engine;
pub use etag::check_etag;
pub use finding::{Finding, KeptFinding, Severity};
pub use global_settings::{GlobalSettings, GlobalSettingsUpdate};
pub use incident::{
    About, Acknowledge, Acknowledgement, Actor, Cause, Incident, IncidentQuery, IncidentState, MOST_COUNTED,
    PointChange, VaultPicture,
};
pub use invalid::{Fault, Faults, Invalid, Noted, Violation, quoted};
pub use job::{
    AfterRestore, ExplainedJob, FilterMembers, GetJob, Job, JobAsk, JobCounts, JobDimension, JobFilter, JobGroup,
    JobId, JobKind, JobOrder, JobOrigin, JobParts, JobQuery, JobState, JobSubject, JobWait, KnownJob, ListJobs,
    ReadFrom, SummarizeJobs,
};
pub use legal_hold::{
    CancelLegalHold, HeldCount, HeldPoint, HeldSelection, LegalHold, LegalHoldRef, LegalHoldState, NewLegalHold,
    WantedPoints,
};
pub use lifecycle::{Lifecycle, Retention};
pub use missed_run::{
    JobsMade, KnownJobs, Membership, MissedRun, PlanTiming, Renewed, RuleTiming, done_with, missed_runs,
};
pub use names::{PlanName, RoleName, RolePath, RuleName, SelectionName, VaultName};
pub use nearest::{QUESTION, arn_meant, did_you_mean, nearest, without_question};
pub use page::{Cursor, MAX_PAGE_SIZE, Page, PageRequest};
pub use period::Period;
pub use place::{Bond, Place};
pub use plan::{
    AdvancedSetting, CopyAction, DeletePlan, GetPlan, MOST_COPIES, MOST_ENTRIES, MOST_RECOVERY_POINT_TAGS, MOST_RULES,
    NewPlan, NewRule, NewScanSetting, Plan, PlanContent, PlanFilter, PlanRef, PlanUpdate, PreviewedRun, Rule,
    RulePreview, RuleVault, RunningPlan, ScanAction, ScanSetting, SeenKey, SeenVault, SeenVaults, Windows,
    check_own_plan, check_rule_names, check_setting_word,
};
pub(in crate::domain) use plan::{RuleRuns, gives_way};
pub use protection::{
    ArrangedPlan, Arrangements, BackupAge, CoveringRule, DatabaseProtection, Evidence, Explanation, FailedBackup,
    History, JudgedSelection, ListUpcomingRuns, Looked, NearMiss, Outlook, Part, PlanFigures, Promised, Protection,
    ProtectionFigures, ProtectionFilter, ProtectionOrder, ProtectionQuery, ProtectionVerdict, ProtectionWord,
    RuleCoverage, Survey, Unread, Upcoming, UpcomingFilter, UpcomingRun, newest_usable,
};
pub use recovery_point::{
    DeleteRecoveryPoint, KeptByHold, PlanOrigin, PointFilter, PointInVault, RecoveryPoint, RecoveryPointQuery,
    RecoveryPointState, UpdateLifecycle, continuous_end,
    continuous_end::{ContinuousEnd, DatabaseNow, EndingPoint, NoLongerMade, PlanNow, RuleNow},
    is_continuous,
};
pub use refusal::{Noun, Refusal, RefusalKind, Subject};
pub use region_settings::{RegionSettings, SettingsUpdate};
pub use request_id::RequestId;
pub use resource::{
    DatabaseIdentity, DatabaseRef, LastRestore, ProtectedResource, Resource, ResourceFilter, ResourceKind, ResourceRef,
};
pub use resource_type::{ResourceType, TAGGED_KINDS};
pub use restore::{
    PointInTime, RdsClusterRestore, RdsInstanceRestore, Restore, RestoreChecks, RestoreMetadata, RestoreSource,
    RestoreTarget, RestoreWindow, checks as restore_checks, settings as restore_settings,
};
pub use role::{
    BACKUP_SERVICE, Change, ChangeKind, CheckedRole, EnsureRole, GetRole, RoleNeed, RoleRef, RoleState, ServedTypes,
    ServicePolicy, Trust, TrustRepair, judge as judge_trust, repair as repair_trust,
};
pub use schedule::{Schedule, ScheduleText, ScheduledRun, TimeZone, Timetable};
pub use scope::{AccountId, AskedScope, RegionName, Scope};
pub use selection::{
    Candidate, Criteria, DeleteSelection, Eligibility, Maker, Match, Mismatch, MismatchKind, NewSelection, Operator,
    Predecessor, PreviewFilter, PreviewOf, PreviewedResource, ReplaceSelection, Replaced, ResourcePattern,
    SavedSelection, Selection, SelectionRef, TagCondition, Tally, Verdict, check_condition_count,
};
pub use tags::{TagResource, Tagged, Tags, UntagResource, check_tag_keys, given_before};
pub use touched::{Touched, TouchedThing};
pub use unseen::{Hindrance, Unseen};
pub use vault::{DeleteVault, NewVault, OfVault, Vault, VaultSetting};
pub use vault_deletion::{Undeleted, VaultDeletion};
pub use vault_lock::{LockVault, LockedVault, RetentionClash, VaultLock};
pub use vault_notifications::{TopicRef, VaultNotifications};
pub use vault_ref::{KeyRef, VaultRef};

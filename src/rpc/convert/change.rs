//! What every change has: a `request_id` in its request and in its answer.

use crate::proto;

/// A request of a change.
pub(in crate::rpc) trait Change {
    fn request_id(&self) -> &str;
    fn set_request_id(&mut self, id: &str);
}

/// The answer of a change.
pub(in crate::rpc) trait Changed {
    fn tell_request_id(&mut self, id: String);
    fn tell_finding(&mut self, finding: proto::Finding);
}

macro_rules! changes {
    ($($request:ident => $answer:ident),+ $(,)?) => {$(
        impl Change for proto::$request {
            fn request_id(&self) -> &str {
                &self.request_id
            }

            fn set_request_id(&mut self, id: &str) {
                id.clone_into(&mut self.request_id);
            }
        }

        impl Changed for proto::$answer {
            fn tell_request_id(&mut self, id: String) {
                self.request_id = id;
            }

            fn tell_finding(&mut self, finding: proto::Finding) {
                self.findings.push(finding);
            }
        }
    )+};
}

changes!(
    AcknowledgeIncidentRequest => AcknowledgeIncidentResponse,
    ApproveRequest => ApproveResponse,
    CancelJobRequest => CancelJobResponse,
    CancelLegalHoldRequest => CancelLegalHoldResponse,
    CreateLegalHoldRequest => CreateLegalHoldResponse,
    CreatePlanRequest => CreatePlanResponse,
    CreateSelectionRequest => CreateSelectionResponse,
    CreateVaultRequest => CreateVaultResponse,
    DeletePlanRequest => DeletePlanResponse,
    DeleteRecoveryPointRequest => DeleteRecoveryPointResponse,
    DeleteSelectionRequest => DeleteSelectionResponse,
    DeleteVaultAccessPolicyRequest => DeleteVaultAccessPolicyResponse,
    DeleteVaultNotificationsRequest => DeleteVaultNotificationsResponse,
    DeleteVaultRequest => DeleteVaultResponse,
    DisassociateRecoveryPointRequest => DisassociateRecoveryPointResponse,
    EnsureServiceRoleRequest => EnsureServiceRoleResponse,
    LockVaultRequest => LockVaultResponse,
    RejectRequest => RejectResponse,
    ReplaceSelectionRequest => ReplaceSelectionResponse,
    RequestApprovalRequest => RequestApprovalResponse,
    SetVaultAccessPolicyRequest => SetVaultAccessPolicyResponse,
    SetVaultNotificationsRequest => SetVaultNotificationsResponse,
    StartBackupRequest => StartBackupResponse,
    StartCopyRequest => StartCopyResponse,
    StartRestoreRequest => StartRestoreResponse,
    TagResourceRequest => TagResourceResponse,
    UnlockVaultRequest => UnlockVaultResponse,
    UntagResourceRequest => UntagResourceResponse,
    UpdateGlobalSettingsRequest => UpdateGlobalSettingsResponse,
    UpdatePlanRequest => UpdatePlanResponse,
    UpdateRecoveryPointLifecycleRequest => UpdateRecoveryPointLifecycleResponse,
    UpdateRegionSettingsRequest => UpdateRegionSettingsResponse,
);

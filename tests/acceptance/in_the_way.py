"""What keeps good requests from being done in the world of the tests of bad ones."""

# The world of the test is in the way, whose server follows nothing: the same error with `validate_only` as without.
IN_THE_WAY = {
    "AccessService/Approve": "POLICIES_NOT_KEPT",
    "AccessService/ExplainAccess": "POLICIES_NOT_KEPT",
    "AccessService/GetApproval": "POLICIES_NOT_KEPT",
    "AccessService/ListApprovals": "POLICIES_NOT_KEPT",
    "AccessService/Reject": "POLICIES_NOT_KEPT",
    "AccessService/RequestApproval": "POLICIES_NOT_KEPT",
    "JobService/CancelJob": "JOB_NOT_CANCELLABLE",
    "JobService/SummarizeJobs": "SCOPE_NOT_FOLLOWED",
    "PlanService/DeletePlan": "PLAN_HAS_SELECTIONS",
    "ProtectionService/AcknowledgeIncident": "INCIDENT_NOT_FOUND",
    "ProtectionService/GetCoverage": "SCOPE_NOT_FOLLOWED",
    "ProtectionService/ListIncidents": "SCOPE_NOT_FOLLOWED",
    "ProtectionService/ListProtection": "SCOPE_NOT_FOLLOWED",
    "VaultService/DeleteVault": "VAULT_NOT_EMPTY",
}

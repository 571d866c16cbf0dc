//! What AWS's error codes mean.

use super::FailureKind;

/// The kind that an error code of AWS stands for; by the HTTP status where the code is not known.
pub(in crate::aws) fn classify(code: &str, status: u16) -> FailureKind {
    match code {
        "InvalidParameterValueException"
        | "MissingParameterValueException"
        | "ValidationException"
        | "ValidationError"
        | "InvalidParameterValue"
        | "InvalidParameterCombination"
        | "InvalidParameterException"
        | "InvalidInput"
        | "MalformedPolicyDocument"
        | "SerializationException"
        | "KMSKeyNotAccessibleFault" => FailureKind::Rejected,
        "AlreadyExistsException" | "EntityAlreadyExists" => FailureKind::AlreadyExists,
        "InvalidRequestException"
        | "InvalidResourceStateException"
        | "InvalidDBInstanceState"
        | "InvalidDBClusterStateFault"
        | "InvalidDBSnapshotState"
        | "PolicyNotAttachable"
        | "UnmodifiableEntity" => FailureKind::State,
        "AccessDeniedException" | "AccessDenied" | "UnauthorizedOperation" | "NotAuthorized" => FailureKind::Denied,
        "ExpiredTokenException"
        | "ExpiredToken"
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        // The clock by which a request was signed, and what the account has not subscribed to or not enabled: no grant helps.
        | "RequestTimeTooSkewed"
        | "RequestExpired"
        | "OptInRequired"
        | "SubscriptionRequiredException"
        | "RegionDisabledException" => FailureKind::Credentials,
        // A quota, whatever the SDK's list of throttling codes says (docs/aws-backup-semantics.md, section 0.10).
        "LimitExceededException" | "LimitExceeded" => FailureKind::Quota,
        "ConflictException" | "ConcurrentModification" | "ConcurrentModificationException" | "DeleteConflict" => {
            FailureKind::Conflict
        }
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "TooManyRequestsException"
        | "SlowDown"
        | "BandwidthLimitExceeded"
        | "ProvisionedThroughputExceededException"
        | "PriorRequestNotComplete"
        | "TransactionInProgressException"
        | "EC2ThrottledException" => FailureKind::Throttled,
        "ServiceUnavailableException"
        | "ServiceUnavailable"
        | "InternalError"
        | "IDPCommunicationError"
        | "IDPCommunicationErrorException"
        | "DependencyFailureException"
        | "ServiceFailure"
        | "InternalServiceException"
        | "InternalFailure"
        | "RequestTimeout"
        | "RequestTimeoutException" => FailureKind::Unavailable,
        // KMS has a word of its own [D].
        "NoSuchEntity" | "NoSuchEntityException" | "ResourceNotFoundException" | "NotFoundException" => {
            FailureKind::NotFound
        }
        // SQS has two words for each: that of its present protocol, and that of its old one, which the SDK prefers [M].
        "QueueDoesNotExist" | "AWS.SimpleQueueService.NonExistentQueue" => FailureKind::NotFound,
        "KmsAccessDenied" | "KMS.AccessDeniedException" => FailureKind::Denied,
        "KmsThrottled" | "KMS.ThrottlingException" => FailureKind::Throttled,
        _ if code.ends_with("QuotaExceeded") || code.ends_with("QuotaExceededFault") => FailureKind::Quota,
        _ if code.ends_with("NotFound") || code.ends_with("NotFoundFault") => FailureKind::NotFound,
        _ if code.ends_with("AlreadyExists") || code.ends_with("AlreadyExistsFault") => FailureKind::AlreadyExists,
        _ => match status {
            401 | 403 => FailureKind::Denied,
            // Only a word that AWS documents for it says that something is missing: an unknown 404 is one of whatever stands
            // between, such as a proxy, or of an operation that is not there.
            404 | 408 => FailureKind::Unavailable,
            429 => FailureKind::Throttled,
            400..500 => FailureKind::Rejected,
            _ => FailureKind::Unavailable,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_not_throttling() {
        assert_eq!(classify("LimitExceededException", 400), FailureKind::Quota);
        assert_eq!(classify("InstanceQuotaExceeded", 400), FailureKind::Quota);
        assert_eq!(classify("ThrottlingException", 400), FailureKind::Throttled);
    }

    #[test]
    fn a_code_of_tomorrow_is_judged_by_its_status() {
        for (status, kind) in [
            (400, FailureKind::Rejected),
            (403, FailureKind::Denied),
            (404, FailureKind::Unavailable),
            (408, FailureKind::Unavailable),
            (429, FailureKind::Throttled),
            (503, FailureKind::Unavailable),
        ] {
            assert_eq!(classify("SomethingNewException", status), kind);
        }
    }

    #[test]
    fn rds_says_missing_with_and_without_fault() {
        assert_eq!(classify("DBInstanceNotFound", 404), FailureKind::NotFound);
        assert_eq!(classify("DBClusterNotFoundFault", 404), FailureKind::NotFound);
    }

    #[test]
    fn a_queue_is_missing_or_denied_in_the_words_of_either_protocol() {
        for (code, kind) in [
            ("QueueDoesNotExist", FailureKind::NotFound),
            ("AWS.SimpleQueueService.NonExistentQueue", FailureKind::NotFound),
            ("AccessDenied", FailureKind::Denied),
            ("AccessDeniedException", FailureKind::Denied),
            ("KMS.AccessDeniedException", FailureKind::Denied),
            ("RequestThrottled", FailureKind::Throttled),
            ("KmsThrottled", FailureKind::Throttled),
            ("InvalidAddress", FailureKind::Rejected),
        ] {
            assert_eq!(classify(code, 400), kind, "{code}");
        }
    }

    #[test]
    fn kms_says_missing_with_400() {
        assert_eq!(classify("NotFoundException", 400), FailureKind::NotFound);
    }

    #[test]
    fn a_clock_that_is_wrong_and_a_region_that_is_off_are_no_denial() {
        for (code, status) in [
            ("RequestTimeTooSkewed", 403),
            ("RequestExpired", 400),
            ("OptInRequired", 403),
            ("SubscriptionRequiredException", 403),
        ] {
            assert_eq!(classify(code, status), FailureKind::Credentials, "{code}");
        }
    }
}

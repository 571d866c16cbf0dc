//! The error shapes of AWS Backup (docs/aws-backup-semantics.md, section 1.3), one constructor for each.

use crate::call::AwsError;

/// AE, 400: the same vault name, plan document or selection name. Names what exists and the token it was made with.
pub fn already_exists(message: impl Into<String>, arn: &str, creator_request_id: Option<&str>) -> AwsError {
    let error = AwsError::new(400, "AlreadyExistsException", message).with("Arn", arn);
    match creator_request_id {
        Some(id) => error.with("CreatorRequestId", id),
        None => error,
    }
}

/// IPV, 400: a bad value; a role that can't be assumed; a bad lifecycle; an unknown plan of a selection.
pub fn invalid_parameter(message: impl Into<String>) -> AwsError {
    AwsError::new(400, "InvalidParameterValueException", message)
}

/// IR, 400: the wrong state of affairs, such as a plan that still has selections or a vault that is not empty.
pub fn invalid_request(message: impl Into<String>) -> AwsError {
    AwsError::new(400, "InvalidRequestException", message)
}

/// IRS, 400: a recovery point that is busy.
pub fn invalid_resource_state(message: impl Into<String>) -> AwsError {
    AwsError::new(400, "InvalidResourceStateException", message)
}

/// LE, 400: a quota. SDKs take this code for throttling and retry it `[X]`.
pub fn limit_exceeded(message: impl Into<String>) -> AwsError {
    AwsError::new(400, "LimitExceededException", message)
}

/// MPV, 400: the required `member` is absent.
pub fn missing_parameter(member: &str) -> AwsError {
    AwsError::new(400, "MissingParameterValueException", format!("{member} is required and was not provided"))
}

/// RNF, **400** `[D]`: a plan, job, recovery point, selection, or what a vault has not been given.
pub fn not_found(message: impl Into<String>) -> AwsError {
    AwsError::new(400, "ResourceNotFoundException", message)
}

/// 403, not in the model: what AWS says of a vault that does not exist `[Q][D]`.
pub fn access_denied() -> AwsError {
    AwsError::new(403, "AccessDeniedException", "Insufficient privileges to perform this action.")
}

/// 400, not in the model: the body is no JSON, or a member has the wrong type.
pub fn serialization(message: impl Into<String>) -> AwsError {
    AwsError::new(400, "SerializationException", message)
}

//! What holds of every answer, whatever was asked.

use prost::Message;
use prost_reflect::DynamicMessage;
use strongroom::proto::ErrorReason;
use tonic::{Code, Status, metadata::KeyAndValueRef};
use tonic_types::StatusExt;

/// The most that gRPC's clients take of an answer unless they are told otherwise.
const LARGEST_ANSWER: usize = 4 * 1024 * 1024;

/// The most that gRPC's clients take of headers and trailers.
const LARGEST_HEADERS: usize = 8 * 1024;

/// What came of a call, in one word: `OK` or the reason.
pub(crate) fn judge(answer: &Result<DynamicMessage, Status>) -> Result<String, String> {
    match answer {
        Ok(answer) => {
            let size = answer.encoded_len();
            if size > LARGEST_ANSWER { Err(format!("an answer of {size} bytes")) } else { Ok("OK".to_owned()) }
        }
        Err(status) => judge_error(status),
    }
}

fn judge_error(status: &Status) -> Result<String, String> {
    let Some(info) = status.get_details_error_info() else {
        return Err(format!("no ErrorInfo ({})", status.code()));
    };
    let known = ErrorReason::from_str_name(&format!("ERROR_REASON_{}", info.reason));
    // AWS is well all the time.
    let impossible = match known {
        None | Some(ErrorReason::Unspecified) => Some("a reason that the API does not have"),
        Some(ErrorReason::Internal) => Some("a fault of Strongroom"),
        Some(ErrorReason::AwsUnavailable | ErrorReason::OutcomeUnknown | ErrorReason::AwsThrottled) => {
            Some("AWS is said to be ill, which is well")
        }
        Some(ErrorReason::Overloaded | ErrorReason::ShuttingDown) => {
            Some("the server is said to be busy, which is idle")
        }
        Some(_) => None,
    };
    if let Some(fault) = impossible {
        return Err(format!("{fault}: {}", info.reason));
    }
    if info.domain != "strongroom" {
        return Err(format!("an ErrorInfo of the domain {:?}", info.domain));
    }
    if matches!(status.code(), Code::Ok | Code::Internal | Code::Unknown | Code::DataLoss | Code::Unimplemented) {
        return Err(format!("the code {}", status.code()));
    }
    if status.message().is_empty() {
        return Err("an error without a word".to_owned());
    }
    let size = size_of_headers(status);
    if size > LARGEST_HEADERS {
        return Err(format!("an error of {size} bytes of headers"));
    }
    if info.reason == "INVALID_REQUEST" {
        let violations = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
        if !violations.iter().any(|violation| !violation.field.is_empty() && !violation.description.is_empty()) {
            return Err("an invalid request of which no fault is told".to_owned());
        }
    }
    Ok(info.reason)
}

/// As HTTP/2 counts them: 32 bytes on top of each.
fn size_of_headers(status: &Status) -> usize {
    // Percent-encoded: three for one, but for letters, digits and some signs.
    let plain = |byte: u8| matches!(byte, b'!' | b'$' | b'&'..=b';' | b'=' | b'@'..=b'_' | b'a'..=b'z' | b'|' | b'~');
    let message: usize = status.message().bytes().map(|byte| if plain(byte) { 1 } else { 3 }).sum();
    let details = status.details().len().div_ceil(3) * 4;
    let others: usize = status
        .metadata()
        .iter()
        .map(|pair| match pair {
            KeyAndValueRef::Ascii(key, value) => key.as_str().len() + value.as_encoded_bytes().len() + 32,
            KeyAndValueRef::Binary(key, value) => key.as_str().len() + value.as_encoded_bytes().len() + 32,
        })
        .sum();
    "grpc-message".len() + 32 + message + "grpc-status-details-bin".len() + 32 + details + others
}

/// Whether such an answer says that nothing was changed: of faults in the request it is certain, and of what a rule or AWS
/// refuses, unless the answer says what was done before.
pub(crate) fn changes_nothing(answer: &Result<DynamicMessage, Status>) -> bool {
    answer.as_ref().is_err_and(|status| !status.message().contains("before that this call"))
}

//! What holds of whatever token comes back; as `domain::properties`, in no build that ships.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use prost::Message;

use tonic::Status;
use tonic_types::StatusExt;

use super::{page_token::Query, restore_token, resume_token::Watched, status::Failure};
use crate::{
    domain::{Cursor, Invalid, RestoreMetadata, Violation},
    ledger::{IncidentPosition, JobPosition},
    proto::{JobFilter, ListVaultsRequest, PlanRestoreRequest},
};

/// What any text is as a page's token: nothing, or the token of the cursor that is read from it.
pub fn page_token(text: &str) {
    let query = Query::of("ListVaults", &ListVaultsRequest::default());
    if let Ok(Some(cursor)) = query.cursor(text) {
        assert_eq!(query.cursor(&query.token(&cursor)), Ok(Some(cursor)));
    }
}

/// A page's token leads back to its cursor, for its query alone, and with any byte altered nowhere.
pub fn altered_page_token(part: &str, skip: u16, token: &str, at: usize, altered: u8) {
    let part = part.chars().filter(char::is_ascii_graphic).collect();
    let cursor = Cursor {
        part,
        skip: usize::from(skip) % 1000,
        token: Some(token.to_owned()).filter(|token| !token.is_empty()),
    };
    let query = Query::of("ListVaults", &ListVaultsRequest::default());
    let text = query.token(&cursor);
    assert_eq!(query.cursor(&text), Ok(Some(cursor)));
    assert!(Query::of("ListPlans", &ListVaultsRequest::default()).cursor(&text).is_err());
    if let Some(damaged) = damaged(&text, at, altered) {
        assert!(query.cursor(&damaged).is_err(), "{damaged} is taken for {text}");
    }
}

/// What any text is as the token of a watch, and as a position in a list of the ledger: nothing, or what is read from it.
pub fn ledger_token(text: &str) {
    let watched = Watched::of(&Query::of("WatchJobs", &JobFilter::default()), &[]);
    if let Ok(Some(position)) = watched.position(text) {
        assert_eq!(watched.position(&watched.token(&position.epoch, position.seq)), Ok(Some(position)));
    }
    if let Some(position) = JobPosition::parse(text) {
        assert_eq!(JobPosition::parse(&position.to_string()), Some(position));
    }
    if let Some(position) = IncidentPosition::parse(text) {
        assert_eq!(IncidentPosition::parse(&position.to_string()), Some(position));
    }
}

/// The token of a watch leads back to its position, for its filter alone, and with any byte altered nowhere.
pub fn altered_resume_token(epoch: &str, seq: i64, at: usize, altered: u8) {
    let watched = |filter: &JobFilter| Watched::of(&Query::of("WatchJobs", filter), &[]);
    let (watch, seq) = (watched(&JobFilter::default()), seq.max(0));
    let text = watch.token(epoch, seq);
    let position = watch.position(&text).map(|position| position.map(|it| (it.epoch, it.seq)));
    assert_eq!(position, Ok(Some((epoch.to_owned(), seq))));
    let other = JobFilter { message_contains: "quota".to_owned(), ..JobFilter::default() };
    assert!(watched(&other).position(&text).is_err());
    if let Some(damaged) = damaged(&text, at, altered) {
        assert!(watch.position(&damaged).is_err(), "{damaged} is taken for {text}");
    }
}

/// A restore token stands for its request, and with any byte altered for nothing. `request` is one as it stands on the wire.
pub fn restore_token(request: &[u8], value: &str, at: usize, altered: u8) {
    let Ok(request) = PlanRestoreRequest::decode(request) else { return };
    let metadata: RestoreMetadata = [("DBInstanceIdentifier".to_owned(), value.to_owned())].into_iter().collect();
    let text = restore_token::write(&request, &metadata);
    match restore_token::read(&text) {
        Ok((read, planned)) => {
            assert_eq!(read, request);
            assert_eq!(planned, restore_token::Planned::of(&metadata));
        }
        Err(fault) => assert!(text.len() > 64 * 1024, "{fault:?}"),
    }
    if let Some(damaged) = damaged(&text, at, altered) {
        assert!(restore_token::read(&damaged).is_err(), "{damaged} is taken for {text}");
    }
    assert!(restore_token::read(value).is_err(), "nobody writes one by chance");
}

/// Whatever is wrong with a request, its answer fits into the headers that gRPC's clients take, and tells at least one fault.
pub fn refusal(faults: &[(&str, &str)]) {
    const LARGEST: usize = 8 * 1024;
    let violation =
        |(field, what): &(&str, &str)| Violation { field: format!(".{field}"), description: format!("is {what}") };
    let invalid = Invalid { violations: faults.iter().map(violation).collect() };
    let status = Status::from(Failure::Invalid(invalid));
    let told = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
    assert!(
        faults.is_empty() || told.iter().any(|violation| !violation.field.is_empty()),
        "no fault is told: {told:?}"
    );
    let answer = status.into_http::<()>();
    let size: usize = answer.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum();
    assert!(size <= LARGEST, "an answer of {size} bytes of headers");
}

/// The token with another byte in one place, before it is written as text.
fn damaged(token: &str, at: usize, altered: u8) -> Option<String> {
    let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
    let at = at % bytes.len().max(1);
    let byte = bytes.get_mut(at).filter(|byte| **byte != altered)?;
    *byte = altered;
    Some(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    #[test]
    fn a_thousand_short_faults_are_told_within_a_header_too() {
        super::refusal(&[("", ""); 1000]);
    }

    proptest! {
        #[test]
        fn page_token(text in prop_oneof!["[A-Za-z0-9_-]{0,60}", "\\PC{0,60}"]) {
            super::page_token(&text);
        }

        #[test]
        fn altered_page_token(part in "[!-~]{0,20}", skip: u16, token in "\\PC{0,60}", at: usize, altered: u8) {
            super::altered_page_token(&part, skip, &token, at, altered);
        }

        #[test]
        fn ledger_token(text in prop_oneof!["[0-9a-z.-]{0,60}", "[A-Za-z0-9_-]{0,60}", "\\PC{0,60}"]) {
            super::ledger_token(&text);
        }

        #[test]
        fn altered_resume_token(epoch in "\\PC{0,40}", seq: i64, at: usize, altered: u8) {
            super::altered_resume_token(&epoch, seq, at, altered);
        }

        #[test]
        fn refusal(faults in prop::collection::vec(("\\PC{0,30}|a{0,9000}", "\\PC{0,900}|.{0,900}|a{0,9000}"), 0..12)) {
            let faults: Vec<(&str, &str)> = faults.iter().map(|(field, what)| (field.as_str(), what.as_str())).collect();
            super::refusal(&faults);
        }

        #[test]
        fn restore_token(vault in "\\PC{0,40}", tags: bool, value in "\\PC{0,40}", at: usize, altered: u8) {
            use prost::Message;
            let restore = crate::proto::Restore { vault, copy_source_tags: tags, ..Default::default() };
            let request = crate::proto::PlanRestoreRequest { restore: Some(restore), ..Default::default() };
            super::restore_token(&request.encode_to_vec(), &value, at, altered);
        }
    }
}

//! Legal holds.

mod changes;
mod keeping;

use aws_sdk_backup::{
    operation::get_legal_hold::GetLegalHoldOutput,
    types::{DateRange, LegalHold as ListedHold, LegalHoldStatus, RecoveryPointMember, RecoveryPointSelection},
};
use futures_util::TryStreamExt;
use jiff::SignedDuration;
pub(super) use keeping::Hold;
use uuid::Uuid;

use super::{
    Error, Failure, FailureKind, Scoped,
    call::{Operation, ask},
    date, just_before,
    pages::pages,
    time,
};
use crate::domain::{
    Cursor, HeldPoint, HeldSelection, LegalHold, LegalHoldRef, LegalHoldState, MAX_PAGE_SIZE, Noun, Page, PageRequest,
    Period, Refusal, RefusalKind, Scope, did_you_mean,
};

const GET: Operation = Operation::read("backup", "GetLegalHold");
const LIST: Operation = Operation::read("backup", "ListLegalHolds");
const LIST_POINTS: Operation = Operation::read("backup", "ListRecoveryPointsByLegalHold");

impl Scoped {
    /// A legal hold with its tags, also a cancelled one whose record AWS keeps.
    pub async fn get_legal_hold(&self, hold: &LegalHoldRef) -> Result<LegalHold, Error> {
        let hold = self.legal_hold(hold, Several::Refused).await?;
        Ok(self.with_tags_of_hold(hold).await?)
    }

    /// A page of legal holds in one of these states, or in any; without what they keep, and without tags.
    pub async fn list_legal_holds(
        &self,
        states: &[LegalHoldState],
        page: &PageRequest,
    ) -> Result<Page<LegalHold>, Error> {
        let sent = self.clients.backup.list_legal_holds().max_results(page.size.into()).set_next_token(page.token());
        let answer = self.read(LIST, ask!(sent)).await?;
        let holds = answer.legal_holds.unwrap_or_default().into_iter().map(|hold| listed(hold, self.scope()));
        let items = holds.filter(|hold| states.is_empty() || states.contains(&hold.state)).collect();
        Ok(Page { items, next: answer.next_token.map(Cursor::at) })
    }

    /// A page of the recovery points that a legal hold keeps.
    pub async fn list_legal_hold_recovery_points(
        &self,
        hold: &LegalHoldRef,
        page: &PageRequest,
    ) -> Result<Page<HeldPoint>, Error> {
        // AWS has no word of its own here for a hold that is missing [M].
        let hold = self.legal_hold(hold, Several::Refused).await?;
        Ok(self.points_of_hold(&hold.id, page).await?)
    }
}

/// What is done where several holds have a title, and all of them are cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Several {
    /// Nobody knows which is meant.
    Refused,
    /// The one that was cancelled last.
    Last,
}

impl Scoped {
    /// The hold, without tags. What may be an id is looked up as one first; a title costs the list of holds.
    async fn legal_hold(&self, named: &LegalHoldRef, several: Several) -> Result<LegalHold, Error> {
        let text = match named {
            LegalHoldRef::Id(id) => {
                return match self.describe_hold(id).await {
                    Err(missing) if missing.kind == FailureKind::NotFound => {
                        Err(Failure { meant: self.meant_hold(id).await.into(), ..missing }.into())
                    }
                    answer => Ok(answer?),
                };
            }
            LegalHoldRef::Named(text) => text,
        };
        if Uuid::try_parse(text).is_ok() {
            match self.describe_hold(text).await {
                Err(error) if error.kind == FailureKind::NotFound => {}
                answer => return Ok(answer?),
            }
        }
        let id = chosen(text, self.every_hold().await?, several)?;
        Ok(self.describe_hold(&id).await?)
    }

    /// Every hold, without what it keeps.
    async fn every_hold(&self) -> Result<Vec<LegalHold>, Failure> {
        let holds = pages(|token| async move {
            let sent = self.clients.backup.list_legal_holds().max_results(MAX_PAGE_SIZE.into()).set_next_token(token);
            let answer = self.read(LIST, ask!(sent)).await?;
            Ok::<_, Failure>((answer.legal_holds.unwrap_or_default(), answer.next_token))
        });
        let holds: Vec<ListedHold> = holds.try_concat().await?;
        Ok(holds.into_iter().map(|hold| listed(hold, self.scope())).collect())
    }

    /// The question which hold was meant by an id that none has; blank where the holds cannot be listed.
    async fn meant_hold(&self, id: &str) -> String {
        did_you_mean(id, self.every_hold().await.iter().flatten().map(|hold| hold.id.as_str()))
    }

    /// A hold as AWS describes it, without tags.
    async fn describe_hold(&self, id: &str) -> Result<LegalHold, Failure> {
        let sent = self.clients.backup.get_legal_hold().legal_hold_id(id);
        let answer = self.read(GET, ask!(sent)).await.map_err(|error| error.about(Noun::LegalHold, id))?;
        Ok(described(answer, self.scope()))
    }

    /// Of a cancelled hold AWS may have forgotten the tags before the rest `[U]`.
    async fn with_tags_of_hold(&self, hold: LegalHold) -> Result<LegalHold, Failure> {
        match self.backup_tags(&hold.arn).await {
            Ok(tags) => Ok(LegalHold { tags, ..hold }),
            Err(error) if error.kind == FailureKind::NotFound && hold.state.is_over() => Ok(hold),
            Err(error) => Err(error.about(Noun::LegalHold, &hold.id)),
        }
    }

    async fn points_of_hold(&self, id: &str, page: &PageRequest) -> Result<Page<HeldPoint>, Failure> {
        let sent = self.clients.backup.list_recovery_points_by_legal_hold().legal_hold_id(id);
        let sent = sent.max_results(page.size.into()).set_next_token(page.token());
        let answer = self.read(LIST_POINTS, ask!(sent)).await.map_err(|error| error.about(Noun::LegalHold, id))?;
        let points = answer.recovery_points.unwrap_or_default();
        let items = points.into_iter().map(|point| held(point, self.scope())).collect();
        Ok(Page { items, next: answer.next_token.map(Cursor::at) })
    }
}

/// The hold that is meant by its id or its title: the one alone that is not cancelled, or else the one alone that is.
fn chosen(text: &str, all: Vec<LegalHold>, several: Several) -> Result<String, Refusal> {
    let question = did_you_mean(text, all.iter().flat_map(|hold| [hold.id.as_str(), hold.title.as_str()]));
    let holds = all.into_iter().filter(|hold| hold.id == text || hold.title == text).collect::<Vec<_>>();
    let refuse = |kind, message: String| Err(Refusal::of(kind, Noun::LegalHold, text, message));
    if let Some(hold) = holds.iter().find(|hold| hold.id == text) {
        return Ok(hold.id.clone());
    }
    let (over, standing): (Vec<_>, Vec<_>) = holds.into_iter().partition(|hold| hold.state.is_over());
    let mut meant = if standing.is_empty() { over } else { standing };
    meant.sort_by_key(|hold| std::cmp::Reverse((hold.cancelled_at, hold.created_at)));
    match (meant.as_slice(), several) {
        ([], _) => {
            let message = format!("no legal hold has the id or title \"{}\"{question}", text.escape_debug());
            refuse(RefusalKind::NotFound, message)
        }
        ([hold], _) => Ok(hold.id.clone()),
        ([last, ..], Several::Last) if last.state.is_over() => Ok(last.id.clone()),
        (all, _) => {
            let some = all.iter().take(5).map(|hold| format!("{} ({})", hold.id, hold.state.word()));
            let some = some.collect::<Vec<_>>().join(", ");
            let count = all.len();
            let message = format!(
                "{count} legal holds have the title \"{}\": name the one you mean by its id: {some}",
                text.escape_debug()
            );
            refuse(RefusalKind::Ambiguous, message)
        }
    }
}

fn described(answer: GetLegalHoldOutput, scope: &Scope) -> LegalHold {
    LegalHold {
        id: answer.legal_hold_id.unwrap_or_default(),
        arn: answer.legal_hold_arn.unwrap_or_default(),
        scope: scope.clone(),
        title: answer.title.unwrap_or_default(),
        description: answer.description.unwrap_or_default(),
        state: LegalHoldState::of_word(answer.status.as_ref().map(LegalHoldStatus::as_str).unwrap_or_default()),
        created_at: time(answer.creation_date.as_ref()),
        cancelled_at: time(answer.cancellation_date.as_ref()),
        cancel_reason: answer.cancel_description.unwrap_or_default(),
        record_kept_until: time(answer.retain_record_until.as_ref()),
        selection: Some(selection(answer.recovery_point_selection)),
        tags: std::collections::BTreeMap::new(),
    }
}

fn listed(hold: ListedHold, scope: &Scope) -> LegalHold {
    LegalHold {
        id: hold.legal_hold_id.unwrap_or_default(),
        arn: hold.legal_hold_arn.unwrap_or_default(),
        scope: scope.clone(),
        title: hold.title.unwrap_or_default(),
        description: hold.description.unwrap_or_default(),
        state: LegalHoldState::of_word(hold.status.as_ref().map(LegalHoldStatus::as_str).unwrap_or_default()),
        created_at: time(hold.creation_date.as_ref()),
        cancelled_at: time(hold.cancellation_date.as_ref()),
        cancel_reason: String::new(),
        record_kept_until: None,
        selection: None,
        tags: std::collections::BTreeMap::new(),
    }
}

fn held(point: RecoveryPointMember, scope: &Scope) -> HeldPoint {
    HeldPoint {
        scope: scope.clone(),
        arn: point.recovery_point_arn.unwrap_or_default(),
        vault: point.backup_vault_name.unwrap_or_default(),
        resource_arn: point.resource_arn.unwrap_or_default(),
        resource_type: point.resource_type.unwrap_or_default(),
    }
}

/// AWS's span has both ends in it and counts in milliseconds `[M]`; ours ends before its end.
const INSTANT: SignedDuration = SignedDuration::from_millis(1);

fn selection(told: Option<RecoveryPointSelection>) -> HeldSelection {
    let Some(told) = told else { return HeldSelection::default() };
    let created = told.date_range.map(|range| Period {
        after: time(Some(&range.from_date)),
        before: time(Some(&range.to_date)).and_then(|to| to.checked_add(INSTANT).ok()),
    });
    HeldSelection::told(
        told.vault_names.unwrap_or_default(),
        told.resource_identifiers.unwrap_or_default(),
        created.unwrap_or_default(),
    )
}

/// The same in AWS's words; a span has both ends.
fn sent(selection: &HeldSelection) -> Result<RecoveryPointSelection, Failure> {
    let identifiers = [selection.resources.as_slice(), &selection.types].concat();
    let some = |list: Vec<String>| (!list.is_empty()).then_some(list);
    let range = match selection.created {
        Period { after: Some(after), before: Some(before) } => Some(
            DateRange::builder()
                .from_date(date(after))
                .to_date(just_before(before))
                .build()
                .map_err(|error| Failure::not_built(changes::CREATE, error))?,
        ),
        Period { .. } => None,
    };
    Ok(RecoveryPointSelection::builder()
        .set_vault_names(some(selection.vaults.clone()))
        .set_resource_identifiers(some(identifiers))
        .set_date_range(range)
        .build())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AccountId, RegionName};

    fn hold(id: &str, state: LegalHoldState, cancelled: Option<i64>) -> LegalHold {
        let scope = Scope { account: AccountId::example(), region: RegionName::example() };
        let at = |second| jiff::Timestamp::from_second(second).unwrap();
        let blank = listed(ListedHold::builder().legal_hold_id(id).title("case 7").build(), &scope);
        LegalHold { state, cancelled_at: cancelled.map(at), ..blank }
    }

    #[test]
    fn a_title_means_the_one_hold_that_stands_or_else_the_one_there_is() {
        use LegalHoldState::{Active, Cancelled};
        let over = |id, at| hold(id, Cancelled, Some(at));
        let pick = |holds: &[LegalHold], several| chosen("case 7", holds.to_vec(), several);
        let active = hold("a", Active, None);
        assert_eq!(pick(&[over("x", 1), active.clone(), over("y", 2)], Several::Refused).unwrap(), "a");
        assert_eq!(pick(&[over("x", 1)], Several::Refused).unwrap(), "x");
        let two = [over("x", 1), over("y", 2)];
        assert_eq!(pick(&two, Several::Refused).unwrap_err().kind, RefusalKind::Ambiguous);
        assert_eq!(pick(&two, Several::Last).unwrap(), "y");
        let ambiguous = pick(&[active.clone(), hold("b", Active, None)], Several::Last).unwrap_err();
        assert_eq!(ambiguous.kind, RefusalKind::Ambiguous);
        assert!(ambiguous.message.contains("a (ACTIVE)"), "{}", ambiguous.message);
        assert_eq!(pick(&[], Several::Last).unwrap_err().kind, RefusalKind::NotFound);
        assert_eq!(chosen("a", vec![active.clone(), over("b", 1)], Several::Refused).unwrap(), "a");
        let missing = chosen("Case 7", vec![active], Several::Refused).unwrap_err();
        assert!(missing.message.ends_with("; did you mean case 7?"), "{}", missing.message);
    }

    #[test]
    fn a_span_comes_back_as_it_was_sent() {
        let at = |millis| jiff::Timestamp::from_millisecond(millis).unwrap();
        let wanted = HeldSelection {
            vaults: vec!["prod".into()],
            resources: vec!["arn:aws:rds:us-east-1:123456789012:db:orders".into()],
            types: vec!["EFS".into()],
            created: Period { after: Some(at(1_000)), before: Some(at(2_500)) },
        };
        let in_awss_words = sent(&wanted).unwrap();
        assert_eq!(in_awss_words.date_range.as_ref().unwrap().to_date.to_millis().unwrap(), 2_499);
        assert_eq!(selection(Some(in_awss_words)), wanted);
        assert_eq!(selection(Some(sent(&HeldSelection::default()).unwrap())), HeldSelection::default());
    }
}

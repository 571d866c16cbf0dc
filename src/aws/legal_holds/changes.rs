//! Making and cancelling legal holds.

use aws_sdk_backup::operation::list_recovery_points_by_backup_vault::builders::ListRecoveryPointsByBackupVaultFluentBuilder as ListInVault;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{
    super::{
        Detection, Error, Failure, FailureKind, Scoped,
        call::Operation,
        date, just_before,
        looks::{IN_PLACE_OF_MORE, within},
        missing::Named,
        pages::MOST_LISTS,
        unmatched::Sought,
    },
    Several, sent,
};
use crate::domain::{
    Asked, CancelLegalHold, Deletion, Finding, HeldCount, HeldSelection, Invalid, LegalHold, LegalHoldState,
    NewLegalHold, Noun, PageRequest, Period, RecoveryPointState, Refusal, RefusalKind, ResourceRef, ResourceType,
    Unseen, VaultName, Violation, WantedPoints, is_continuous, unmatched::CLUSTER_MEMBER,
};

pub(super) const CREATE: Operation = Operation::write("backup", "CreateLegalHold");
const CANCEL: Operation = Operation::write("backup", "CancelLegalHold");

/// Resources and vaults that are looked up at once.
const AT_ONCE: usize = 4;

const FIELD: &str = "recovery_point_selection";

impl Scoped {
    /// Makes a legal hold, or returns the one that the same request made before; with what it keeps.
    pub async fn create_legal_hold(&self, asked: &Asked<NewLegalHold>) -> Result<(LegalHold, Vec<Finding>), Error> {
        let new = &asked.what;
        let types = new.selection.types.iter().enumerate();
        let types: Vec<_> = types.map(|(index, of)| (format!("{FIELD}.resource_types[{index}]"), of)).collect();
        let resources = new.selection.resources.iter().enumerate();
        let resources: Vec<_> =
            resources.map(|(index, resource)| (format!("{FIELD}.resources[{index}]"), resource)).collect();
        let (selection, mut found, of_types) = tokio::try_join!(
            self.held_selection(&new.selection),
            self.vaults_to_hold(&new.selection.vaults),
            self.check_types(&types),
        )?;
        found.extend(of_types);
        found.extend(self.members_among(&resources).await);
        self.refuse_span_ahead(&new.selection.created).await?;
        if asked.is_check() {
            let count = self.count_fitting(&selection).await;
            found.extend(self.with_why_nothing(count, &resources).await);
            return Ok((new.planned(self.scope(), selection), found));
        }
        let id = self.send_hold(asked, &selection).await?;
        let made = async {
            let made = self.describe_hold(&id).await?;
            self.with_tags_of_hold(made).await
        };
        let made = made.await.map_err(|error| error.after(CREATE.name))?;
        if asked.request_id.may_repeat() && !new.is(&made, &selection) {
            let request_id = &asked.request_id;
            let message = format!("request_id {request_id} was used before, for legal hold {id}: use a fresh one");
            return Err(Refusal::of(RefusalKind::RequestIdReused, Noun::LegalHold, id, message).into());
        }
        if made.state.is_over() {
            found.push(made.over());
        } else {
            let permissions = "backup:ListRecoveryPointsByLegalHold";
            let count = match self.held_count(&made).await {
                Ok(count) => count.findings_of_new(),
                Err(unseen) => vec![LegalHold::not_counted(&unseen, permissions)],
            };
            found.extend(self.with_why_nothing(count, &resources).await);
        }
        Ok((made, found))
    }

    /// Cancels a legal hold; tells what that lets go. `None`: it is missing, which the request allows.
    pub async fn cancel_legal_hold(
        &self,
        asked: &Asked<CancelLegalHold>,
    ) -> Result<(Option<LegalHold>, Vec<Finding>), Error> {
        match self.try_cancel_hold(asked).await {
            Ok((hold, found)) => Ok((Some(hold), found)),
            Err(missing) if asked.what.allow_missing && missing.is_missing() => {
                Ok((None, vec![Deletion::nothing_there(&missing.absence())]))
            }
            Err(error) => Err(error),
        }
    }
}

impl Scoped {
    /// The selection in AWS's words: a database's identifier is looked up.
    async fn held_selection(&self, wanted: &WantedPoints) -> Result<HeldSelection, Error> {
        let looks = stream::iter(wanted.resources.clone());
        let looks = looks.map(|resource| async move { self.resource_arn(&resource).await });
        let resources: Vec<_> = looks.buffered(AT_ONCE).try_collect().await?;
        let selection = HeldSelection {
            vaults: wanted.vaults.iter().map(ToString::to_string).collect(),
            resources: resources.iter().map(ToString::to_string).collect(),
            types: wanted.types.iter().map(ToString::to_string).collect(),
            created: wanted.created,
        };
        let repeated = selection.resources_repeated().into_iter();
        let violations: Vec<Violation> = repeated
            .map(|(index, fault)| Violation { field: format!("{FIELD}.resources[{index}]"), description: fault.0 })
            .collect();
        if violations.is_empty() { Ok(selection) } else { Err(Invalid { violations }.into()) }
    }

    /// What is said of a count; where nothing is kept, also which of the resources are not there. Members of clusters are
    /// told of every hold.
    async fn with_why_nothing(&self, mut found: Vec<Finding>, resources: &[(String, &ResourceRef)]) -> Vec<Finding> {
        if found.iter().any(|finding| finding.code == HeldCount::NOTHING) {
            let why =
                self.why_nothing(resources.iter().map(|(field, resource)| Sought::resource(field, resource)).collect());
            found.extend(why.await.into_iter().filter(|finding| finding.code != CLUSTER_MEMBER));
        }
        found
    }

    /// Refuses vaults that are missing. One that could not be looked at may be there.
    async fn vaults_to_hold(&self, vaults: &[VaultName]) -> Result<Vec<Finding>, Error> {
        let looks = stream::iter(vaults.to_vec());
        let looks = looks.map(|name| async move {
            let look = self.describe_vault(&name).await;
            (name, look)
        });
        let mut looks = Box::pin(looks.buffered(AT_ONCE));
        let mut found = Vec::new();
        while let Some((name, look)) = looks.next().await {
            match look {
                Ok(_) => {}
                Err(missing) if missing.kind == FailureKind::NotFound => return Err(missing.into()),
                Err(error) => found.push(LegalHold::vault_not_checked(name.as_str(), &Unseen::from(&error))),
            }
        }
        Ok(found)
    }

    /// AWS permits no end in the future `[M]`. Ours is the instant after AWS's.
    async fn refuse_span_ahead(&self, created: &Period) -> Result<(), Error> {
        let Some(end) = created.before else { return Ok(()) };
        let now = self.ask_time().await?;
        if end <= now {
            return Ok(());
        }
        let fault =
            format!("is {end}, and it is {now}: AWS takes no end in the future, for a hold keeps what is there");
        Err(Invalid::of(format!("{FIELD}.create_time.end_time"), fault).into())
    }

    /// Sends the request under its token; answers the id of the hold that it makes, or made before.
    async fn send_hold(&self, asked: &Asked<NewLegalHold>, selection: &HeldSelection) -> Result<String, Error> {
        let new = &asked.what;
        let request = self
            .clients
            .backup
            .create_legal_hold()
            .title(&new.title)
            .description(&new.description)
            .idempotency_token(asked.request_id.as_str())
            .recovery_point_selection(sent(selection)?)
            .set_tags((!new.tags.0.is_empty()).then(|| new.tags.0.clone().into_iter().collect()));
        match self.call(CREATE, request.send()).await {
            Ok(answer) => Ok(answer.legal_hold_id.ok_or_else(|| Failure::malformed(CREATE, "LegalHoldId"))?),
            Err(error) if error.is_about_the_token() => {
                Err(error.as_kind(FailureKind::RequestIdReused).about(Noun::LegalHold, &asked.request_id).into())
            }
            // What is not there is not the hold that is being made.
            Err(error) if error.kind == FailureKind::NotFound => {
                let vaults: Vec<Named<'_>> = new.selection.vaults.iter().map(Named::Vault).collect();
                Err(self.missing_of(error, &vaults).await.into())
            }
            Err(error) => Err(error.about(Noun::LegalHold, &new.title).into()),
        }
    }

    /// What a hold of this selection would keep, as far as AWS tells it in time. AWS has no trial of a hold: the vaults are
    /// read, [`MOST_LISTS`] pages at most.
    async fn count_fitting(&self, selection: &HeldSelection) -> Vec<Finding> {
        let permissions = "backup:ListBackupVaults and backup:ListRecoveryPointsByBackupVault";
        match within(IN_PLACE_OF_MORE, self.fitting(selection)).await {
            Ok(count) => count.findings_of_new(),
            Err(unseen) => vec![LegalHold::not_counted(&unseen, permissions)],
        }
    }

    async fn fitting(&self, selection: &HeldSelection) -> Result<HeldCount, Error> {
        let vaults: Vec<VaultName> = match selection.vaults.as_slice() {
            [] => self.vault_names().await?.into_iter().collect(),
            named => named.iter().filter_map(|name| VaultName::parse_reference(name).ok()).map(|(it, _)| it).collect(),
        };
        let (mut count, mut lists) = (HeldCount::default(), 0);
        for vault in vaults {
            let mut cursor = None;
            loop {
                if lists == MOST_LISTS {
                    return Ok(HeldCount { more: true, ..count });
                }
                lists += 1;
                let created = selection.created;
                let filter = |sent: ListInVault| {
                    sent.set_by_created_after(created.after.map(just_before))
                        .set_by_created_before(created.before.map(date))
                };
                let page = match self.recovery_points_in(&vault, filter, &PageRequest::largest(cursor)).await {
                    Ok(page) => page,
                    // Deleted since it was listed.
                    Err(error) if error.kind == FailureKind::NotFound => break,
                    Err(error) => return Err(error.into()),
                };
                let fits = page.items.iter().filter(|point| {
                    let of_type = point.resource_type.as_ref().map(ResourceType::as_str);
                    point.state != RecoveryPointState::Deleting
                        && selection.fits(point.resource_arn.as_deref().unwrap_or_default(), of_type, point.created_at)
                });
                for point in fits {
                    count.points += 1;
                    count.continuous += usize::from(point.is_continuous());
                }
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
        }
        Ok(count)
    }

    /// How many recovery points a hold keeps: AWS's first page of them says. While the hold is being made there may be more.
    async fn held_count(&self, hold: &LegalHold) -> Result<HeldCount, Unseen> {
        let first = PageRequest::largest(None);
        let page = within(IN_PLACE_OF_MORE, self.points_of_hold(&hold.id, &first)).await?;
        let continuous = page.items.iter().filter(|point| is_continuous(&point.arn)).count();
        let more = page.next.is_some() || hold.state == LegalHoldState::Creating;
        Ok(HeldCount { points: page.items.len(), continuous, more })
    }

    async fn try_cancel_hold(&self, asked: &Asked<CancelLegalHold>) -> Result<(LegalHold, Vec<Finding>), Error> {
        let cancel = &asked.what;
        let hold = self.legal_hold(&cancel.hold, Several::Last).await?;
        if hold.state.is_over() {
            let before = hold.cancelled_before(cancel);
            return Ok((self.with_tags_of_hold(hold).await?, before.into_iter().collect()));
        }
        let found = match self.held_count(&hold).await {
            Ok(count) => count.findings_of_cancelled(),
            Err(unseen) => vec![LegalHold::not_counted(&unseen, "backup:ListRecoveryPointsByLegalHold")],
        };
        let hold = self.with_tags_of_hold(hold).await?;
        if asked.is_check() {
            return Ok((hold, found));
        }
        self.changes_value(format!("legal_hold/{}", hold.id), "state", Some("ACTIVE".into()), Some("CANCELLED".into()));
        self.detects(Detection::LegalHoldCancelled);
        let request = self.clients.backup.cancel_legal_hold().legal_hold_id(&hold.id);
        let request = request
            .cancel_description(&cancel.reason)
            .set_retain_record_in_days(cancel.retain_record_days.map(i64::from));
        let refused =
            match self.call(CANCEL, request.send()).await.map_err(|error| error.about(Noun::LegalHold, &hold.id)) {
                Ok(_) => None,
                // An attempt before whose answer was lost, or somebody else.
                Err(error) if error.kind == FailureKind::State || error.is_gone_by_us() => Some(error),
                Err(error) => return Err(error.into()),
            };
        match (self.describe_hold(&hold.id).await, refused) {
            (Ok(now), None) => Ok((LegalHold { tags: hold.tags, ..now }, found)),
            (Ok(now), Some(_)) if now.state.is_over() => {
                let before = now.cancelled_before(cancel);
                Ok((LegalHold { tags: hold.tags, ..now }, before.into_iter().chain(found).collect()))
            }
            (Ok(_), Some(refused)) => Err(refused.into()),
            // Its record was not to be kept.
            (Err(gone), _) if gone.kind == FailureKind::NotFound => {
                let (state, cancel_reason) = (LegalHoldState::Cancelled, cancel.reason.clone());
                Ok((LegalHold { state, cancel_reason, ..hold }, found))
            }
            (Err(error), None) => Err(error.after(CANCEL.name).into()),
            (Err(_), Some(refused)) => Err(refused.into()),
        }
    }
}

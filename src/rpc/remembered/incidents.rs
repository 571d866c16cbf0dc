//! Incidents, and what is no incident because Strongroom was asked to do it.

use jiff::Timestamp;

use super::{LEDGER, Remembered, promptly};
use crate::{
    aws::Scoped,
    domain::{
        Acknowledge, Acknowledgement, Arn, Asked, Cursor, DeleteVault, Incident, Invalid, Noun, PageRequest,
        RecoveryPoint, Refusal, RefusalKind, VaultName, VaultPicture, VaultRef,
    },
    ledger::{Doer, Error, IncidentPosition},
    proto,
    rpc::{
        convert::{findings, incidents::ListIncidents, timestamp},
        page_token::ListOf,
        status::Failure,
    },
};

/// Recovery points that are marked at once as deleted with their vault.
const AT_ONCE: usize = 500;

impl Remembered {
    pub(in crate::rpc) async fn list_incidents(
        &self,
        aws: Scoped,
        list: ListOf<ListIncidents>,
    ) -> Result<proto::ListIncidentsResponse, Failure> {
        let ListOf { filter: asked, paged } = list;
        let memory = self.read_memory(&aws, asked.all_scopes).await?;
        let query = asked.query(memory.scopes.clone());
        let page = async |page: PageRequest| {
            let after = page.position(IncidentPosition::parse)?;
            let found = self.ledger.list_incidents(&query, usize::from(page.size), after.as_ref()).await?;
            let next = found.next.map(|next| Cursor { token: Some(next.to_string()), ..Cursor::of_part(LEDGER) });
            Ok(proto::ListIncidentsResponse {
                incidents: found.incidents.into_iter().map(Into::into).collect(),
                next_page_token: paged.token(next.as_ref()),
                as_of: memory.as_of.map(timestamp),
                scopes: memory.status.clone(),
            })
        };
        paged.answer(page).await
    }

    /// `by`: the name of the caller.
    pub(in crate::rpc) async fn acknowledge_incident(
        &self,
        aws: &Scoped,
        asked: Asked<Acknowledge>,
        by: String,
    ) -> Result<proto::AcknowledgeIncidentResponse, Failure> {
        let check = asked.is_check();
        let (what, within) = (asked.what, asked.scope);
        let is_within = |incident: &Incident| {
            within.account.as_ref().is_none_or(|account| *account == incident.scope.account)
                && within.region.as_ref().is_none_or(|region| *region == incident.scope.region)
        };
        let known = self.ledger.incident(&what.incident).await?.filter(is_within);
        let known = known.ok_or_else(|| {
            let message = format!("there is no incident {}: ListIncidents tells those that there are", what.incident);
            Refusal::of(RefusalKind::NotFound, Noun::Incident, &*what.incident, message)
        })?;
        let found = known.findings_of_acknowledging(&by);
        let taken = Acknowledgement { by, at: aws.now(), note: what.note };
        let incident = if check {
            let over = known.cause.ends_with_acknowledgement(known.kind);
            let closed_at = known.closed_at.or(over.then_some(taken.at));
            Incident { closed_at, acknowledged: Some(taken), ..known }
        } else {
            self.ledger.acknowledge(&known, &taken).await?;
            self.ledger.incident(&what.incident).await?.unwrap_or(known)
        };
        Ok(proto::AcknowledgeIncidentResponse {
            incident: Some(incident.into()),
            findings: findings(found),
            ..Default::default()
        })
    }

    /// The vault that holds a recovery point, as far as it was seen.
    pub(in crate::rpc) async fn vault_of(&self, aws: &Scoped, arn: &Arn) -> Result<VaultName, Failure> {
        let followed = self.memory(aws, false).await?.is_some();
        let known = if followed { self.ledger.point(arn.as_str()).await? } else { None };
        let vault = known.and_then(|point| VaultName::parse_reference(&point.vault).ok());
        let why = if followed { "has not seen the recovery point" } else { "does not follow its account and region" };
        let required = || Invalid::of("vault", format!("is required: the server {why}; give the vault that holds it"));
        vault.map(|(name, _)| name).ok_or_else(|| required().into())
    }

    /// A recovery point is no more, because Strongroom was asked to delete it.
    pub(in crate::rpc) async fn point_deleted(&self, aws: &Scoped, asked: &Asked<impl Sync>, arn: &str) {
        self.done_here(asked, self.ledger.points_gone(aws.scope(), &[arn], aws.now(), Doer::Strongroom)).await;
    }

    /// A recovery point is as it is, because Strongroom was asked to change it.
    pub(in crate::rpc) async fn point_changed(
        &self,
        aws: &Scoped,
        asked: &Asked<impl Sync>,
        vault: &VaultName,
        point: &RecoveryPoint,
    ) {
        let vault = VaultRef::arn_of(vault.as_str(), aws.scope());
        let points = std::slice::from_ref(point);
        self.done_here(asked, self.ledger.learn_points(aws.scope(), &vault, points, aws.now(), Doer::Strongroom)).await;
    }

    /// A vault is guarded as it is, because Strongroom was asked to.
    pub(in crate::rpc) async fn vault_changed(
        &self,
        aws: &Scoped,
        asked: &Asked<impl Sync>,
        vault: &VaultName,
        picture: VaultPicture,
    ) {
        let vault = VaultRef::arn_of(vault.as_str(), aws.scope());
        self.done_here(asked, self.ledger.learn_vault(aws.scope(), &vault, picture, aws.now(), Doer::Strongroom)).await;
    }

    /// A vault is emptied, and if that is said is no more, because Strongroom was asked to delete it. What is still in it is there
    /// again with the next look.
    pub(in crate::rpc) async fn vault_deleted(&self, aws: &Scoped, asked: &Asked<DeleteVault>, is_gone: bool) {
        let vault = VaultRef::arn_of(asked.what.vault.as_str(), aws.scope());
        let (scope, at) = (aws.scope(), aws.now());
        let gone = async {
            loop {
                let points = self.ledger.unseen_points(scope, &vault, Timestamp::MAX, AT_ONCE).await?;
                if points.is_empty() {
                    return if is_gone { self.ledger.vault_gone(scope, &vault, at).await } else { Ok(()) };
                }
                let arns: Vec<&str> = points.iter().map(|point| point.arn.as_str()).collect();
                self.ledger.points_gone(scope, &arns, at, Doer::Strongroom).await?;
            }
        };
        self.done_here(asked, gone).await;
    }

    /// What a change told is taken in before its caller hears of it: the next look would take it for others' doing. A check has
    /// done nothing.
    async fn done_here<T>(&self, asked: &Asked<impl Sync>, told: impl Future<Output = Result<T, Error>>) {
        if asked.is_check() || !self.feed.enabled {
            return;
        }
        if let Err(error) = promptly(Box::pin(told)).await {
            tracing::warn!(%error, "a change that was asked for here may be taken for another's");
        }
    }
}

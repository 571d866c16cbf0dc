//! The operations on legal holds.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Cancelled, LegalHold, Selection, kept};
use crate::{
    backup::{
        checks, error,
        json::Epoch,
        members::Members,
        page::{self, Page},
        rest::{RestReply, RestRequest},
        tags, vaults,
    },
    call::{AwsError, Call},
    due::{Due, Kind},
    world::World,
};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateInput {
    title: Option<String>,
    description: Option<String>,
    idempotency_token: Option<String>,
    recovery_point_selection: Option<SelectionShape>,
    tags: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct SelectionShape {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    vault_names: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    resource_identifiers: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date_range: Option<DateRange>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct DateRange {
    from_date: Option<Epoch>,
    to_date: Option<Epoch>,
}

impl From<&Selection> for SelectionShape {
    fn from(selection: &Selection) -> Self {
        Self {
            vault_names: selection.vaults.clone(),
            resource_identifiers: selection.resources.clone(),
            date_range: selection
                .dates
                .map(|(from, to)| DateRange { from_date: Some(Epoch(from)), to_date: Some(Epoch(to)) }),
        }
    }
}

/// CreateLegalHold.
///
/// # Errors
/// MPV without title or description; IPV for an unknown vault, a bad date range or a token of another request; LE.
pub(super) fn create(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let input: CreateInput = request.body()?;
    let fingerprint =
        format!("{:?} {:?} {:?} {:?}", input.title, input.description, input.recovery_point_selection, input.tags);
    let title = text("Title", input.title.as_deref(), 256)?;
    let description = text("Description", input.description.as_deref(), 1024)?;
    checks::token(input.idempotency_token.as_deref())?;
    let region = call.region(world);
    let holds = &mut region.backup.legal_holds;
    if let Some((request, _, id)) = input.idempotency_token.as_ref().and_then(|token| holds.tokens.get(token)) {
        if *request != fingerprint {
            return Err(checks::token_reused(input.idempotency_token.as_deref()));
        }
        if let Some(hold) = holds.by_id.get(id) {
            return Ok(RestReply::json(&created(hold)));
        }
    }
    let given = input.tags.unwrap_or_default();
    tags::check(&given)?;
    tags::check_count(given.len(), &call.behaviour.quotas)?;
    let selection =
        input.recovery_point_selection.map(|shape| read(shape, &region.backup.vaults, call.now)).transpose()?;
    let most = call.behaviour.quotas.legal_holds;
    if holds.active() >= most {
        return Err(error::limit_exceeded(format!("The account has reached its limit of {most} legal holds")));
    }
    let id = Uuid::new_v4().to_string();
    let hold = LegalHold {
        arn: call.arn("backup", &format!("legal-hold:{id}")),
        title: title.to_owned(),
        description: description.to_owned(),
        created: call.now,
        cancelled: None,
        points: kept(&region.backup.recovery_points, &selection.clone().unwrap_or_default()),
        selection,
        id,
    };
    if let Some(token) = input.idempotency_token {
        holds.tokens.insert(token, (fingerprint, call.now, hold.id.clone()));
    }
    if !given.is_empty() {
        region.tags.0.insert(hold.arn.clone(), given);
    }
    let reply = RestReply::json(&created(&hold));
    holds.by_id.insert(hold.id.clone(), hold);
    Ok(reply)
}

fn text<'t>(member: &str, text: Option<&'t str>, most: usize) -> Result<&'t str, AwsError> {
    let text = checks::required(member, text)?;
    if text.chars().count() > most {
        return Err(error::invalid_parameter(format!("{member} is longer than {most} characters")));
    }
    Ok(text)
}

fn read(shape: SelectionShape, vaults: &vaults::Vaults, now: Timestamp) -> Result<Selection, AwsError> {
    const MOST: usize = 1_000;
    if shape.vault_names.len() + shape.resource_identifiers.len() > MOST {
        return Err(error::invalid_parameter(format!("RecoveryPointSelection names more than {MOST} things")));
    }
    if let Some(name) = shape.vault_names.iter().find(|name| !vaults.0.contains_key(*name)) {
        return Err(error::invalid_parameter(format!("Backup vault {} does not exist", checks::shorten(name))));
    }
    if shape.resource_identifiers.iter().any(|name| name.is_empty() || name.len() > 2048) {
        return Err(error::invalid_parameter("ResourceIdentifiers must have 1 to 2048 characters"));
    }
    let dates = match shape.date_range {
        None => None,
        Some(DateRange { from_date: Some(Epoch(from)), to_date: Some(Epoch(to)) }) => Some((from, to)),
        Some(_) => return Err(error::missing_parameter("DateRange.FromDate and DateRange.ToDate")),
    };
    match dates {
        Some((from, to)) if from > to => Err(error::invalid_parameter("FromDate must not be later than ToDate")),
        Some((_, to)) if to > now => Err(error::invalid_parameter("ToDate must not be in the future")),
        _ => Ok(Selection { vaults: shape.vault_names, resources: shape.resource_identifiers, dates }),
    }
}

/// GetLegalHold.
///
/// # Errors
/// RNF.
pub(super) fn get(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let id = request.path("legalHoldId");
    let hold = call.region(world).backup.legal_holds.by_id.get(id).ok_or_else(|| not_found(id))?;
    let retained = hold.cancelled.as_ref().and_then(|end| end.retain_until).map(Epoch);
    let told = created(hold)
        .maybe("CancelDescription", hold.cancelled.as_ref().map(|end| &end.description))
        .maybe("CancellationDate", hold.cancelled.as_ref().map(|end| Epoch(end.at)))
        .maybe("RetainRecordUntil", retained);
    Ok(RestReply::json(&told))
}

/// ListLegalHolds: active and cancelled ones, oldest first `[I]`.
///
/// # Errors
/// IPV for a bad page.
pub(super) fn list(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let page = Page::of(request)?;
    let holds = call.region(world).backup.legal_holds.by_id.values();
    let (holds, next) = page.take(holds.map(|hold| (page::oldest_first(hold.created, &hold.id), hold)));
    let holds: Vec<Members> = holds
        .into_iter()
        .map(|hold| listed(hold).maybe("CancellationDate", hold.cancelled.as_ref().map(|end| Epoch(end.at))))
        .collect();
    Ok(RestReply::json(&Members::new().with("LegalHolds", holds).maybe("NextToken", next)))
}

/// CancelLegalHold, which the model lets answer 201. What had outlived its retention meanwhile expires now `[D]`.
///
/// # Errors
/// MPV without a description; RNF; IRS for a hold that is cancelled already; IPV for a bad number of days.
pub(super) fn cancel(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let description = text("CancelDescription", request.query("cancelDescription"), 1024)?.to_owned();
    let retain_until = request.query("retainRecordInDays").map(|days| retained(days, call.now)).transpose()?;
    let id = request.path("legalHoldId");
    let backup = &mut call.region(world).backup;
    let hold = backup.legal_holds.by_id.get_mut(id).ok_or_else(|| not_found(id))?;
    if hold.cancelled.is_some() {
        return Err(error::invalid_resource_state(format!("Legal hold {id} is already cancelled")));
    }
    hold.cancelled = Some(Cancelled { at: call.now, description, retain_until });
    let points = std::mem::take(&mut hold.points);
    let overdue: Vec<String> = points
        .into_iter()
        .filter(|arn| backup.legal_holds.keeping(arn).is_none())
        .filter(|arn| {
            let point = backup.recovery_points.get(arn);
            point.and_then(super::RecoveryPoint::delete_at).is_some_and(|at| at <= call.now)
        })
        .collect();
    for arn in overdue {
        let due = Due {
            kind: Kind::RecoveryPointExpires,
            account: call.account.clone(),
            region: call.region.clone(),
            id: arn,
        };
        world.agenda.set(due, call.now);
    }
    Ok(RestReply::empty().with_status(201))
}

fn retained(days: &str, now: Timestamp) -> Result<Timestamp, AwsError> {
    let wrong = || error::invalid_parameter(format!("retainRecordInDays is not valid: '{}'", checks::shorten(days)));
    let days: i64 = days.parse().ok().filter(|days| (0..=36_500).contains(days)).ok_or_else(wrong)?;
    now.checked_add(SignedDuration::from_hours(24 * days)).map_err(|_| wrong())
}

/// ListRecoveryPointsByLegalHold: what an active hold keeps.
///
/// # Errors
/// IPV for an unknown hold, since the model lists no RNF here, and for a bad page.
pub(super) fn list_recovery_points(
    world: &mut World,
    call: &Call,
    request: &RestRequest,
) -> Result<RestReply, AwsError> {
    let page = Page::of(request)?;
    let backup = &call.region(world).backup;
    let id = request.path("legalHoldId");
    let hold = backup.legal_holds.by_id.get(id);
    let hold = hold.ok_or_else(|| error::invalid_parameter(not_found(id).message))?;
    let points = hold.points.iter().filter_map(|arn| backup.recovery_points.get(arn));
    let (points, next) = page.take(points.map(|point| (page::newest_first(point.created_at, &point.arn), point)));
    let points: Vec<Members> = points
        .into_iter()
        .map(|point| {
            Members::new()
                .with("RecoveryPointArn", &point.arn)
                .with("ResourceArn", &point.resource_arn)
                .with("ResourceType", &point.resource_type)
                .with("BackupVaultName", &point.vault_name)
        })
        .collect();
    Ok(RestReply::json(&Members::new().with("RecoveryPoints", points).maybe("NextToken", next)))
}

fn created(hold: &LegalHold) -> Members {
    listed(hold).maybe("RecoveryPointSelection", hold.selection.as_ref().map(SelectionShape::from))
}

fn listed(hold: &LegalHold) -> Members {
    Members::new()
        .with("Title", &hold.title)
        .with("Status", if hold.cancelled.is_some() { "CANCELED" } else { "ACTIVE" })
        .with("Description", &hold.description)
        .with("LegalHoldId", &hold.id)
        .with("LegalHoldArn", &hold.arn)
        .with("CreationDate", Epoch(hold.created))
}

fn not_found(id: &str) -> AwsError {
    error::not_found(format!("Legal hold {} does not exist", checks::shorten(id)))
}

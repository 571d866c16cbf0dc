//! The record of what callers did. A change cannot begin before its begin is on disk, and its end follows whatever becomes of
//! its caller. What cannot be recorded is not done.

mod chain;
mod copies;
mod file;
mod metrics;
mod reading;
mod record;
mod request;
mod start;
mod thread;
mod writer;

#[cfg(test)]
mod tests;

use std::{path::PathBuf, sync::Arc};

use jiff::Timestamp;
use prost::Message;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::timeout,
};
use tonic::{Status, codegen::http::Extensions};
use uuid::Uuid;

pub use self::start::AuditError;
use self::{
    chain::Keys,
    copies::Copies,
    record::{Approved, Begin, Caller, Came, Change, End, Outcome, Record, UnderWay, Where},
    writer::{PATIENCE, State, Writer},
};
use super::principal::Principal;
use crate::{
    aws::{self, Detection, Scoped},
    config::{AuditConfig, Unrecorded},
    domain::{Approval, AskedScope, PageRequest},
    proto,
    rpc::{
        doorway::{LetIn, Method},
        listener::Connection,
        page_token::ListOf,
        status::{Cause, Failure, reason_name},
        telling::Facts,
    },
};

/// Most calls that are under way in the record: what waits for the disk is bounded by them.
const MOST_UNDER_WAY: usize = 4096;

/// The record. Clones are the same.
#[derive(Debug, Clone)]
pub struct Audit(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kept: Option<Kept>,
    reads: bool,
    unrecorded: Unrecorded,
    copies: Copies,
}

/// What there is where a record is kept.
#[derive(Debug)]
struct Kept {
    folder: PathBuf,
    writer: Writer,
    state: Arc<State>,
    places: Arc<Semaphore>,
}

/// A call as the record tells it.
#[derive(Debug, Clone)]
pub(in crate::rpc) struct Act {
    principal: Principal,
    peer: String,
    facts: Arc<Facts>,
    method: Option<&'static Method>,
    /// The request, without its `request_id`.
    bytes: Vec<u8>,
    request_id: String,
    /// The policies by which it is decided.
    policies: String,
    scope: Where,
    read: bool,
    joined: bool,
}

impl Act {
    /// A call that changes nothing, by its message.
    pub(in crate::rpc) fn read(extensions: &Extensions, let_in: &LetIn, bytes: Vec<u8>) -> Self {
        let peer = extensions.get::<Arc<Connection>>().map(|connection| connection.peer.to_string());
        Self {
            principal: let_in.principal.clone(),
            peer: peer.unwrap_or_default(),
            facts: Arc::clone(&let_in.facts),
            method: let_in.facts.method(),
            bytes,
            request_id: String::new(),
            policies: String::new(),
            scope: Where::default(),
            read: true,
            joined: false,
        }
    }

    /// The same, of a change with this id.
    pub(in crate::rpc) fn of_change(self, request_id: &str) -> Self {
        Self { request_id: request_id.to_owned(), ..self }
    }

    /// The same, decided by the policies of that hash.
    pub(in crate::rpc) fn decided_by(self, policies: String) -> Self {
        Self { policies, ..self }
    }

    /// The id that a change is told by.
    pub(in crate::rpc) fn request_id(&self) -> &str {
        &self.request_id
    }

    /// The same, which is to be done.
    pub(in crate::rpc) fn done_in(self, scope: &AskedScope) -> Self {
        let account = scope.account.as_ref().map(ToString::to_string).unwrap_or_default();
        let region = scope.region.as_ref().map(ToString::to_string).unwrap_or_default();
        Self { scope: Where { account, region }, read: false, ..self }
    }

    /// The same, which waits for one that is under way.
    pub(in crate::rpc) fn joined(&self) -> Self {
        Self { joined: true, ..self.clone() }
    }

    fn begin(&self, id: &str) -> Begin {
        let input = self.method.and_then(|method| method.input.as_ref());
        let (request, resources) = input.map(|of| request::read(of, &self.bytes)).unwrap_or_default();
        Begin {
            time: Timestamp::now(),
            id: id.to_owned(),
            principal: caller(&self.principal),
            peer: self.peer.clone(),
            action: self.method.map(|method| method.name.to_owned()).unwrap_or_default(),
            resources,
            scope: self.scope.clone(),
            request_id: self.request_id.clone(),
            request_digest: digest(&self.bytes),
            request,
            policies: self.policies.clone(),
            read: self.read,
            joined: self.joined,
        }
    }
}

impl Audit {
    /// Opens the record, or none where none is configured.
    ///
    /// # Errors
    /// When it cannot be written, another process writes it, or what is there does not verify.
    pub fn open(config: &AuditConfig) -> Result<Self, AuditError> {
        let AuditConfig { path, hmac_key_file, reads, reads_when_unavailable, segment_bytes, copy } = config;
        let keys = match hmac_key_file {
            Some(path) => Keys::read(path).map_err(|why| AuditError::Key { path: path.clone(), why })?,
            None => Keys::default(),
        };
        let kept = match path {
            Some(folder) => {
                let files = start::start(folder, &keys, *segment_bytes as u64)?;
                let state = Arc::<State>::default();
                let disk = |source| AuditError::Disk { path: folder.clone(), source };
                let writer = Writer::new(files, &state).map_err(disk)?;
                metrics::observe(&state);
                let places = Arc::new(Semaphore::new(MOST_UNDER_WAY));
                Some(Kept { folder: folder.clone(), writer, state, places })
            }
            None => None,
        };
        let copies = Copies::new(copy);
        Ok(Self(Arc::new(Inner { kept, reads: *reads, unrecorded: *reads_when_unavailable, copies })))
    }

    /// Whether calls that change nothing are in the record.
    pub(in crate::rpc) fn wants_reads(&self) -> bool {
        self.0.reads
    }

    /// Writes the begin of a call. What it returns is the right to carry it out.
    pub(in crate::rpc) async fn begin(&self, act: Act) -> Result<Begun, Failure> {
        let id = Uuid::new_v4().to_string();
        let (facts, method, joined) = (Arc::clone(&act.facts), act.method, act.joined);
        let mut begun = Begun { audit: self.clone(), id, facts, method, joined, place: None, copied: None };
        if self.0.kept.is_none() && self.0.copies.are_none() {
            return Ok(begun);
        }
        let so = match joined {
            true => "so this call may not wait for the change under way, which goes on",
            false => "and nothing was changed",
        };
        let unavailable =
            |why: String| Failure::AuditUnavailable(format!("the audit record cannot be written ({why}), {so}"));
        if let Some(why) = self.0.kept.as_ref().and_then(|kept| kept.state.closed()) {
            return Err(unavailable(why));
        }
        let begin = act.begin(&begun.id);
        let copied = (!self.0.copies.are_none()).then(|| begin.clone());
        if let Some(kept) = &self.0.kept {
            let written = timeout(PATIENCE, async {
                // What is refused from here on has a place, so that its begin, should it come to the disk, has an end.
                begun.place = Arc::clone(&kept.places).acquire_owned().await.ok();
                kept.writer.begin(begin).await
            });
            match written.await {
                Ok(Ok(Ok(()))) => {}
                Ok(Ok(Err(why))) => return Err(unavailable(why)),
                Ok(Err(_)) => return Err(unavailable("its writer has ended".to_owned())),
                Err(_) => {
                    return Err(unavailable(format!("it was waited for for {} s in vain", PATIENCE.as_secs())));
                }
            }
        }
        if let Some(begin) = copied {
            begun.copied = Some(Box::new(begin.under_way(0, 0)));
            self.0.copies.take(&Record::Begin(Box::new(begin)));
        }
        Ok(begun)
    }

    /// The same for a call that changes nothing, by what the configuration says of those.
    pub(in crate::rpc) async fn begin_read(&self, act: Act) -> Result<Option<Begun>, Failure> {
        match self.begin(act).await {
            Ok(begun) => Ok(Some(begun)),
            Err(_) if self.0.unrecorded == Unrecorded::Serve => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// A page of the record, the call that began last first.
    pub(in crate::rpc) async fn list(
        &self,
        request: proto::ListAuditEventsRequest,
    ) -> Result<proto::ListAuditEventsResponse, Failure> {
        let ListOf { filter: wanted, paged } = reading::read(request)?.what;
        let Some(kept) = &self.0.kept else { return Err(Failure::AuditNotKept) };
        let ask = |page: PageRequest| {
            let (folder, shown, wanted) = (kept.folder.clone(), kept.state.shown(), wanted.clone());
            let query = paged.query;
            async move {
                let look = move || reading::page(&folder, &shown, &wanted, page.size.into(), page.cursor.as_ref());
                let looked = tokio::task::spawn_blocking(look).await;
                let looked = looked.map_err(|error| Failure::Bug(format!("the record was not read: {error}")))?;
                let unread = |error| Failure::AuditUnavailable(format!("the audit record cannot be read ({error})"));
                let (events, next) = looked.map_err(aws::Error::from)?.map_err(unread)?;
                let next_page_token = next.map(|next| query.token(&next)).unwrap_or_default();
                Ok(proto::ListAuditEventsResponse { events, next_page_token })
            }
        };
        paged.answer(ask).await
    }
}

/// The begin of a call is in the record. Its end will be, also when this is dropped.
#[derive(Debug)]
#[must_use = "a call that is not ended has an unknown outcome"]
pub(in crate::rpc) struct Begun {
    audit: Audit,
    id: String,
    facts: Arc<Facts>,
    method: Option<&'static Method>,
    /// It waits for what comes of another's work, and cannot know how far that came.
    joined: bool,
    /// Absent: there is nothing to write.
    place: Option<OwnedSemaphorePermit>,
    /// What the copies were told of its begin: without positions, for a copy has none.
    copied: Option<Box<UnderWay>>,
}

impl Begun {
    /// Writes what came of the call. Nothing that fails here changes its answer.
    pub(in crate::rpc) fn end<R: Message>(mut self, answer: Result<&R, &Status>) -> Written {
        let mut came = match answer {
            Ok(_) => self.came(Outcome::Succeeded, ""),
            Err(status) => {
                let reason = reason(status);
                let certain = self.is_untouched() && reason != reason_name(proto::ErrorReason::OutcomeUnknown);
                self.came(if certain { Outcome::Failed } else { Outcome::Unknown }, reason)
            }
        };
        let output = self.method.and_then(|method| method.output.as_ref());
        if let (Ok(answer), Some(output)) = (answer, output) {
            came.resources = request::read(output, &answer.encode_to_vec()).1;
        }
        self.write(came)
    }

    /// Ends the begin of a call that waited for another's work, which was given up before anything was done.
    pub(in crate::rpc) fn given_up(mut self) {
        let came = self.came(Outcome::Failed, "GIVEN_UP");
        drop(self.write(came));
    }

    /// Whether AWS has certainly changed nothing for the call.
    fn is_untouched(&self) -> bool {
        !self.joined && self.facts.scoped().is_none_or(Scoped::is_untouched)
    }

    fn came(&self, outcome: Outcome, reason: &str) -> Came {
        let mut came = Came::of(outcome, reason);
        came.approval = self.facts.approval().map(|approval| Box::new(approved(approval)));
        came.break_glass_policies = self.facts.break_glass().to_vec();
        let Some(aws) = self.facts.scoped() else { return came };
        came.scope = Some(Where { account: aws.scope().account.to_string(), region: aws.scope().region.to_string() });
        came.aws_request_ids = aws.trail().ids();
        // What was refused before AWS was asked has changed nothing.
        if !aws.is_untouched() {
            let noted = aws.changes().so_far();
            let changes = noted.changed.into_iter().map(|change| Change {
                subject: change.subject,
                field: change.field.to_owned(),
                old: change.old.map(request::bounded),
                new: change.new.map(request::bounded),
            });
            came.changes = changes.collect();
            came.changes_left_out = noted.left_out;
            for detection in noted.detections {
                came.event_names.push(detection.event_name().to_owned());
                let known = of_detection(detection).as_str_name();
                if !came.detections.iter().any(|told| told == known) {
                    came.detections.push(known.to_owned());
                }
            }
        }
        came
    }

    fn write(&mut self, came: Came) -> Written {
        if let Some(begun) = self.copied.take() {
            self.audit.0.copies.take(&Record::End(Box::new(End { begun: *begun, came: came.clone() })));
        }
        let place = self.place.take();
        let kept = self.audit.0.kept.as_ref();
        Written(kept.zip(place).map(|(kept, place)| kept.writer.end(self.id.clone(), came, place)))
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if self.place.is_none() && self.copied.is_none() {
            return;
        }
        let outcome = if self.is_untouched() { Outcome::Failed } else { Outcome::Unknown };
        let came = self.came(outcome, "CUT_OFF");
        drop(self.write(came));
    }
}

/// An end that is on its way to the disk.
#[derive(Debug)]
#[must_use = "the end of a call is waited for where that holds nobody up"]
pub(in crate::rpc) struct Written(Option<oneshot::Receiver<()>>);

impl Written {
    /// When it is there, or after a while.
    pub(in crate::rpc) async fn on_disk(self) {
        if let Some(written) = self.0 {
            // What takes longer is written later, or by the next start.
            _ = timeout(PATIENCE, written).await;
        }
    }
}

/// The reason of an error, by the cause that goes with its `Status`.
fn reason(status: &Status) -> &'static str {
    use std::error::Error as _;
    let cause = status.source().and_then(|source| source.downcast_ref::<Cause>());
    cause.map_or("INTERNAL", |cause| cause.reason)
}

fn caller(principal: &Principal) -> Caller {
    let known = principal.known();
    Caller {
        name: known.name.clone(),
        groups: known.groups.clone(),
        authentication: known.authentication,
        issuer: known.issuer.clone(),
        certificate: known.certificate.clone(),
    }
}

fn approved(approval: &Approval) -> Approved {
    Approved {
        id: approval.id.clone(),
        requester: approval.of.requester.name.clone(),
        decider: approval.decided.as_ref().map(|decision| decision.by.name.clone()).unwrap_or_default(),
        action: approval.of.action.clone(),
        request_digest: approval.of.digest.clone(),
    }
}

/// SHA-256 of a request, as the record names requests.
pub(in crate::rpc) fn digest(request: &[u8]) -> String {
    chain::digest(None, request)
}

fn of_detection(detection: Detection) -> proto::Detection {
    match detection {
        Detection::RecoveryPointDeleted | Detection::RecoveryPointDisassociated => {
            proto::Detection::RecoveryPointDeleted
        }
        Detection::VaultDeleted => proto::Detection::VaultDeleted,
        Detection::VaultLockRemoved => proto::Detection::VaultLockRemoved,
        Detection::PlanDeleted => proto::Detection::PlanDeleted,
        Detection::SelectionDeleted => proto::Detection::SelectionDeleted,
        Detection::VaultPolicySet | Detection::VaultPolicyDeleted => proto::Detection::VaultPolicyChanged,
        Detection::PointKeptShorter | Detection::PlanKeepsShorter => proto::Detection::RetentionShortened,
        Detection::NotificationsFewer | Detection::NotificationsDeleted => proto::Detection::NotificationsSwitchedOff,
        Detection::LegalHoldCancelled => proto::Detection::LegalHoldCancelled,
    }
}

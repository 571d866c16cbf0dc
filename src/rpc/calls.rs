//! What holds for every call once it was let in: its deadline, that a change runs to its end and is not done twice at
//! once, and that its `request_id` is told whatever becomes of it.

mod joined;
mod retry;
mod watch;

use std::sync::Arc;

use prost::Message;
use tokio::{
    sync::broadcast,
    time::{Instant, timeout_at},
};
use tonic::{Request, Response, Status, codegen::http::Extensions};
use tracing::Instrument as _;

pub(super) use self::watch::Watching;
use self::{
    joined::{Fingerprint, Lead, Outcome, Running, Told, Turn},
    retry::is_retry,
};
use super::{
    access::{Act, Audit, Begun, Permissions, Sight},
    convert::{Change, Changed},
    doorway::LetIn,
    status::{Failure, of_no_library},
    telling::Work,
};
use crate::{
    aws::{Aws, Effect, Scoped},
    domain::{Asked, Invalid, Mode, RequestId, Touched, TouchedThing},
    lifecycle::Lifecycle,
};

/// Runs the calls of all services.
#[derive(Debug, Clone)]
pub(super) struct Calls {
    aws: Aws,
    lifecycle: Lifecycle,
    audit: Audit,
    permissions: Option<Permissions>,
    running: Arc<Running>,
    touched: broadcast::Sender<Touched>,
}

impl Calls {
    pub(super) fn new(
        aws: Aws,
        lifecycle: Lifecycle,
        (audit, permissions): (Audit, Option<Permissions>),
        touched: broadcast::Sender<Touched>,
    ) -> Self {
        Self { aws, lifecycle, audit, permissions, running: Arc::default(), touched }
    }

    /// What tells the workers that databases, or plans, were changed: nobody need wait until they look again.
    pub(super) fn toucher(&self) -> impl Fn(&Scoped, TouchedThing) + Send + use<> {
        let touched = self.touched.clone();
        move |aws: &Scoped, what| {
            // Where nothing is followed nobody listens.
            drop(touched.send(Touched { scope: aws.scope().clone(), what }));
        }
    }

    /// What the caller may in a call of this message.
    fn sight<M: Message>(&self, let_in: &LetIn, message: &M) -> Sight {
        // Without policies nobody looks at its bytes.
        self.permissions.as_ref().map(|_| self.sight_of(let_in, &message.encode_to_vec())).unwrap_or_default()
    }

    fn sight_of(&self, let_in: &LetIn, bytes: &[u8]) -> Sight {
        let sight = |permissions: &Permissions| permissions.sight(&let_in.principal, &let_in.facts, bytes);
        self.permissions.as_ref().map(sight).unwrap_or_default()
    }

    /// Answers a call that changes nothing: reads the request, finds its account and region, sees whether its caller may, works,
    /// and leaves out what the caller may not see. It ends with its caller's interest.
    pub(super) async fn read<M, T, R, F>(
        &self,
        request: Request<M>,
        convert: impl FnOnce(M) -> Result<Asked<T>, Invalid>,
        work: impl FnOnce(Scoped, T) -> F,
    ) -> Result<Response<R>, Status>
    where
        M: Message,
        R: Message + Default,
        F: Future<Output = Result<R, Failure>>,
    {
        self.read_seen(request, convert, |aws, what, _| work(aws, what)).await
    }

    /// The same, for what counts or goes on: it is told what its caller may see.
    pub(super) async fn read_seen<M, T, R, F>(
        &self,
        request: Request<M>,
        convert: impl FnOnce(M) -> Result<Asked<T>, Invalid>,
        work: impl FnOnce(Scoped, T, Sight) -> F,
    ) -> Result<Response<R>, Status>
    where
        M: Message,
        R: Message + Default,
        F: Future<Output = Result<R, Failure>>,
    {
        let let_in = let_in(request.extensions())?;
        let deadline = let_in.deadline;
        let answer = |message| async {
            let sight = self.sight(&let_in, &message);
            let Asked { scope, places, what, .. } = convert(message)?;
            let aws = self.aws.within_all(scope, places).await?.for_read(deadline);
            let_in.facts.within(&aws);
            Box::pin(sight.decide(&aws)).await?;
            let scope = aws.scope().clone();
            // Boxed, as all work is: several reads side by side make a future of tens of kilobytes.
            let answer = Box::pin(work(aws, what, sight.clone())).await;
            Box::pin(sight.shown(&scope, answer)).await
        };
        self.answered(request, answer).await
    }

    /// Answers a call about the server itself, which has no account and region.
    pub(super) async fn answer<M, R, F>(
        &self,
        request: Request<M>,
        work: impl FnOnce(M) -> F,
    ) -> Result<Response<R>, Status>
    where
        M: Message,
        R: Message,
        F: Future<Output = Result<R, Failure>>,
    {
        let let_in = let_in(request.extensions())?;
        let answer = |message| async {
            self.sight(&let_in, &message).decide_at_home()?;
            work(message).await
        };
        self.answered(request, answer).await
    }

    async fn answered<M, R, F>(&self, request: Request<M>, work: impl FnOnce(M) -> F) -> Result<Response<R>, Status>
    where
        M: Message,
        R: Message,
        F: Future<Output = Result<R, Failure>>,
    {
        let (_, extensions, message) = request.into_parts();
        let let_in = let_in(&extensions)?;
        let act = self.audit.wants_reads().then(|| Act::read(&extensions, &let_in, message.encode_to_vec()));
        let answer = self.recorded(act, let_in.deadline, work(message), Status::from).await?;
        Ok(respond(answer))
    }

    /// Does what changes nothing within its deadline, and has it recorded where such calls are.
    async fn recorded<R: Message>(
        &self,
        act: Option<Act>,
        deadline: Instant,
        work: impl Future<Output = Result<R, Failure>>,
        told: impl Fn(Failure) -> Status,
    ) -> Result<R, Status> {
        let begun = match act {
            Some(act) => cancellable(deadline, self.audit.begin_read(act)).await.map_err(&told)?,
            None => None,
        };
        let answer = cancellable(deadline, work).await.map_err(told);
        if let Some(begun) = begun {
            // Nobody waits for the end of what changes nothing.
            drop(begun.end(answer.as_ref()));
        }
        answer
    }

    /// Answers a call that changes something, or with `validate_only` only checks it. Whatever the answer, it names the
    /// call's `request_id`.
    pub(super) async fn change<M, T, R, F>(
        &self,
        request: Request<M>,
        convert: impl FnOnce(M) -> Result<Asked<T>, Invalid>,
        work: impl FnOnce(Scoped, Asked<T>) -> F,
    ) -> Result<Response<R>, Status>
    where
        M: Change + Message + 'static,
        T: Send + 'static,
        R: Changed + Message + Clone + Default + 'static,
        F: Future<Output = Result<R, Failure>> + Send + 'static,
    {
        let (metadata, extensions, mut message) = request.into_parts();
        let let_in = let_in(&extensions)?;
        let request_id = match message.request_id() {
            "" => RequestId::fresh().as_str().to_owned(),
            given => given.to_owned(),
        };
        let given = !message.request_id().is_empty();
        let_in.facts.set_request_id(&request_id);
        // Without the id, which has more than one spelling.
        message.set_request_id("");
        let bytes = message.encode_to_vec();
        let what = Fingerprint::of(&bytes);
        let sight = self.sight_of(&let_in, &bytes);
        let act = Act::read(&extensions, &let_in, bytes).of_change(&request_id).decided_by(sight.policies_hash());
        message.set_request_id(&request_id);
        let mut is_check = false;
        let asked = || {
            let mut asked = convert(message)?;
            is_check = asked.is_check();
            // Whoever is not known may have read the token of a known caller off what that one made.
            if !let_in.principal.is_anonymous() || asked.request_id.looks_derived() {
                asked.request_id = asked.request_id.of_caller(let_in.principal.name());
            }
            if !given {
                asked.request_id = asked.request_id.of_this_call();
                // Nobody can tell whether what the library tried before was done.
                if asked.mode == Mode::Do && is_retry(&metadata) {
                    return Err(Failure::RetryWithoutRequestId);
                }
            }
            Ok(asked)
        };
        let answer = match asked() {
            Err(failure) => Err(failure.of_change(&request_id)),
            Ok(asked) if asked.mode == Mode::Check => {
                let act = self.audit.wants_reads().then_some(act);
                let check = self.check(&let_in, &sight, asked, work);
                self.recorded(act, let_in.deadline, check, |failure| failure.of_change(&request_id)).await
            }
            Ok(asked) => {
                let act = act.done_in(&asked.scope);
                let answer = match self.turn::<M, R>(&act, &let_in, &asked.request_id, &what).await {
                    Ok(Decided::Lead(lead)) => match cancellable(let_in.deadline, self.audit.begin(act)).await {
                        Ok(begun) => {
                            self.carry_out((begun, sight.clone()), let_in, asked, lead, &request_id, work).await
                        }
                        Err(failure) => Err(failure.of_change(&request_id)),
                    },
                    Ok(Decided::Told(answer)) => answer,
                    Err(failure) => Err(failure.of_change(&request_id)),
                };
                // A library would send it again without the id, and be told that alone instead of this.
                if given { answer } else { answer.map_err(of_no_library) }
            }
        };
        answer.map(|mut answer| {
            sight.tell_need(is_check, &mut answer);
            answer.tell_request_id(request_id);
            respond(answer)
        })
    }

    /// A check ends like a read: nothing goes on after it.
    async fn check<T, R, F>(
        &self,
        let_in: &LetIn,
        sight: &Sight,
        asked: Asked<T>,
        work: impl FnOnce(Scoped, Asked<T>) -> F,
    ) -> Result<R, Failure>
    where
        R: Message + Default,
        F: Future<Output = Result<R, Failure>>,
    {
        let aws = self.aws.within_all(asked.scope.clone(), asked.places.clone()).await?;
        let aws = aws.for_change(let_in.deadline);
        let_in.facts.within(&aws);
        Box::pin(sight.decide(&aws)).await?;
        let scope = aws.scope().clone();
        let answer = Box::pin(work(aws, asked)).await;
        Box::pin(sight.shown(&scope, answer)).await
    }

    /// Who does the change. A repetition of one that is under way waits for the answer to that, within its own deadline and
    /// without a place: its work has one already.
    async fn turn<M, R>(
        &self,
        act: &Act,
        let_in: &LetIn,
        id: &RequestId,
        what: &Fingerprint,
    ) -> Result<Decided<R>, Failure>
    where
        M: 'static,
        R: Message + Clone + 'static,
    {
        loop {
            let told = match self.running.ask::<M, R>(let_in.principal.name(), id.as_str(), what) {
                Turn::Lead(lead) => return Ok(Decided::Lead(lead)),
                Turn::Join(told) => told,
                Turn::Reused => return Err(Failure::RequestIdTaken),
            };
            tracing::debug!("joined the same change under way");
            let_in.leave_place();
            let begun = cancellable(let_in.deadline, self.audit.begin(act.joined())).await?;
            let answer = match self.heard(let_in.deadline, told).await {
                Ok(Some(answer)) => answer,
                Ok(None) => {
                    begun.given_up();
                    let_in.take_place()?;
                    continue;
                }
                Err(failure) => Err(failure.of_change(act.request_id())),
            };
            drop(begun.end(answer.as_ref()));
            return Ok(Decided::Told(answer));
        }
    }

    /// Only what was begun in the record is carried out, and the record is told how it ends by whoever works on it.
    ///
    /// tonic drops a handler when its client hangs up, so a change is worked on in a task of its own: it runs to its end,
    /// and shutdown waits for it.
    async fn carry_out<T, R, F>(
        &self,
        (begun, sight): (Begun, Sight),
        let_in: LetIn,
        asked: Asked<T>,
        mut lead: Lead<R>,
        request_id: &str,
        work: impl FnOnce(Scoped, Asked<T>) -> F,
    ) -> Result<R, Status>
    where
        T: Send + 'static,
        R: Message + Clone + Default + 'static,
        F: Future<Output = Result<R, Failure>> + Send + 'static,
    {
        let refused = |failure: Failure| failure.of_change(request_id);
        let deadline = let_in.deadline;
        // The scope is found here and not in the task: until then nothing is changed, so the call may still be given up.
        let scoped = async {
            let aws = self.aws.within_all(asked.scope.clone(), asked.places.clone()).await?;
            Box::pin(sight.permit(&aws, request_id)).await?;
            Ok(aws)
        };
        let aws = match cancellable(deadline, scoped).await {
            Ok(_) if Instant::now() >= deadline => Err(Failure::Deadline(Effect::None)),
            found => found,
        };
        let aws = match aws {
            Ok(aws) => aws.for_change(deadline),
            Err(failure) => {
                let refusal = refused(failure);
                drop(begun.end::<R>(Err(&refusal)));
                return Err(refusal);
            }
        };
        let_in.facts.within(&aws);
        let work = Box::pin(work(aws.clone(), asked));
        let told = lead.told();
        let (change, id) = (aws.clone(), request_id.to_owned());
        let end = Work::begin(Arc::clone(&let_in.facts));
        let task = async move {
            // Its place is held as long as it is worked on.
            let let_in = let_in;
            lead.begin();
            let answer = work.await;
            let outcome = match Box::pin(sight.shown(change.scope(), answer)).await {
                // What the first caller had no time for, another may have.
                Err(_) if Instant::now() >= let_in.deadline && change.is_untouched() => Outcome::GivenUp,
                answer => Outcome::Told(answer.map_err(|failure| failure.of_change(&id))),
            };
            // Nobody may be listening any more; the work is done all the same.
            end.ended(match &outcome {
                Outcome::Told(answer) => Some(answer.as_ref().map(|_| ())),
                Outcome::GivenUp => None,
            });
            let written = match &outcome {
                Outcome::Told(answer) => begun.end(answer.as_ref()),
                Outcome::GivenUp => begun.end::<R>(Err(&Failure::Deadline(Effect::None).of_change(&id))),
            };
            lead.tell(outcome);
            drop(let_in);
            // Shutdown waits for this task, and so for the end of the call in the record.
            written.on_disk().await;
        };
        self.lifecycle.spawn(task.in_current_span());
        match self.heard(deadline, told).await {
            Ok(Some(answer)) => answer,
            Ok(None) => Err(refused(Failure::Deadline(Effect::None))),
            // Past the deadline a change no longer begins.
            Err(Failure::Deadline(_)) if aws.is_untouched() => Err(refused(Failure::Deadline(Effect::None))),
            Err(failure) => Err(refused(failure)),
        }
    }

    /// What came of a change under way, within the deadline; nothing if it was given up before anything was done.
    async fn heard<R: Clone + Send + Sync>(
        &self,
        deadline: Instant,
        told: Told<R>,
    ) -> Result<Option<Result<R, Status>>, Failure> {
        match timeout_at(deadline, told.outcome()).await {
            Ok(Some(Outcome::Told(answer))) => Ok(Some(answer)),
            Ok(Some(Outcome::GivenUp)) => Ok(None),
            // The task ended without a word: it panicked, or the second stage of shutdown dropped it.
            Ok(None) if self.lifecycle.hard().is_cancelled() => Err(Failure::CutOff),
            Ok(None) => Err(Failure::Bug("the work of the call ended without an answer".to_owned())),
            Err(_) => Err(Failure::Deadline(Effect::Unknown)),
        }
    }
}

/// Who does a change.
enum Decided<R> {
    /// This call.
    Lead(Lead<R>),
    /// Another did, and this is what came of it.
    Told(Result<R, Status>),
}

pub(super) fn let_in(extensions: &Extensions) -> Result<LetIn, Failure> {
    let let_in = extensions.get::<LetIn>().cloned();
    let_in.ok_or_else(|| Failure::Bug("a call that came through no doorway".to_owned()))
}

/// The name of the caller of a call that was let in.
pub(super) fn caller<M>(request: &Request<M>) -> Result<String, Status> {
    Ok(let_in(request.extensions())?.principal.name().to_owned())
}

/// Compressing less than this costs more time than it saves.
const WORTH_COMPRESSING: usize = 4096;

/// For clients that take compressed answers, large ones are.
fn respond<R: Message>(answer: R) -> Response<R> {
    let mut response = Response::new(answer);
    if response.get_ref().encoded_len() < WORTH_COMPRESSING {
        response.disable_compression();
    }
    response
}

/// Work that may be given up at any time: it changes nothing.
async fn cancellable<R>(deadline: Instant, work: impl Future<Output = Result<R, Failure>>) -> Result<R, Failure> {
    match timeout_at(deadline, work).await {
        Ok(answer) => answer,
        Err(_) => Err(Failure::Deadline(Effect::None)),
    }
}

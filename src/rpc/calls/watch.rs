//! Calls that tell what happens, until their caller goes.

use std::{pin::Pin, time::Duration};

use futures_util::{Stream, StreamExt as _};
use jiff::Timestamp;
use prost::Message;
use tonic::{Request, Response, Status};

use super::{Calls, cancellable, let_in};
use crate::{
    aws::Scoped,
    domain::{Asked, Invalid},
    rpc::{
        access::{Act, Sight},
        status::Failure,
    },
};

/// What a call tells until its caller goes.
pub(in crate::rpc) type Watching<R> = Pin<Box<dyn Stream<Item = Result<R, Status>> + Send>>;

impl Calls {
    /// Answers a call that tells what happens, until its caller goes. What it begins with ends with its caller's interest, as
    /// of a read; then whoever is slow costs nothing, for nothing is read for them. A server that stops ends it with
    /// SHUTTING_DOWN: it goes on elsewhere.
    pub(in crate::rpc) async fn watch<M, T, R, S, F>(
        &self,
        request: Request<M>,
        convert: impl FnOnce(M) -> Result<Asked<T>, Invalid>,
        work: impl FnOnce(Scoped, T, Sight) -> F,
    ) -> Result<Response<Watching<R>>, Status>
    where
        M: Message,
        R: Send + 'static,
        S: Stream<Item = Result<R, Failure>> + Send + 'static,
        F: Future<Output = Result<S, Failure>>,
    {
        let (_, extensions, message) = request.into_parts();
        let let_in = let_in(&extensions)?;
        let act = self.audit.wants_reads().then(|| Act::read(&extensions, &let_in, message.encode_to_vec()));
        let begun = match act {
            Some(act) => cancellable(let_in.deadline, self.audit.begin_read(act)).await.map_err(Status::from)?,
            None => None,
        };
        let begin = async {
            let sight = self.sight(&let_in, &message);
            let Asked { scope, places, what, .. } = convert(message)?;
            let aws = self.aws.within_all(scope, places).await?.for_read(let_in.deadline);
            let_in.facts.within(&aws);
            Box::pin(sight.decide(&aws)).await?;
            Box::pin(work(aws, what, sight)).await
        };
        let events = cancellable(let_in.deadline, begin).await.map_err(Status::from);
        if let Some(begun) = begun {
            // The record has that it was begun to be watched; what was seen is in no record of calls.
            drop(begun.end(events.as_ref().map(|_| &())));
        }
        let state = (Box::pin(events?), self.lifecycle.soft(), let_in.principal.known().until);
        let watching = futures_util::stream::unfold(Some(state), |state| async {
            let (mut events, stop, until) = state?;
            tokio::select! {
                biased;
                () = stop.cancelled() => Some((Err(Failure::ShuttingDown.into()), None)),
                () = over(until) => Some((Err(Failure::BadCredentials(OVER.to_owned()).into()), None)),
                event = events.next() => match event? {
                    Ok(event) => Some((Ok(event), Some((events, stop, until)))),
                    Err(failure) => Some((Err(failure.into()), None)),
                },
            }
        });
        Ok(Response::new(Box::pin(watching)))
    }
}

/// Of a watch whose credentials have ended.
const OVER: &str = "the credentials of the call have expired: watch again with new ones, from the last resume token on";

/// When the credentials of a caller end; never where they do not.
async fn over(until: Option<Timestamp>) {
    let Some(until) = until else { return std::future::pending().await };
    // Clocks are set: what is slept is looked at again.
    loop {
        let left = until.duration_since(Timestamp::now());
        let Ok(left) = Duration::try_from(left) else { return };
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(LONGEST_SLEEP)).await;
    }
}

const LONGEST_SLEEP: Duration = Duration::from_secs(60);

//! Requests that were carried out before: each is answered by what the ledger has of it, so that none is done twice though AWS, which
//! knows of a request as long as of its job, has forgotten both.

use std::future::Future;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use prost::Message;
use sha2::{Digest as _, Sha256};

use super::{Remembered, promptly};
use crate::{
    aws::{Error, Scoped},
    domain::{Asked, Invalid, Job, JobId, JobKind, Refusal},
    ledger::{Made, Repeatable},
    proto::{self, start_restore_request::What},
    rpc::{convert::Change, restore_token, status::Failure},
};

/// A request that starts a job, and what it is known again by.
pub(in crate::rpc) struct Starting<T> {
    words: Words,
    what: T,
}

/// What a request says, so that another one under the same `request_id` is told from the same one in other words.
struct Words {
    /// Of all that it says, with names where it has ARNs.
    digest: String,
    /// The ARNs that it has where it could have names.
    arns: Vec<String>,
}

/// A request that starts a job.
pub(in crate::rpc) trait Start: Change + Message + Clone {
    /// Where it says which account and region, and what may be named or given by its ARN.
    fn words(&mut self) -> (&mut Option<proto::Scope>, Vec<&mut String>);
}

impl Start for proto::StartBackupRequest {
    fn words(&mut self) -> (&mut Option<proto::Scope>, Vec<&mut String>) {
        (&mut self.scope, vec![&mut self.resource, &mut self.vault, &mut self.role])
    }
}

impl Start for proto::StartCopyRequest {
    fn words(&mut self) -> (&mut Option<proto::Scope>, Vec<&mut String>) {
        (&mut self.scope, vec![&mut self.vault, &mut self.destination_vault, &mut self.role])
    }
}

impl Start for proto::StartRestoreRequest {
    fn words(&mut self) -> (&mut Option<proto::Scope>, Vec<&mut String>) {
        // The same, as it was planned.
        if let Some(What::RestoreToken(token)) = &self.what
            && let Ok((planned, _)) = restore_token::read(token)
            && let Some(restore) = planned.restore
        {
            self.what = Some(What::Restore(restore));
        }
        let named = match &mut self.what {
            Some(What::Restore(restore)) => vec![&mut restore.role],
            Some(What::RestoreToken(_)) | None => Vec::new(),
        };
        (&mut self.scope, named)
    }
}

impl Words {
    fn of(mut request: impl Start) -> Self {
        // It has more than one spelling.
        request.set_request_id("");
        let (scope, named) = request.words();
        *scope = None;
        let mut arns = Vec::new();
        for word in named.into_iter().filter(|word| word.starts_with("arn:")) {
            let name = word.rsplit([':', '/']).next().unwrap_or_default().to_owned();
            arns.push(std::mem::replace(word, name));
        }
        // Equal requests are equal bytes, for maps are sorted.
        Self { digest: STANDARD.encode(Sha256::digest(request.encode_to_vec())), arns }
    }

    /// Whether it is the request of that digest, which started the job.
    fn are_of(&self, digest: &str, job: &Job) -> bool {
        let known = [&job.resource_arn, &job.vault_arn, &job.role_arn, &job.destination_vault_arn];
        self.digest == digest && self.arns.iter().all(|arn| known.iter().any(|known| known.as_ref() == Some(arn)))
    }
}

/// The answer to a request that starts a job.
pub(in crate::rpc) trait Started: Message + Default {
    /// The operation, by the name that the ledger has it under.
    const OPERATION: &'static str;
    /// What it starts.
    const KIND: JobKind;

    fn job(&mut self) -> &mut Option<proto::Job>;
}

macro_rules! starts {
    ($($answer:ident: $operation:literal, $kind:ident);+ $(;)?) => {$(
        impl Started for proto::$answer {
            const OPERATION: &'static str = $operation;
            const KIND: JobKind = JobKind::$kind;

            fn job(&mut self) -> &mut Option<proto::Job> {
                &mut self.job
            }
        }
    )+};
}

starts!(
    StartBackupResponse: "StartBackup", Backup;
    StartCopyResponse: "StartCopy", Copy;
    StartRestoreResponse: "StartRestore", Restore;
);

/// Reads a request that starts a job.
pub(in crate::rpc) fn starting<M: Start, T>(
    convert: impl FnOnce(M) -> Result<Asked<T>, Invalid>,
) -> impl FnOnce(M) -> Result<Asked<Starting<T>>, Invalid> {
    |message| {
        let words = Words::of(message.clone());
        let Asked { scope, places, mode, request_id, what } = convert(message)?;
        Ok(Asked { scope, places, mode, request_id, what: Starting { words, what } })
    }
}

impl Remembered {
    /// Starts a job by `start`, unless the same request has started one before: then that is the answer, with the job as it is now.
    /// A ledger that does not answer hinders nothing: AWS knows the request for as long as it does.
    pub(in crate::rpc) async fn start_once<T, R, F>(
        &self,
        aws: &Scoped,
        asked: Asked<Starting<T>>,
        start: impl FnOnce(Asked<T>) -> F,
    ) -> Result<R, Failure>
    where
        R: Started,
        F: Future<Output = Result<R, Failure>>,
    {
        let Asked { scope, places, mode, request_id, what: Starting { words, what } } = asked;
        let asked = Asked { scope, places, mode, request_id, what };
        if asked.is_check() {
            return start(asked).await;
        }
        let id = asked.request_id.as_str().to_owned();
        let request = Repeatable { scope: aws.scope().clone(), operation: R::OPERATION, id };
        if asked.request_id.may_repeat()
            && let Some(made) = self.made(&request).await
        {
            let job = self.job_of(aws, &made.job, R::KIND).await?;
            if !words.are_of(&made.digest, &job) {
                return Err(Refusal::token_of_another(&job, &asked.request_id).into());
            }
            // What cannot be read was written by a version that told more.
            let answer = STANDARD.decode(&made.answer).ok().and_then(|bytes| R::decode(&*bytes).ok());
            let mut answer = answer.unwrap_or_default();
            *answer.job() = Some(job.into());
            return Ok(answer);
        }
        let mut answer = start(asked).await?;
        if let Some(job) = answer.job().take() {
            if let Some(id) = JobId::told(&*job.id) {
                let made = Made { digest: words.digest, job: id, answer: STANDARD.encode(answer.encode_to_vec()) };
                self.note(&request, &made, aws.now()).await;
            }
            *answer.job() = Some(job);
        }
        Ok(answer)
    }

    /// What the request made before, as far as the ledger answers.
    async fn made(&self, request: &Repeatable) -> Option<Made> {
        match promptly(self.ledger.request(request)).await {
            Ok(made) => made,
            Err(error) => {
                tracing::warn!(%error, "whether this is a repetition AWS alone can tell");
                None
            }
        }
    }

    async fn note(&self, request: &Repeatable, made: &Made, at: Timestamp) {
        if let Err(error) = promptly(self.ledger.note_request(request, made, at)).await {
            let later = "a repetition of this request is not recognised once AWS has forgotten it";
            tracing::warn!(%error, job = %made.job, "{later}");
        }
    }

    /// The job of an earlier request as it is now, or as it was last known where AWS does not tell of it any more.
    async fn job_of(&self, aws: &Scoped, id: &JobId, kind: JobKind) -> Result<Job, Failure> {
        let known = match self.ledger.job(id).await {
            Ok(known) => known,
            Err(error) => {
                tracing::warn!(%error, job = %id, "what is remembered of a job cannot be told");
                None
            }
        };
        match known {
            Some(job) if job.state.is_final() => Ok(job),
            known => match aws.sweep_job(id, kind).await {
                Ok((job, at)) => {
                    self.learn(vec![(job.clone(), at)]).await;
                    Ok(job)
                }
                Err(failure) => known.ok_or_else(|| Error::from(failure).into()),
            },
        }
    }
}

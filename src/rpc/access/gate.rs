//! The gate: who calls, by token and certificate, whether they may, and how often.

use std::{net::IpAddr, sync::Arc};

use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};
use tonic::codegen::http::HeaderMap;

use super::{
    metrics,
    principal::{Authentication, Known, Principal},
    rates::Rates,
    tokens::{New, Shown, Tokens},
};
use crate::{
    aws::Effect,
    config::{AccessConfig, Credential, DefaultAccess, ServerConfig},
    domain::Person,
    lifecycle::Lifecycle,
    rpc::{
        doorway::{Kind, Method},
        listener::Connection,
        status::Failure,
    },
};

/// The one call that everybody known may make.
const WHO_AM_I: &str = "strongroom.v1.AccessService/WhoAmI";

/// The calls that start jobs, which cost AWS's money and time.
const STARTS: [&str; 3] = ["StartBackup", "StartRestore", "StartCopy"];

#[derive(Debug)]
pub(in crate::rpc) struct Gate {
    tokens: Tokens,
    rates: Rates,
    /// How many tokens addresses bring that are not known.
    strangers: Rates,
    require: Vec<Credential>,
    default: DefaultAccess,
    /// Whether whoever brings nothing is served.
    takes_anonymous: bool,
}

impl Gate {
    pub(in crate::rpc) fn new(access: &AccessConfig, server: &ServerConfig) -> Self {
        Self {
            tokens: Tokens::new(access),
            rates: Rates::new(access),
            strangers: Rates::new(access),
            require: access.require.clone(),
            // Where there are policies, they say what callers may.
            default: if access.policies.is_some() { DefaultAccess::Allow } else { access.default },
            takes_anonymous: access.require.is_empty() && (access.allow_anonymous || server.listen.ip().is_loopback()),
        }
    }

    /// Reads the keys of issuers from now on.
    pub(in crate::rpc) fn open(&self, lifecycle: &Lifecycle) {
        for issuer in self.tokens.issuers() {
            lifecycle.spawn_until_stop(Arc::clone(issuer).keep());
        }
    }

    /// Who calls. Whoever brings credentials that are not good is refused, and never taken for somebody unknown.
    pub(in crate::rpc) async fn identify(
        &self,
        headers: &HeaderMap,
        connection: Option<&Connection>,
        deadline: Instant,
    ) -> Result<Principal, Failure> {
        let token = match self.tokens.look(headers)? {
            Shown::Nothing => None,
            Shown::Remembered(principal) => Some(principal),
            // Boxed: all but the first call of a token do without it.
            Shown::New(token) => Some(Box::pin(self.examine(token, connection, deadline)).await?),
        };
        let certificate = certificate(connection)?;
        let requires = |what| self.require.contains(&what);
        if token.is_none() && requires(Credential::Token) {
            metrics::authenticated("", "missing");
            return Err(Failure::NoCredentials(
                "the server wants a bearer token: authorization: Bearer TOKEN".to_owned(),
            ));
        }
        if certificate.is_none() && requires(Credential::Certificate) {
            metrics::authenticated("", "missing");
            return Err(Failure::NoCredentials("the server wants a client certificate".to_owned()));
        }
        match (token, certificate) {
            (Some(token), Some(certificate)) => Ok(token.with_certificate(&certificate)),
            (Some(one), None) | (None, Some(one)) => Ok(one),
            (None, None) if self.takes_anonymous => Ok(Principal::anonymous()),
            (None, None) => {
                metrics::authenticated("", "missing");
                let text = "the call brings no credentials: the server wants a bearer token or a client certificate";
                Err(Failure::NoCredentials(text.to_owned()))
            }
        }
    }

    /// Whose a token is that is not known yet. Before anything of it is read: whoever sends those that are not good makes work
    /// without end otherwise, and waits for keys that nobody has. Who is known already comes past them.
    async fn examine(
        &self,
        token: New<'_>,
        connection: Option<&Connection>,
        deadline: Instant,
    ) -> Result<Principal, Failure> {
        let address = connection.map(Connection::party);
        if let Some(address) = address {
            self.strangers.take_as_stranger(address, Instant::now()).map_err(|spent| {
                metrics::authenticated("", "limited");
                let text = format!("{address} brings more tokens that are not known than it may ({})", spent.key);
                Failure::RateLimited(text, spent.wait)
            })?;
        }
        let verified = timeout_at(deadline, self.tokens.verify(token)).await;
        let principal = verified.unwrap_or(Err(Failure::Deadline(Effect::None)))?;
        if let Some(address) = address {
            self.strangers.give_back(address);
        }
        Ok(principal)
    }

    /// Whether the caller may call this.
    pub(in crate::rpc) fn admit(&self, principal: &Principal, method: &Method) -> Result<(), Failure> {
        match self.default {
            DefaultAccess::WhoAmIOnly if method.name != WHO_AM_I => {
                let text = format!("{principal} may call nothing but AccessService.WhoAmI (access.default)");
                Err(Failure::AccessDenied(text))
            }
            DefaultAccess::Allow | DefaultAccess::WhoAmIOnly => Ok(()),
        }
    }

    /// Whether the caller may call again by now.
    pub(in crate::rpc) fn pace(
        &self,
        principal: &Principal,
        address: Option<IpAddr>,
        method: &Method,
        now: Instant,
    ) -> Result<(), Failure> {
        let name = method.name.rsplit('/').next().unwrap_or_default();
        let starts_a_job = method.kind == Kind::Call && STARTS.contains(&name);
        self.rates.take(principal, address, starts_a_job, now).map_err(|spent| {
            let what = if spent.key.ends_with("jobs_per_minute") { "starts more jobs" } else { "makes more calls" };
            Failure::RateLimited(format!("{principal} {what} than one caller may ({})", spent.key), spent.wait)
        })
    }
}

/// The caller whom the certificate of a connection names. It was in time at the handshake, and is looked at by each call.
fn certificate(connection: Option<&Connection>) -> Result<Option<Principal>, Failure> {
    let refuse = |outcome, text: String| {
        metrics::authenticated("certificate", outcome);
        Err(Failure::BadCredentials(text))
    };
    match connection.and_then(Connection::certificate) {
        None => Ok(None),
        Some(Err(nameless)) => refuse("malformed", nameless.to_string()),
        Some(Ok(certificate)) if !certificate.is_valid_at(Timestamp::now()) => {
            refuse("expired", "the client certificate has expired: connect again with a new one".to_owned())
        }
        Some(Ok(certificate)) => {
            metrics::authenticated("certificate", "verified");
            Ok(Some(Principal::new(Known {
                name: certificate.name.clone(),
                groups: Vec::new(),
                authentication: Authentication::Certificate,
                // A certificate says which machine it is; with a token, that says who.
                person: Person::Nobody,
                issuer: None,
                certificate: Some(certificate.name.clone()),
                until: Some(certificate.not_after),
            })))
        }
    }
}

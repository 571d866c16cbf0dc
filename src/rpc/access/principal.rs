//! Who calls.

use std::{fmt, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    domain::{Person, Signer},
    telemetry::disturbs,
};

/// A caller. Clones are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::rpc) struct Principal(Arc<Known>);

/// What is known of a caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::rpc) struct Known {
    /// Unique over all ways in which callers are known. Printable, and no more than 512 bytes.
    pub(in crate::rpc) name: String,
    /// Sorted.
    pub(in crate::rpc) groups: Vec<String>,
    pub(in crate::rpc) authentication: Authentication,
    /// Which person it is, as far as the token tells.
    pub(in crate::rpc) person: Person,
    /// The `iss` of the token.
    pub(in crate::rpc) issuer: Option<String>,
    /// The name in the certificate of the connection.
    pub(in crate::rpc) certificate: Option<String>,
    /// When the credentials end.
    pub(in crate::rpc) until: Option<Timestamp>,
}

/// How a caller is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::rpc) enum Authentication {
    Anonymous,
    Token,
    Certificate,
    TokenAndCertificate,
}

impl Known {
    /// Who signs, where the caller is known by a token: by a certificate alone nobody can tell one person from another.
    pub(in crate::rpc) fn signer(&self) -> Option<Signer> {
        let Self { name, groups, issuer, person, .. } = self;
        let issuer = issuer.clone()?;
        Some(Signer { name: name.clone(), groups: groups.clone(), issuer, person: person.clone() })
    }

    /// Somebody who has signed, as policies are asked about such a one.
    pub(in crate::rpc) fn of_signer(signer: &Signer) -> Self {
        let known = Self::by_token(signer.name.clone(), signer.groups.clone());
        Self { issuer: Some(signer.issuer.clone()), person: signer.person.clone(), ..known }
    }

    /// A caller whom policies are asked about, and who need not be there.
    pub(in crate::rpc) fn by_token(name: String, groups: Vec<String>) -> Self {
        let authentication = Authentication::Token;
        Self { name, groups, authentication, person: Person::Subject, issuer: None, certificate: None, until: None }
    }
}

impl Principal {
    /// Nobody knows who.
    pub(in crate::rpc) fn anonymous() -> Self {
        Self::new(Known {
            name: "anonymous".to_owned(),
            groups: Vec::new(),
            authentication: Authentication::Anonymous,
            person: Person::Nobody,
            issuer: None,
            certificate: None,
            until: None,
        })
    }

    pub(in crate::rpc) fn new(known: Known) -> Self {
        Self(Arc::new(known))
    }

    /// The same caller, known by a certificate too: the token says who it is.
    pub(in crate::rpc) fn with_certificate(&self, certificate: &Self) -> Self {
        let (token, certificate) = (self.known(), certificate.known());
        Self::new(Known {
            authentication: Authentication::TokenAndCertificate,
            certificate: certificate.certificate.clone(),
            until: token.until.into_iter().chain(certificate.until).min(),
            ..token.clone()
        })
    }

    pub(in crate::rpc) fn name(&self) -> &str {
        &self.0.name
    }

    pub(in crate::rpc) fn is_anonymous(&self) -> bool {
        self.0.authentication == Authentication::Anonymous
    }

    pub(in crate::rpc) fn known(&self) -> &Known {
        &self.0
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Nothing that ends a line, moves a cursor, or turns the direction of what follows: names stand in logs and records.
pub(super) fn is_printable(text: &str) -> bool {
    !text.chars().any(disturbs)
}

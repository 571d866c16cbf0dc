//! The certificate by which a client is known, as the handshake left it: checked, and in time.

use jiff::Timestamp;
use x509_parser::{
    extensions::GeneralName,
    prelude::{FromDer as _, X509Certificate},
};

use super::principal::is_printable;

/// The longest name that is taken.
const LONGEST: usize = 512;

const SPIFFE: &str = "spiffe://";

/// A client's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::rpc) struct Certificate {
    /// Whose: `spiffe://…`, else `dns:NAME`, else `subject:CN=…`.
    pub(in crate::rpc) name: String,
    pub(in crate::rpc) not_after: Timestamp,
}

/// Why nobody is named by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::rpc) enum Nameless {
    #[error("the client certificate cannot be read")]
    Unreadable,
    #[error("the client certificate has several SPIFFE ids, and one is all that there may be")]
    SeveralIds,
    #[error("the client certificate has no name that is taken: a SPIFFE id, a DNS name or a subject")]
    NoName,
}

impl Certificate {
    /// What a certificate that is signed by whom we trust says of its owner.
    pub(in crate::rpc) fn read(der: &[u8]) -> Result<Self, Nameless> {
        let (_, certificate) = X509Certificate::from_der(der).map_err(|_| Nameless::Unreadable)?;
        let not_after = Timestamp::from_second(certificate.validity().not_after.timestamp());
        let names = certificate.subject_alternative_name().map_err(|_| Nameless::Unreadable)?;
        let names = names.map(|names| names.value.general_names.as_slice()).unwrap_or_default();
        let mut ids = names.iter().filter_map(|name| match name {
            GeneralName::URI(uri) if uri.starts_with(SPIFFE) => Some((*uri).to_owned()),
            _ => None,
        });
        let id = ids.next();
        if ids.next().is_some() {
            // SPIFFE's own rule: a validator must not choose.
            return Err(Nameless::SeveralIds);
        }
        let dns = || {
            names.iter().find_map(|name| match name {
                GeneralName::DNSName(name) if !name.is_empty() => Some(format!("dns:{}", name.to_ascii_lowercase())),
                _ => None,
            })
        };
        let subject = || {
            // The one common name: a subject written out whole reads the same for several of them.
            let mut common = certificate.subject().iter_common_name();
            let (only, another) = (common.next()?.as_str().ok()?, common.next());
            (another.is_none() && !only.is_empty()).then(|| format!("subject:CN={only}"))
        };
        let name = id.or_else(dns).or_else(subject).ok_or(Nameless::NoName)?;
        // What is written into a log and a record must not be able to break it.
        if name.len() <= SPIFFE.len() && name.starts_with(SPIFFE) || name.len() > LONGEST || !is_printable(&name) {
            return Err(Nameless::NoName);
        }
        Ok(Self { name, not_after: not_after.map_err(|_| Nameless::Unreadable)? })
    }

    /// When a certificate ends, whoever's it is; nothing where that cannot be read.
    pub(in crate::rpc) fn ends(der: &[u8]) -> Option<Timestamp> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()
    }

    /// Whether it has not ended by then: a connection can outlive it.
    pub(in crate::rpc) fn is_valid_at(&self, now: Timestamp) -> bool {
        now <= self.not_after
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;

    fn read(change: impl FnOnce(&mut CertificateParams)) -> Result<String, Nameless> {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        change(&mut params);
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        Certificate::read(certificate.der()).map(|certificate| certificate.name)
    }

    fn uri(text: &str) -> SanType {
        SanType::URI(text.try_into().unwrap())
    }

    fn dns(text: &str) -> SanType {
        SanType::DnsName(text.try_into().unwrap())
    }

    #[test]
    fn a_spiffe_id_comes_before_a_dns_name_and_that_before_the_subject() {
        let all = |params: &mut CertificateParams| {
            params.distinguished_name.push(DnType::CommonName, "portal");
            params.subject_alt_names = vec![dns("Portal.example"), uri("spiffe://example/ns/a/sa/portal")];
        };
        assert_eq!(read(all).unwrap(), "spiffe://example/ns/a/sa/portal");
        assert_eq!(
            read(|it| it.subject_alt_names = vec![uri("https://a"), dns("Portal.example")]).unwrap(),
            "dns:portal.example"
        );
        assert_eq!(read(|it| it.distinguished_name.push(DnType::CommonName, "portal")).unwrap(), "subject:CN=portal");
    }

    #[test]
    fn a_certificate_without_one_clear_name_names_nobody() {
        assert_eq!(read(|_| {}), Err(Nameless::NoName));
        let two = vec![uri("spiffe://example/a"), uri("spiffe://example/b")];
        assert_eq!(read(|it| it.subject_alt_names = two), Err(Nameless::SeveralIds));
        for injected in ["a\nb", "a\u{202e}b"] {
            let injects = |it: &mut CertificateParams| it.distinguished_name.push(DnType::CommonName, injected);
            assert_eq!(read(injects), Err(Nameless::NoName), "{injected:?}");
        }
        let two = |it: &mut CertificateParams| {
            it.distinguished_name.push(DnType::CommonName, "portal, O=Admins");
            it.distinguished_name.push(DnType::OrganizationName, "Portals");
        };
        assert_eq!(read(two).unwrap(), "subject:CN=portal, O=Admins", "an organization is no part of the name");
        assert_eq!(read(|it| it.subject_alt_names = vec![uri("spiffe://")]), Err(Nameless::NoName));
        assert_eq!(Certificate::read(b"nothing"), Err(Nameless::Unreadable));
    }
}

//! What makes a connection that nobody listens to out of the way to a server, and what it means when it cannot be made.

use std::{fs, path::Path};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};

use super::{
    address::Address,
    connection::causes,
    way::{Credentials, Way},
};

/// By which a server says that it does not take a certificate.
const NOT_TAKEN: [&str; 8] = [
    "UnknownCA",
    "BadCertificate",
    "CertificateUnknown",
    "CertificateExpired",
    "CertificateRevoked",
    "DecryptError",
    "AccessDenied",
    "UnsupportedCertificate",
];

impl Way {
    /// Where tonic finds it, with the files read that prove who is who.
    pub(in crate::cli) fn endpoint(&self) -> Result<Endpoint, String> {
        let endpoint = Endpoint::from_shared(self.address.to_string()).map_err(|error| causes(&error))?;
        let Address::Tls(authority) = &self.address else { return Ok(endpoint) };
        let mut tls = ClientTlsConfig::new();
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        tls = tls.domain_name(self.credentials.server_name.as_deref().unwrap_or(host));
        tls = match &self.credentials.ca_file {
            Some(path) => tls.ca_certificate(Certificate::from_pem(certificates("--ca-file", path)?)),
            None => tls.with_native_roots(),
        };
        if let (Some(certificate), Some(key)) = (&self.credentials.certificate_file, &self.credentials.key_file) {
            tls = tls.identity(Identity::from_pem(certificates("--certificate-file", certificate)?, private_key(key)?));
        }
        endpoint.tls_config(tls).map_err(|error| {
            let why = causes(&error);
            self.explained(&why).unwrap_or(why)
        })
    }

    /// What a failure of the connection means, where it is one of those that trying again does not help. These are rustls'
    /// and tonic's words, held by tests/it/cli_tls.rs.
    pub(super) fn explained(&self, why: &str) -> Option<String> {
        let Address::Tls(authority) = &self.address else { return None };
        let Credentials { ca_file, server_name, certificate_file, .. } = &self.credentials;
        let host = server_name.as_deref().unwrap_or(authority.host());
        let says = |words: &[&str]| words.iter().any(|words| why.contains(words));
        let alert = |name: &str| why.contains(&format!("fatal alert: {name}"));
        let text = if says(&["UnknownIssuer", "BadSignature"]) {
            match ca_file {
                Some(path) => {
                    format!("no authority of {} has signed its certificate: is it the right --ca-file?", path.display())
                }
                None => "no authority that this system trusts has signed its certificate: name its own with --ca-file"
                    .to_owned(),
            }
        } else if says(&["not valid for name", "NotValidForName"]) {
            format!(
                "its certificate is not for {host:?}: say the name that it has with --server-name, if that is the server ({why})"
            )
        } else if says(&["invalid peer certificate"]) {
            format!("its certificate is not good: {why}")
        } else if says(&["corrupt message"]) {
            format!("it speaks no TLS. If nobody can listen on the way, write http://{authority}")
        } else if alert("CertificateRequired") {
            "it wants a certificate of whoever calls: --certificate-file and --key-file".to_owned()
        } else if let Some(path) = certificate_file
            && NOT_TAKEN.into_iter().any(alert)
        {
            let path = path.display();
            format!("it does not take the certificate {path}, by which this command said who calls: {why}")
        } else if alert("ProtocolVersion") {
            "it takes no version of TLS that this program speaks, 1.2 and 1.3".to_owned()
        } else if says(&["HTTP/2 was not negotiated"]) {
            "it speaks TLS but no HTTP/2, which gRPC needs".to_owned()
        } else if says(&["KeyMismatch"]) {
            "--key-file is not the key of --certificate-file".to_owned()
        } else if says(&["no native certs found", "native root"]) {
            "this system has no authorities to believe the server by: name its own with --ca-file".to_owned()
        } else {
            return None;
        };
        Some(text)
    }

    /// The same failure, with what it can mean of a server that hangs up as soon as TLS is agreed on. Which certificate it wants it
    /// says in an alert, which is lost where this end was writing already.
    pub(super) fn hung_up(&self, why: &str) -> Option<String> {
        let closed = [
            "broken pipe",
            "Broken pipe",
            "connection reset",
            "Connection reset",
            "connection closed",
            "unexpected EOF",
        ];
        if !matches!(self.address, Address::Tls(_)) || !closed.iter().any(|words| why.contains(words)) {
            return None;
        }
        Some(match &self.credentials.certificate_file {
            Some(path) => format!("{why}. If this goes on, it does not take the certificate {}", path.display()),
            None => format!(
                "{why}. If this goes on, it wants a certificate of whoever calls: --certificate-file and --key-file"
            ),
        })
    }
}

fn file(flag: &str, path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{flag} {} cannot be read: {error}", path.display()))
}

fn certificates(flag: &str, path: &Path) -> Result<Vec<u8>, String> {
    let pem = file(flag, path)?;
    let mut found = 0;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        certificate.map_err(|error| format!("{flag} {} is no PEM: {error}", path.display()))?;
        found += 1;
    }
    if found == 0 { Err(format!("{flag} {} has no certificate in PEM", path.display())) } else { Ok(pem) }
}

fn private_key(path: &Path) -> Result<Vec<u8>, String> {
    let pem = file("--key-file", path)?;
    // What is wrong with it could tell what is in it.
    PrivateKeyDer::from_pem_slice(&pem).map_err(|_| {
        format!(
            "--key-file {} has no private key in PEM, or one behind a pass phrase, which this program cannot open",
            path.display()
        )
    })?;
    Ok(pem)
}

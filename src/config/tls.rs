//! `server.tls`: by which certificate callers know the server, and by whose certificates the server knows callers.

use std::{path::PathBuf, time::Duration};

use super::{pem, reader::Reader, value::Value};

/// How the gRPC port is encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsConfig {
    /// The server's certificate and what it is signed by, up to the root (PEM). Without it nothing is encrypted.
    pub certificate_file: Option<PathBuf>,
    /// Its private key (PEM).
    pub key_file: Option<PathBuf>,
    /// Whose certificates of clients are taken (PEM).
    pub client_ca_file: Option<PathBuf>,
    /// Whether a client may come without a certificate, where certificates are taken.
    pub client_certificate: ClientCertificate,
    /// The oldest version of TLS that is spoken.
    pub min_version: TlsVersion,
    /// How often the files are looked at for new content.
    pub reload_interval: Duration,
}

/// What is asked of clients where `client_ca_file` is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientCertificate {
    /// A certificate is looked at where there is one.
    Optional,
    /// Who has none comes no further than the handshake.
    Required,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsVersion {
    /// RFC 5246.
    Tls12,
    /// RFC 8446.
    Tls13,
}

impl Value for ClientCertificate {
    const EXPECTED: &'static str = "\"optional\" or \"required\"";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "optional" => Some(Self::Optional),
            "required" => Some(Self::Required),
            _ => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Optional => "optional".to_owned(),
            Self::Required => "required".to_owned(),
        }
    }
}

impl Value for TlsVersion {
    const EXPECTED: &'static str = "\"1.2\" or \"1.3\"";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "1.2" => Some(Self::Tls12),
            "1.3" => Some(Self::Tls13),
            _ => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Tls12 => "1.2".to_owned(),
            Self::Tls13 => "1.3".to_owned(),
        }
    }
}

impl Default for TlsConfig {
    fn default() -> Self {
        Self {
            certificate_file: None,
            key_file: None,
            client_ca_file: None,
            client_certificate: ClientCertificate::Required,
            min_version: TlsVersion::Tls12,
            // Kubernetes takes a minute or two to bring a new Secret into a pod; nobody waits for this.
            reload_interval: Duration::from_secs(30),
        }
    }
}

impl TlsConfig {
    /// Whether the port is encrypted.
    pub fn is_on(&self) -> bool {
        self.certificate_file.is_some()
    }

    pub(super) fn read(reader: &mut Reader) -> Self {
        let d = Self::default();
        let second = Duration::from_secs(1);
        Self {
            certificate_file: reader.said("server.tls.certificate_file"),
            key_file: reader.said("server.tls.key_file"),
            client_ca_file: reader.said("server.tls.client_ca_file"),
            client_certificate: reader.value("server.tls.client_certificate", d.client_certificate),
            min_version: reader.value("server.tls.min_version", d.min_version),
            reload_interval: reader.within("server.tls.reload_interval", d.reload_interval, second..=3600 * second),
        }
    }

    pub(super) fn check(&self, reader: &mut Reader) {
        let certificate = ("server.tls.certificate_file", &self.certificate_file);
        let key = ("server.tls.key_file", &self.key_file);
        let ca = ("server.tls.client_ca_file", &self.client_ca_file);
        pem::check_pair(reader, certificate, key, &[]);
        if self.client_ca_file.is_some() && self.certificate_file.is_none() {
            let problem = "has no effect on a port without TLS";
            let advice = format!("set {} and {}, or remove it", certificate.0, key.0);
            reader.refuse(ca.0, &[certificate.0], problem, advice);
        }
        if reader.says("server.tls.client_certificate") && self.client_ca_file.is_none() {
            let problem = "has no effect: without a client authority no client is asked for a certificate";
            let advice = format!("set {}, or remove it", ca.0);
            reader.refuse("server.tls.client_certificate", &[ca.0], problem, advice);
        }
        pem::check_content(reader, certificate, pem::CERTIFICATE);
        pem::check_content(reader, key, pem::PRIVATE_KEY);
        pem::check_content(reader, ca, pem::CERTIFICATE);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::config::{Error, Loaded, Sources, load};

    fn read(text: &str) -> Result<Loaded, Error> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("strongroom.toml");
        fs::write(&file, format!("[server.tls]\n{text}")).unwrap();
        load(&Sources { file: Some(file), ..Sources::default() })
    }

    #[test]
    fn to_ask_clients_for_certificates_of_nobody_is_refused() {
        let pair = "certificate_file = 'a.pem'\nkey_file = 'b.pem'\n";
        for said in ["required", "optional"] {
            let text = format!("{pair}client_certificate = '{said}'\n");
            let told: Vec<String> = read(&text).unwrap_err().faults.iter().map(ToString::to_string).collect();
            assert_eq!(told.len(), 1, "{told:?}");
            assert!(told[0].contains("server.tls.client_certificate"), "{told:?}");
            assert!(told[0].contains("set server.tls.client_ca_file, or remove it"), "{told:?}");
            read(&format!("{text}client_ca_file = 'c.pem'\n")).unwrap();
        }
        read(pair).unwrap();
    }

    #[test]
    fn a_file_of_no_name_is_refused_and_not_left_out() {
        for key in ["certificate_file", "key_file", "client_ca_file"] {
            let faults = read(&format!("{key} = ''\n")).unwrap_err().faults;
            let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
            assert!(told.iter().any(|fault| fault.starts_with(&format!("server.tls.{key} = \"\" ("))), "{told:?}");
        }
    }

    #[test]
    fn a_file_that_is_no_certificate_by_its_size_is_told_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let large = folder.path().join("large.pem");
        fs::write(&large, "x".repeat(2 << 20)).unwrap();
        let path = large.display();
        let warned = read(&format!("certificate_file = '{path}'\nkey_file = '{path}'\n")).unwrap().warnings;
        let of_files: Vec<&str> = warned
            .iter()
            .filter(|warning| warning.key.starts_with("server.tls"))
            .map(|warning| &*warning.message)
            .collect();
        assert_eq!(of_files.len(), 2, "{warned:?}");
        for message in of_files {
            assert!(message.contains("has 2097152 bytes, and a PEM file may have 1048576"), "{message}");
        }
    }
}

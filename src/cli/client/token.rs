//! Where the token comes from that says who calls: the environment, a file, or a command. No token is ever shown.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
};

use serde::Deserialize;

use crate::config::{Secret, TOKEN_VARIABLE};

/// The largest that proxies and servers take in one header is below it; a path to something else is noticed.
const MAX_BYTES: usize = 32 * 1024;

/// Where a token comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) enum Origin {
    Nowhere,
    Variable(Secret),
    File(PathBuf),
    /// A line for `sh -c`.
    Command(String),
}

/// The token of a command. It is fetched when the first call needs it.
#[derive(Debug)]
pub(in crate::cli) struct Tokens {
    pub(in crate::cli) origin: Origin,
    held: Mutex<Option<Secret>>,
}

impl Tokens {
    pub(in crate::cli) fn new(origin: Origin) -> Self {
        Self { origin, held: Mutex::new(None) }
    }

    pub(in crate::cli) fn any(&self) -> bool {
        self.origin != Origin::Nowhere
    }

    /// The token that calls carry, if there is to be one.
    pub(in crate::cli) async fn get(&self) -> Result<Option<Secret>, String> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if held.is_some() { Ok(held) } else { self.fetch().await }
    }

    /// Another token than the one that was refused, where the origin has one by now.
    pub(in crate::cli) async fn renewed(&self) -> Result<Option<Secret>, String> {
        match self.origin {
            Origin::Nowhere | Origin::Variable(_) => Ok(None),
            Origin::File(_) | Origin::Command(_) => {
                let before = self.held.lock().unwrap_or_else(PoisonError::into_inner).clone();
                Ok(self.fetch().await?.filter(|token| before.as_ref() != Some(token)))
            }
        }
    }

    async fn fetch(&self) -> Result<Option<Secret>, String> {
        let token = match &self.origin {
            Origin::Nowhere => return Ok(None),
            Origin::Variable(token) => read(token.reveal()).map_err(|why| format!("{TOKEN_VARIABLE} {why}"))?,
            Origin::File(path) => of_file(path)?,
            Origin::Command(line) => {
                let line = line.clone();
                // It may ask a person to log in, which takes as long as it takes; Ctrl-C ends it with this program.
                let ran = tokio::task::spawn_blocking(move || of_command(&line)).await;
                ran.map_err(|error| format!("--token-command was not run: {error}"))??
            }
        };
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
        Ok(Some(token))
    }

    /// What helps when the server does not know the caller.
    pub(in crate::cli) fn advice(&self, certificate: Option<&Path>) -> String {
        match (&self.origin, certificate) {
            (Origin::Nowhere, None) => "Nothing was sent that says who calls. Name a token with --token-command, --token-file or \
                                        STRONGROOM_TOKEN, a certificate with --certificate-file and --key-file, or a context \
                                        that has them: strongroom context list"
                .to_owned(),
            (Origin::Nowhere, Some(certificate)) => format!(
                "Sent was the certificate {}, and no token. If the server wants a token, name one with --token-command or \
                 --token-file",
                certificate.display()
            ),
            (Origin::Variable(_), _) => format!("Sent was the token of {TOKEN_VARIABLE}. If it has expired, set a new one"),
            (Origin::File(path), _) => {
                format!("Sent was the token of {}, which has no newer one. See that it is renewed", path.display())
            }
            (Origin::Command(_), _) => "Sent was the token that --token-command wrote, which was run again. Run it by hand, and \
                                        log in anew where it says so"
                .to_owned(),
        }
    }
}

fn of_file(path: &Path) -> Result<Secret, String> {
    let wrong = |why: String| format!("--token-file {} {why}", path.display());
    let text = fs::read(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let text = String::from_utf8(text).map_err(|_| wrong("holds no token: it is not text".to_owned()))?;
    read(&text).map_err(wrong)
}

fn of_command(line: &str) -> Result<Secret, String> {
    let wrong = |why: String| format!("--token-command {why}");
    // What it says to people it says on standard error, which is ours.
    let ran = Command::new("sh").args(["-c", line]).stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let ran = ran.map_err(|error| wrong(format!("cannot be run: {error}")))?;
    if !ran.status.success() {
        return Err(wrong(format!("failed ({}): run it by hand to see why", ran.status)));
    }
    let text = String::from_utf8(ran.stdout).map_err(|_| wrong("wrote no token: it is not text".to_owned()))?;
    read(&text).map_err(wrong)
}

/// The token in what was written: it itself, or that of an ExecCredential, as plug-ins of kubectl write it. The error
/// does not repeat what was written.
fn read(text: &str) -> Result<Secret, String> {
    let text = text.trim();
    if text.len() > MAX_BYTES {
        return Err(format!("holds no token: it is longer than {MAX_BYTES} bytes"));
    }
    if text.starts_with('{') {
        let credential: ExecCredential = serde_json::from_str(text)
            .map_err(|_| "holds JSON that is no ExecCredential with a status.token".to_owned())?;
        return checked(credential.status.token.trim());
    }
    checked(text)
}

/// What Kubernetes defines of it (client.authentication.k8s.io), as far as it is of use here.
#[derive(Deserialize)]
struct ExecCredential {
    #[serde(rename = "kind")]
    _kind: Kind,
    status: ExecCredentialStatus,
}

#[derive(Deserialize)]
enum Kind {
    ExecCredential,
}

#[derive(Deserialize)]
struct ExecCredentialStatus {
    token: String,
}

/// RFC 6750's `b64token`, which has no blanks and can be in a header.
fn checked(token: &str) -> Result<Secret, String> {
    if token.is_empty() {
        return Err("holds no token: there is nothing in it".to_owned());
    }
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    if !token.bytes().all(fits) {
        return Err("holds no token: there are blanks or other characters in it that no token has".to_owned());
    }
    Ok(Secret::new(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Result<String, String> {
        read(text).map(|token| token.reveal().to_owned())
    }

    #[test]
    fn a_token_is_read_bare_and_as_kubernetes_has_it() {
        assert_eq!(told("  abc.DEF-1_~+/==\n"), Ok("abc.DEF-1_~+/==".to_owned()));
        let credential = r#"{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
                             "status": {"token": "abc", "expirationTimestamp": "2026-01-01T00:00:00Z"}}"#;
        assert_eq!(told(credential), Ok("abc".to_owned()));
    }

    #[test]
    fn what_is_no_token_is_refused_and_not_repeated() {
        let long = "s3cret".repeat(MAX_BYTES);
        for wrong in [
            "",
            "  \n",
            "Bearer s3cret",
            "s3cret\nmore",
            "s3crét",
            r#"{"kind": "Pod", "status": {"token": "s3cret"}}"#,
            r#"{"kind": "ExecCredential", "status": {"clientCertificateData": "s3cret"}}"#,
            r#"{"kind": "ExecCredential", "status": {"token": ""}}"#,
            r#"{"s3cret": "#,
            &long,
        ] {
            let why = told(wrong).unwrap_err();
            assert!(why.starts_with("holds ") && !why.contains("s3cr"), "{why}");
        }
    }

    #[tokio::test]
    async fn a_command_is_run_once_and_again_when_its_token_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let count = folder.path().join("count");
        let line = format!("echo x >> {0}; echo token-$(wc -l < {0} | tr -d ' ')", count.display());
        let tokens = Tokens::new(Origin::Command(line));
        for _ in 0..2 {
            assert_eq!(tokens.get().await, Ok(Some(Secret::new("token-1"))));
        }
        assert_eq!(tokens.renewed().await, Ok(Some(Secret::new("token-2"))));
        assert_eq!(tokens.get().await, Ok(Some(Secret::new("token-2"))));
        let same = Tokens::new(Origin::Command("echo same".to_owned()));
        assert_eq!(same.get().await, Ok(Some(Secret::new("same"))));
        assert_eq!(same.renewed().await, Ok(None), "it would be refused again");
    }

    #[tokio::test]
    async fn a_command_that_fails_is_told_without_what_it_wrote() {
        for (line, told) in [
            ("echo s3cret; exit 3", "--token-command failed (exit status: 3)"),
            ("echo 's3cret or not'", "--token-command holds no token"),
            ("true", "nothing in it"),
            ("printf '\\377s3cret'", "it is not text"),
        ] {
            let why = Tokens::new(Origin::Command(line.to_owned())).get().await.unwrap_err();
            assert!(why.contains(told) && !why.contains("s3cret"), "{line}: {why}");
        }
    }

    #[tokio::test]
    async fn a_file_is_read_again_when_its_token_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let tokens = Tokens::new(Origin::File(path.clone()));
        let why = tokens.get().await.unwrap_err();
        assert!(why.contains("--token-file") && why.contains("cannot be read"), "{why}");
        fs::write(&path, "one\n").unwrap();
        assert_eq!(tokens.get().await, Ok(Some(Secret::new("one"))));
        fs::write(&path, "two\n").unwrap();
        assert_eq!(tokens.get().await, Ok(Some(Secret::new("one"))));
        assert_eq!(tokens.renewed().await, Ok(Some(Secret::new("two"))));
        assert!(!format!("{tokens:?}").contains("two"));
    }
}

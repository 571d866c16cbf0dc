//! Where a server is: what `--server` can say.

use std::{fmt, net::IpAddr, path::PathBuf};

use tonic::codegen::http::{Uri, uri::Authority};

const FORMS: &str = "write https://HOST:PORT, http://HOST:PORT, HOST:PORT or unix:/PATH";

/// A server's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) enum Address {
    Plain(Authority),
    Tls(Authority),
    Unix(PathBuf),
}

impl Address {
    /// `HOST:PORT` alone is plain text on loopback, and TLS elsewhere or where something is said of certificates.
    pub(in crate::cli) fn parse(text: &str, tls_is_meant: bool) -> Result<Self, String> {
        let wrong = |why: &str| format!("--server {}: {why}", without_password(text));
        if let Some(path) = text.strip_prefix("unix:") {
            let path = match path.strip_prefix("//") {
                Some(path) if !path.starts_with('/') => return Err(wrong("a path after unix:// begins with /")),
                Some(path) => path,
                None => path,
            };
            let path = Some(path).filter(|path| !path.is_empty() && !path.contains('\0'));
            return path.map(|path| Self::Unix(PathBuf::from(path))).ok_or_else(|| wrong(FORMS));
        }
        let (scheme, authority) = match text.split_once("://") {
            Some((scheme, _)) => {
                let uri: Uri = text.parse().map_err(|_| wrong(FORMS))?;
                if uri.path_and_query().is_some_and(|more| !matches!(more.as_str(), "" | "/")) {
                    return Err(wrong("an address has no path"));
                }
                (Some(scheme.to_ascii_lowercase()), uri.authority().cloned().ok_or_else(|| wrong(FORMS))?)
            }
            None => {
                let authority: Authority = text.parse().map_err(|_| wrong(FORMS))?;
                authority.port_u16().ok_or_else(|| wrong(FORMS))?;
                (None, authority)
            }
        };
        if authority.as_str().contains('@') {
            return Err(wrong("an address has no user in it; a token is named by --token-command or --token-file"));
        }
        if authority.host().is_empty() {
            return Err(wrong(FORMS));
        }
        // Such as port 99999, which a URI may have.
        if authority.as_str().len() > authority.host().len() && authority.port_u16().is_none() {
            return Err(wrong("a port is a number from 1 to 65535"));
        }
        match scheme.as_deref() {
            Some("http") => Ok(Self::Plain(authority)),
            Some("https") => Ok(Self::Tls(authority)),
            None if is_loopback(authority.host()) && !tls_is_meant => Ok(Self::Plain(authority)),
            None => Ok(Self::Tls(authority)),
            Some(_) => Err(wrong(FORMS)),
        }
    }

    /// Whether nobody on a network sees what is sent to it.
    pub(in crate::cli) fn is_private(&self) -> bool {
        match self {
            Self::Plain(authority) => is_loopback(authority.host()),
            Self::Tls(_) | Self::Unix(_) => true,
        }
    }
}

/// The form that says everything.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(authority) => write!(f, "http://{authority}"),
            Self::Tls(authority) => write!(f, "https://{authority}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        // Not the names below it, which should never leave the machine either (RFC 6761): some resolvers ask DNS for them.
        Err(_) => host == "localhost",
    }
}

/// What stands before the `@` is told to nobody.
fn without_password(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((before, host)) => {
            let scheme = before.split_once("://").map(|(scheme, _)| format!("{scheme}://")).unwrap_or_default();
            format!("{scheme}…@{host}")
        }
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_shown_whole() {
        for (text, shown) in [
            ("http://strongroom:50051", "http://strongroom:50051"),
            ("http://127.0.0.1:50051/", "http://127.0.0.1:50051"),
            ("HTTPS://Strongroom.example.com", "https://Strongroom.example.com"),
            ("https://[2001:db8::1]:443", "https://[2001:db8::1]:443"),
            ("strongroom.example.com:443", "https://strongroom.example.com:443"),
            ("10.0.0.1:50051", "https://10.0.0.1:50051"),
            ("127.0.0.1:50051", "http://127.0.0.1:50051"),
            ("127.8.0.1:1", "http://127.8.0.1:1"),
            ("[::1]:50051", "http://[::1]:50051"),
            ("[::ffff:127.0.0.1]:1", "http://[::ffff:127.0.0.1]:1"),
            ("localhost:50051", "http://localhost:50051"),
            ("a.localhost:50051", "https://a.localhost:50051"),
            ("unix:/run/strongroom.sock", "unix:/run/strongroom.sock"),
            ("unix:///run/strongroom.sock", "unix:/run/strongroom.sock"),
            ("unix:strongroom.sock", "unix:strongroom.sock"),
        ] {
            assert_eq!(Address::parse(text, false).unwrap().to_string(), shown, "{text}");
        }
        let meant = Address::parse("localhost:50051", true).unwrap();
        assert_eq!(meant.to_string(), "https://localhost:50051", "certificates are named, so TLS is meant");
    }

    #[test]
    fn what_is_no_address_is_told_with_the_forms() {
        for wrong in [
            "nonsense",
            "",
            "strongroom",
            ":1",
            "ftp://s:1",
            "http://",
            "http://s:99999",
            "s:0x1",
            "http://s/x",
            "http://s?x",
            "a b:1",
            "unix:",
            "unix://run/x",
        ] {
            let refused = Address::parse(wrong, false);
            assert!(matches!(&refused, Err(why) if why.starts_with("--server ")), "{wrong}: {refused:?}");
        }
    }

    #[test]
    fn a_password_in_an_address_is_refused_and_not_repeated() {
        for wrong in ["https://ada:hunter2@s:1", "ada:hunter2@s:1", "https://ada:hunter2@s:99999", "x://hunter2@s"] {
            let why = Address::parse(wrong, false).unwrap_err();
            assert!(!why.contains("hunter2") && why.contains("…@"), "{why}");
        }
    }

    #[test]
    fn only_plain_text_off_loopback_is_seen_by_others() {
        for (text, private) in [
            ("http://localhost:1", true),
            ("http://LOCALHOST:1", true),
            ("http://a.localhost:1", false),
            ("http://localhost.:1", false),
            ("a.localhost:1", true),
            ("http://[::1]", true),
            ("https://s", true),
            ("unix:/x", true),
            ("http://10.0.0.1:1", false),
            ("http://localhost.example.com:1", false),
            ("http://0.0.0.0:1", false),
        ] {
            assert_eq!(Address::parse(text, false).unwrap().is_private(), private, "{text}");
        }
    }
}

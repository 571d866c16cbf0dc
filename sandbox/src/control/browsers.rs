//! Pages of the web may not drive the sandbox: whoever has one open in a browser on this machine did not ask for that.
//!
//! A browser sends a page's request here whether or not the page may read the answer, and `POST /_sandbox/reset` needs none.
//! It says so itself: `Origin` comes with every request of a script or form that is no plain look, `Sec-Fetch-Site` with every
//! request to this machine. A page whose own name was made to lead here (DNS rebinding) is told by `Host`. The sandbox has no
//! pages, so nothing that a page asks is its own.

use hyper::{
    HeaderMap, Uri,
    header::{CONTENT_TYPE, HOST, HeaderName, ORIGIN},
};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Why a request is not to be obeyed, if so. `loopback`: it came to an address that is this machine's alone.
pub(super) fn refuse(headers: &HeaderMap, uri: &Uri, loopback: bool) -> Option<String> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(origin) = text(ORIGIN) {
        return Some(format!("pages of the web may not drive the sandbox, and this request is one of {origin}'s"));
    }
    // `none`: a person typed the address.
    if let Some(site) = text(FETCH_SITE).filter(|site| *site != "none") {
        return Some(format!("pages of the web may not drive the sandbox: Sec-Fetch-Site is {site}"));
    }
    // What a form without a script can send as it stands. (`application/x-www-form-urlencoded` is what curl says of any
    // body; of a form it is no JSON.)
    let kind = text(CONTENT_TYPE).and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("text/plain") || kind.eq_ignore_ascii_case("multipart/form-data") {
        return Some(format!(
            "the body must be JSON, and Content-Type says {kind}: leave it out, or say application/json"
        ));
    }
    let host = uri.authority().map(hyper::http::uri::Authority::as_str).or(text(HOST)).unwrap_or_default();
    (loopback && !is_of_this_network(host)).then(|| {
        format!(
            "Host is {host}, a name that may be anybody's: on loopback, call the sandbox by localhost or its address"
        )
    })
}

/// Whether a `Host` is an address or a name that nobody on the internet can own. Blank is what no browser sends.
fn is_of_this_network(host: &str) -> bool {
    let name = host
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
        .map_or(host, |(name, _)| name);
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let is_address = name.starts_with('[') || name.parse::<std::net::Ipv4Addr>().is_ok();
    is_address || !name.contains('.') || name.ends_with(".localhost") || name.ends_with(".internal")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(headers: &[(&'static str, &'static str)], loopback: bool) -> bool {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), hyper::header::HeaderValue::from_static(value)));
        refuse(&headers.collect(), &Uri::from_static("/_sandbox/reset"), loopback).is_some()
    }

    #[test]
    fn what_programs_send_is_obeyed() {
        for host in ["localhost:4566", "127.0.0.1:4566", "[::1]:4566", "sandbox:4566", "host.docker.internal:4566", ""]
        {
            assert!(!refused(&[("host", host)], true), "{host}");
        }
        let curl = [("host", "localhost:4566"), ("content-type", "application/x-www-form-urlencoded")];
        assert!(!refused(&curl, true));
        assert!(!refused(&[("host", "localhost:4566"), ("sec-fetch-site", "none")], true));
        // In a network of its own the sandbox may have any name.
        assert!(!refused(&[("host", "sandbox.team.example:4566")], false));
    }

    #[test]
    fn what_pages_of_the_web_send_is_not() {
        for of_page in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("origin", "http://localhost:8080"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("sec-fetch-site", "same-origin"),
            ("content-type", "text/plain;charset=UTF-8"),
            ("content-type", "multipart/form-data; boundary=x"),
        ] {
            assert!(refused(&[("host", "localhost:4566"), of_page], true), "{of_page:?}");
            assert!(refused(&[("host", "sandbox.team.example"), of_page], false), "{of_page:?}");
        }
        for host in ["evil.example:4566", "evil.example", "127.0.0.1.evil.example:4566", "localhost.evil.example."] {
            assert!(refused(&[("host", host)], true), "{host}");
        }
    }
}

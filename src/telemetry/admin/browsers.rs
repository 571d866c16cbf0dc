//! Pages of the web may not ask the admin port: whoever has one open in a browser on this machine did not ask for that.
//!
//! A browser says itself what a page asks: `Origin` comes with every request of a script that is no plain look,
//! `Sec-Fetch-Site` with every request to this machine. A page whose own name was made to lead here (DNS rebinding) is told by
//! `Host`.

use hyper::{
    HeaderMap, Uri,
    header::{HOST, HeaderName, ORIGIN},
    http::uri::Authority,
};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Why a request is not answered, if so. `on_loopback`: it came to an address that is this machine's alone.
pub(super) fn refuse(headers: &HeaderMap, uri: &Uri, on_loopback: bool) -> Option<String> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(origin) = text(ORIGIN) {
        return Some(format!("pages of the web may not ask the admin port, and this request is one of {origin}'s"));
    }
    // `none`: a person typed the address.
    if let Some(site) = text(FETCH_SITE).filter(|site| *site != "none") {
        return Some(format!("pages of the web may not ask the admin port: Sec-Fetch-Site is {site}"));
    }
    let host = uri.authority().map(Authority::as_str).or(text(HOST)).unwrap_or_default();
    (on_loopback && !is_of_this_network(host)).then(|| {
        format!("Host is {host}, a name that may be anybody's: on loopback, ask by localhost or by the address")
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

    fn refused(headers: &[(&'static str, &'static str)], on_loopback: bool) -> bool {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), hyper::header::HeaderValue::from_static(value)));
        refuse(&headers.collect(), &Uri::from_static("/loglevel"), on_loopback).is_some()
    }

    #[test]
    fn what_programs_and_people_send_is_answered() {
        for host in ["localhost:9464", "127.0.0.1:9464", "[::1]:9464", "strongroom-metrics:9464", ""] {
            assert!(!refused(&[("host", host)], true), "{host}");
        }
        assert!(!refused(&[("host", "localhost:9464"), ("sec-fetch-site", "none")], true));
        // In a network of its own the server may have any name.
        assert!(!refused(&[("host", "strongroom.team.svc.cluster.local:9464")], false));
    }

    #[test]
    fn what_pages_of_the_web_send_is_not() {
        for of_page in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            assert!(refused(&[("host", "localhost:9464"), of_page], true), "{of_page:?}");
            assert!(refused(&[("host", "strongroom.team.example"), of_page], false), "{of_page:?}");
        }
        for host in ["evil.example:9464", "127.0.0.1.evil.example:9464", "localhost.evil.example."] {
            assert!(refused(&[("host", host)], true), "{host}");
        }
    }
}

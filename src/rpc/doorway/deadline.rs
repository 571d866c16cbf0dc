//! Until when a call may take: from its headers on.

use std::time::Duration;

use tokio::time::Instant;
use tonic::codegen::http::HeaderMap;

use crate::domain::{Invalid, quoted};

/// The smaller of ours and the caller's. A caller's library gives up at its deadline without saying why, so ours comes a
/// little earlier.
pub(super) fn deadline(headers: &HeaderMap, arrived: Instant, longest: Duration) -> Result<Instant, Invalid> {
    let Some(value) = headers.get(HEADER) else { return Ok(arrived + longest) };
    let text = String::from_utf8_lossy(value.as_bytes());
    let asked = grpc_timeout(&text).ok_or_else(|| {
        Invalid::of(
            HEADER,
            format!("{} is not a time-out: it has at most eight digits and a unit, such as 10S", quoted(&text)),
        )
    })?;
    Ok(arrived + (asked - asked / 20).min(longest))
}

const HEADER: &str = "grpc-timeout";

/// At most eight digits and a unit.
fn grpc_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_read_in_every_unit() {
        let units = [("2H", 7_200_000_000), ("3M", 180_000_000), ("4S", 4_000_000), ("1500m", 1_500_000), ("7u", 7)];
        for (text, micros) in units {
            assert_eq!(grpc_timeout(text), Some(Duration::from_micros(micros)), "{text}");
        }
        assert_eq!(grpc_timeout("9n"), Some(Duration::from_nanos(9)));
        for nonsense in ["", "S", "5", "123456789S", "-1S", "+1S", "5x", "1.5S", "ß"] {
            assert_eq!(grpc_timeout(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn the_shorter_of_both_counts_and_one_that_cannot_be_read_is_a_fault() {
        let (arrived, longest) = (Instant::now(), Duration::from_secs(60));
        let of = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, text.parse().unwrap());
            deadline(&headers, arrived, longest).map(|deadline| deadline - arrived)
        };
        assert_eq!(deadline(&HeaderMap::new(), arrived, longest).unwrap() - arrived, longest);
        assert_eq!(of("1H").unwrap(), longest);
        assert_eq!(of("10S").unwrap(), Duration::from_millis(9500), "a little earlier than the caller gives up");
        assert_eq!(of("0S").unwrap(), Duration::ZERO);
        assert_eq!(of("soon").unwrap_err().violations[0].field, "grpc-timeout");
    }
}

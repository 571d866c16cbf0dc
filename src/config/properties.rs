//! What holds of whatever text stands in the configuration; as `domain::properties`, in no build that ships.

use std::{fmt::Debug, net::SocketAddr, time::Duration};

use jiff::Timestamp;

use super::value::{RoleTemplate, Url, Value};

/// Words of values.
#[rustfmt::skip]
pub const WORDS: &[&str] = &[
    "1", "30", "9223372036854775807", ".5", "s", "ms", "m", "h", "ns", "us", " ", "PT", "P1D", "-", "+", "2026-01-31",
    "T04:00:00", "Z", "e308", "inf", "NaN", "true", "http://", "localhost:", "[::1]", ":", "80",
    "arn:aws:iam::{account}:role/", "Strongroom",
];

/// A value that is read and shown is read again as itself.
pub fn value(text: &str) {
    fn again<T: Value + PartialEq + Debug>(text: &str) {
        if let Some(value) = T::parse(text) {
            let shown = value.show();
            assert_eq!(T::parse(&shown), Some(value), "{text:?} is shown as {shown:?}");
        }
    }
    again::<Duration>(text);
    again::<Timestamp>(text);
    again::<f64>(text);
    again::<u32>(text);
    again::<bool>(text);
    again::<SocketAddr>(text);
    again::<Url>(text);
    again::<RoleTemplate>(text);
    again::<String>(text);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::WORDS;
    use crate::domain::properties::tests::text_of;

    proptest! {
        #[test]
        fn value(text in prop_oneof![text_of(WORDS, 6), "[0-9]{1,4}(ms|s|m|h|us|ns)( [0-9]{1,3}s)?"]) {
            super::value(&text);
        }
    }
}

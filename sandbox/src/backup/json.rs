//! Values of the Backup protocol that JSON does not have.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A timestamp on the wire: epoch seconds as a JSON number, to the millisecond `[M][P]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch(pub Timestamp);

impl From<Timestamp> for Epoch {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

impl Serialize for Epoch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let millis = self.0.as_millisecond();
        if millis % 1000 == 0 {
            return serializer.serialize_i64(millis / 1000);
        }
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of the years 1 to 9999 are exact in 53 bits")]
        serializer.serialize_f64(millis as f64 / 1000.0)
    }
}

impl<'de> Deserialize<'de> for Epoch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        #[expect(clippy::cast_possible_truncation, reason = "`as` saturates, and the calendar refuses what is left")]
        let millis = (seconds * 1000.0).round() as i64;
        Timestamp::from_millisecond(millis).map(Self).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn timestamps_are_numbers_with_milliseconds() {
        let at = |text: &str| serde_json::to_string(&Epoch(text.parse().unwrap())).unwrap();
        assert_eq!(at("2018-01-25T23:31:30.087Z"), "1516923090.087");
        assert_eq!(at("2018-01-25T23:31:30Z"), "1516923090");
    }

    proptest! {
        #[test]
        fn every_millisecond_survives_the_wire(millis in -62_135_596_800_000_i64..253_402_207_200_000) {
            let at = Epoch(Timestamp::from_millisecond(millis).unwrap());
            let text = serde_json::to_string(&at).unwrap();
            prop_assert_eq!(serde_json::from_str::<Epoch>(&text).unwrap(), at);
        }
    }
}

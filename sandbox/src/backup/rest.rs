//! What a Backup handler reads and what it answers.

use hyper::body::Bytes;
use jiff::{Timestamp, civil};
use serde::{Serialize, de::DeserializeOwned};

use super::error;
use crate::call::AwsError;

/// A request that has found its route.
#[derive(Debug)]
pub struct RestRequest {
    pub(crate) path: Vec<(&'static str, String)>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl RestRequest {
    /// The path parameter `name` of the route's pattern, decoded.
    pub fn path(&self, name: &str) -> &str {
        let found = self.path.iter().find(|(key, _)| *key == name);
        debug_assert!(found.is_some(), "the route has no parameter {name}");
        found.map_or("", |(_, value)| value)
    }

    /// The query parameter `name`; of a repeated one the first.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A boolean query parameter.
    ///
    /// # Errors
    /// IPV unless it is absent, `true` or `false`.
    pub fn query_bool(&self, name: &str) -> Result<Option<bool>, AwsError> {
        self.query(name)
            .map(|text| match text {
                "true" => Ok(true),
                "false" => Ok(false),
                _ => Err(error::invalid_parameter(format!("{name} must be true or false, not '{text}'"))),
            })
            .transpose()
    }

    /// A timestamp query parameter: RFC 3339 with or without fraction and offset (UTC then), or epoch seconds.
    ///
    /// # Errors
    /// IPV for anything else.
    pub fn query_time(&self, name: &str) -> Result<Option<Timestamp>, AwsError> {
        self.query(name)
            .map(|text| {
                lenient_time(text)
                    .ok_or_else(|| error::invalid_parameter(format!("{name} is not a timestamp: '{text}'")))
            })
            .transpose()
    }

    /// The JSON body; an empty one reads as `{}`, because SDKs send none where no member is set.
    ///
    /// # Errors
    /// SerializationException for what is not JSON or has a member of the wrong type.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, AwsError> {
        let bytes = self.body.trim_ascii();
        // serde would read a list as the members of a struct in their order.
        let read = match bytes.first() {
            None => serde_json::from_slice(b"{}"),
            Some(b'{') => serde_json::from_slice(bytes),
            Some(_) => return Err(error::serialization("the request body must be a JSON object")),
        };
        read.map_err(|fault| error::serialization(format!("the request body can't be read: {fault}")))
    }

    /// A request as unit tests make it, with a query string and a body.
    #[cfg(test)]
    pub(crate) fn for_test(path: &[(&'static str, &str)], query: &str, body: &str) -> Self {
        Self {
            path: path.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
            query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            body: Bytes::copy_from_slice(body.as_bytes()),
        }
    }
}

fn lenient_time(text: &str) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    if let Ok(at) = text.parse::<civil::DateTime>() {
        return at.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    }
    let seconds: f64 = text.parse().ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "`as` saturates, and the calendar refuses what is left")]
    Timestamp::from_millisecond((seconds * 1000.0) as i64).ok()
}

/// A success.
#[derive(Debug)]
pub struct RestReply {
    /// 200 unless the model says otherwise.
    pub status: u16,
    /// Blank for operations without an output shape.
    pub body: String,
}

impl RestReply {
    /// 200 with a JSON body.
    pub fn json<T: Serialize>(output: &T) -> Self {
        // Output shapes are structs of strings, numbers, lists and string maps: they can't fail to serialize.
        Self { status: 200, body: serde_json::to_string(output).unwrap_or_default() }
    }

    /// 200 without a body.
    pub fn empty() -> Self {
        Self { status: 200, body: String::new() }
    }

    /// The same with the status the model names, such as 201 or 204.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_every_client_are_read() {
        let expected: Timestamp = "2025-01-02T03:04:05Z".parse().unwrap();
        for text in [
            "2025-01-02T03:04:05Z",
            "2025-01-02T03:04:05.000000Z",
            "2025-01-02T04:04:05+01:00",
            "2025-01-02T03:04:05",
            "1735787045",
        ] {
            assert_eq!(lenient_time(text), Some(expected), "{text}");
        }
        for text in ["", "yesterday", "NaN", "1e300", "2025-13-01T00:00:00Z"] {
            assert!(lenient_time(text).is_none_or(|at| text == "NaN" && at.as_second() == 0), "{text}");
        }
    }
}

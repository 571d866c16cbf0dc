//! Spans of time, which the lists of jobs and recovery points filter by.

use jiff::Timestamp;

use super::reader::Reader;
use crate::{
    domain::{Fault, Noted, Period},
    proto,
};

impl Reader {
    /// A span of time; absent bounds do not bound.
    pub(in crate::rpc) fn interval(
        &mut self,
        field: &str,
        period: Option<proto::TimeInterval>,
    ) -> Result<Period, Noted> {
        let proto::TimeInterval { start_time: after, end_time: before } = period.unwrap_or_default();
        let after = self.instant(&format!("{field}.start_time"), after);
        let before = self.instant(&format!("{field}.end_time"), before);
        self.note(field, Period::new(after?, before?))
    }

    /// A point in time, if there is one.
    pub(in crate::rpc) fn instant(
        &mut self,
        field: &str,
        at: Option<prost_types::Timestamp>,
    ) -> Result<Option<Timestamp>, Noted> {
        let Some(prost_types::Timestamp { seconds, nanos }) = at else { return Ok(None) };
        let fault = || Fault(format!("{seconds} seconds and {nanos} nanoseconds are not a point in time"));
        let at = match nanos {
            0..=999_999_999 => Timestamp::new(seconds, nanos).map_err(|_| fault()),
            _ => Err(fault()),
        };
        self.note(field, at.map(Some))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_no_calendar_holds_is_a_fault_of_its_bound() {
        let at = |seconds, nanos| Some(prost_types::Timestamp { seconds, nanos });
        for (after, before, field) in [
            (at(i64::MAX, 0), None, "create_time.start_time"),
            (None, at(0, -1), "create_time.end_time"),
            (None, at(0, i32::MAX), "create_time.end_time"),
            (at(2, 0), at(1, 0), "create_time"),
        ] {
            let mut reader = Reader::new(None);
            let period =
                reader.interval("create_time", Some(proto::TimeInterval { start_time: after, end_time: before }));
            let told = reader.conclude(|| period).unwrap_err();
            assert_eq!(told.violations[0].field, field);
        }
    }
}

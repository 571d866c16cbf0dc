//! What holds of whatever text comes in: the laws of the parsers, each a function of any input.
//!
//! The proptests below throw texts made of the words of each grammar at them, the targets of `fuzz/` what they find by
//! coverage. It stands in the crate, and in no build that ships, so that the laws see what only their module sees.

use jiff::{Timestamp, ToSpan as _};

use super::{
    AccessPolicy, AccountId, Arn, Caller, Cursor, DatabaseRef, Fault, Job, JobId, JobKind, JobParts, JobState,
    KnownJob, PlanName, PlanRef, RegionName, RequestId, ResourcePattern, RoleName, RolePath, RoleRef, RuleName,
    Schedule, ScheduleText, Scope, SelectionName, TimeZone, Timetable, Trust, TrustRepair, VaultName, judge_trust,
    repair_trust,
};

/// Words of ARNs.
#[rustfmt::skip]
pub const ARNS: &[&str] = &[
    "arn:", "aws:", "aws-cn:", "aws-us-gov:", "rds:", "backup:", "iam:", "s3:", "ec2:", "us-east-1:", "cn-north-1:",
    "us-gov-west-1:", ":", "123456789012:", "aws:", "db:", "snapshot:", "cluster:", "role/", "volume/",
    "backup-vault:", "recovery-point:", "backup-plan:", "orders", "*", "?", "-", "/",
    "arn:aws:rds:us-east-1:123456789012:", "arn:aws:iam::123456789012:",
];

/// Words of schedules.
#[rustfmt::skip]
pub const CRONS: &[&str] = &[
    "cron(", ")", " ", " ", " ", "*", "?", "0", "5", "31", "L", "W", "LW", "L-3", "15W", "#", "1#2", "FRIL", "MON",
    "/", "-", ",", "2-6", "*/6", "20-2", "JAN", "2", "2026", "2199", "1970", "cron(0 5 ? * * *)", "cron(0 ",
    "cron(30 2 ", "? * ", "* * ?", "31 2 ?", "29 2 ? ", "rate(", "at(",
];

/// Words of policies; the last three are whole statements.
#[rustfmt::skip]
pub const POLICIES: &[&str] = &[
    "{", "}", "[", "]", ":", ",", "\"", "\\", "\"Version\":", "\"2012-10-17\"", "\"Statement\":", "\"Sid\":",
    "\"Effect\":", "\"Allow\"", "\"Deny\"", "\"Principal\":", "\"*\"", "{\"AWS\":\"123456789012\"}",
    "{\"Service\":\"backup.amazonaws.com\"}", "\"Action\":", "\"backup:DeleteRecoveryPoint\"", "\"sts:AssumeRole\"",
    "\"Resource\":", "\"Condition\":", "{\"StringEquals\":{\"aws:PrincipalArn\":\"x\"}}",
    "{\"Version\":\"2012-10-17\",\"Statement\":[", "]}",
    "{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\"}",
    "{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"backup.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}",
    "{\"Effect\":\"Deny\",\"NotPrincipal\":{\"AWS\":\"arn:aws:iam::123456789012:root\"},\"NotAction\":[\"backup:StartCopyJob\"],\"Resource\":\"*\"}",
];

/// Words of cursors.
pub const CURSORS: &[&str] = &[" ", "1", "999", "1000", "clusters", "+", "-", "token"];

/// Words of time zones.
pub const ZONES: &[&str] =
    &["Etc/", "UTC", "america/", "New_York", "Europe/", "Berlin", "GMT", "+1", "CEST", "Unknown", "/"];

/// Words of RDS's windows.
pub const WINDOWS: &[&str] = &["sun:", "mon:", "23:", "00", "59", ":", "-", "24", "05:30", "7"];

/// Most bytes of one fault: what is told of a request has to fit into the header of an answer.
const LONGEST_FAULT: usize = 3_000;

fn check_fault(fault: &Fault) {
    assert!(!fault.0.is_empty(), "a fault without a word");
    assert!(fault.0.len() <= LONGEST_FAULT, "a fault of {} bytes: {fault}", fault.0.len());
}

/// What is read is as it was written; its parts make it up; and what names a thing says where the thing is.
pub fn arn(text: &str) {
    let one = Arn::parse(text);
    match Arn::read(text) {
        Ok(arn) => {
            let parts = [arn.partition(), arn.service(), arn.region(), arn.account(), arn.resource()];
            assert_eq!(format!("arn:{}", parts.join(":")), text);
            assert_eq!((arn.as_str(), arn.to_string().as_str()), (text, text));
            assert!(Arn::looks_like(text));
            let scope = arn.scope();
            assert_eq!(scope.region.as_ref().map_or("", RegionName::as_str), arn.region());
            assert!(scope.account.is_some() || ["", "aws"].contains(&arn.account()));
        }
        Err(fault) => {
            check_fault(&fault);
            assert!(one.is_err(), "{text:?} is an ARN and is none");
        }
    }
    match one {
        Ok(arn) => assert!(!arn.as_str().contains(['*', '?']) && arn.check_form().is_ok()),
        Err(fault) => check_fault(&fault),
    }
}

/// A name that is read is read again as itself, whatever it names.
pub fn name(text: &str) {
    fn again<T: PartialEq + std::fmt::Debug>(
        text: &str,
        parse: impl Fn(&str) -> Result<T, Fault>,
        write: impl Fn(&T) -> &str,
    ) {
        match parse(text) {
            Ok(name) => assert_eq!(parse(write(&name)).as_ref(), Ok(&name)),
            Err(fault) => check_fault(&fault),
        }
    }
    again(text, AccountId::parse, AccountId::as_str);
    again(text, JobId::parse, JobId::as_str);
    again(text, PlanName::parse, PlanName::as_str);
    again(text, RegionName::parse, RegionName::as_str);
    again(text, RoleName::parse, RoleName::as_str);
    again(text, RolePath::parse, RolePath::as_str);
    again(text, RuleName::parse, RuleName::as_str);
    again(text, SelectionName::parse, SelectionName::as_str);
    again(text, VaultName::parse, VaultName::as_str);
    // A reference leads to the name, and to the scope of the ARN that the name stood in.
    let scopes = [
        VaultName::parse_reference(text).map(|(_, scope)| scope),
        RoleRef::parse(text).map(|(_, scope)| scope),
        PlanRef::parse(text).map(|(_, scope)| scope),
        DatabaseRef::parse(text).map(|(_, scope)| scope),
    ];
    for scope in scopes {
        match scope {
            Ok(scope) if Arn::looks_like(text) => assert_eq!(Arn::parse(text).map(|arn| arn.scope()), Ok(scope)),
            Ok(scope) => assert_eq!(scope, super::AskedScope::default(), "{text:?} says nothing of a place"),
            Err(fault) => check_fault(&fault),
        }
    }
    match RequestId::parse_or_new(text) {
        Ok(id) if text.is_empty() => assert!(!id.may_repeat()),
        Ok(id) => assert_eq!(id.as_str(), text.to_ascii_lowercase()),
        Err(fault) => check_fault(&fault),
    }
}

/// A zone is read again by its own name, and a slip of one is told shortly.
pub fn time_zone(text: &str) {
    match TimeZone::parse(text) {
        Ok(zone) => assert_eq!(TimeZone::parse(zone.as_str()).as_ref(), Ok(&zone)),
        Err(fault) => check_fault(&fault),
    }
}

/// The next run is later and the latest one earlier, they have no run between them, and runs go on in order.
pub fn schedule(text: &str, zone: &str, second: i64) {
    let read = Schedule::parse(text);
    match &read {
        Ok(schedule) => {
            assert_eq!(schedule.as_str(), if text.is_empty() { Schedule::DEFAULT } else { text });
            assert!(ScheduleText::parse(text).is_ok(), "what is read is never refused");
        }
        Err(fault) => check_fault(fault),
    }
    if let Err(fault) = ScheduleText::parse(text) {
        check_fault(&fault);
    }
    let (Ok(table), Ok(now)) = (Timetable::parse(text, zone), Timestamp::from_second(second)) else { return };
    assert!(table.runs_as(&table));
    let mut last = now;
    for run in table.runs_after(now).take(5) {
        let at = run.at.timestamp();
        assert!(at > last, "{at} follows {last}");
        last = at;
    }
    assert_eq!(table.next_after(now), table.runs_after(now).next().map(|run| run.at.timestamp()));
    if let Some(latest) = table.latest_before(now) {
        assert!(latest < now);
        assert!(table.next_after(latest).is_none_or(|next| next >= now), "a run between {latest} and {now}");
        assert_eq!(table.next_after(latest - 1.second()), Some(latest));
    }
}

/// A policy that is taken is told as it was given, says what it says itself however it is spaced, and is judged.
pub fn access_policy(text: &str) {
    const VAULT: &str = "arn:aws:backup:us-east-1:123456789012:backup-vault:prod";
    let policy = match AccessPolicy::parse(text) {
        Ok(policy) => policy,
        Err(found) => {
            assert!(!found.is_empty(), "refused without a fault");
            return found.iter().for_each(|(_, fault)| check_fault(fault));
        }
    };
    assert_eq!(policy.as_str(), text);
    assert!(policy.says(text));
    let spaced =
        serde_json::from_str(text).and_then(|document: serde_json::Value| serde_json::to_string_pretty(&document));
    assert!(spaced.is_ok_and(|spaced| policy.says(&spaced)), "written anew it says something else");
    for (place, arn) in policy.principals() {
        assert!(place.starts_with(".Statement") && arn.starts_with("arn:"));
    }
    for (place, _) in policy.resource_partitions() {
        assert!(place.starts_with(".Statement"));
    }
    for who in ["arn:aws:sts::123456789012:assumed-role/Strongroom/pod-1", "arn:aws:iam::123456789012:user/x/ann"] {
        let caller = Caller::told(who, "AROA1234567890EXAMPLE:pod-1");
        for finding in caller.iter().flat_map(|caller| policy.findings(VAULT, Ok(caller))).chain(policy.unheeded(VAULT))
        {
            assert!(!finding.code.is_empty() && !finding.message.is_empty());
        }
    }
}

/// A repair adds what was lacking and keeps all that was there, and a second one finds nothing to add.
pub fn trust_policy(text: &str) {
    let before = judge_trust(text);
    let repaired = match repair_trust(text) {
        TrustRepair::Write(repaired) => repaired,
        TrustRepair::Impossible(why) => {
            assert!(!why.is_empty() && matches!(before, Trust::Denied | Trust::Unreadable), "{before:?}");
            return;
        }
    };
    let statements = |text: &str| -> Vec<serde_json::Value> {
        let document: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
        match &document["Statement"] {
            serde_json::Value::Array(statements) => statements.clone(),
            serde_json::Value::Null => Vec::new(),
            one => vec![one.clone()],
        }
    };
    let (old, new) = (statements(text), statements(&repaired));
    assert_eq!(new.len(), old.len() + 1);
    assert!(new.starts_with(&old), "what was there is lost: {repaired}");
    let after = judge_trust(&repaired);
    assert!(matches!(after, Trust::Granted | Trust::Conditional), "{after:?}: {repaired}");
}

/// A pattern is told as it was given, and one that has no wildcard means itself.
pub fn pattern(text: &str) {
    match ResourcePattern::parse(text) {
        Ok(pattern) => {
            assert_eq!(pattern.as_str(), text);
            assert!(!pattern.names_one() || Arn::read(text).is_ok());
            assert!(!pattern.names_one() || pattern.beyond_aws().is_none() || text.contains(['?', '[']));
        }
        Err(fault) => check_fault(&fault),
    }
}

/// A cursor survives its own text.
pub fn cursor(text: &str) {
    if let Some(cursor) = Cursor::parse(text) {
        assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
    }
}

/// RDS's windows: what is blocked at an instant is met from there.
pub fn window(text: &str, second: i64) {
    use super::rds_window::{BackupWindow, MaintenanceWindow};
    let Ok(at) = Timestamp::from_second(second) else { return };
    if let Some(window) = BackupWindow::parse(text) {
        assert!(!window.blocks(at) || window.meets(at, 60));
    }
    if let Some(window) = MaintenanceWindow::parse(text) {
        assert!(!window.blocks(at) || window.meets(at, 60));
    }
}

/// Words of what is kept of a job.
#[rustfmt::skip]
pub const KEPT: &[&str] = &[
    "{", "}", "[", "]", ":", ",", "\"", "null", "0", "1", "-1", "1700000000000", "9223372036854775807", "1e999", "\"plan\":",
    "\"state\":", "\"message\":", "\"role\":", "\"lifecycle\":", "[3,1700000000000,\"RUNNING\"]", "{\"s\":[9,0,\"FAILED\"]}",
];

/// What is kept of a job is read, or it is not; what was read is written and read again the same.
pub fn kept_job(common: &str, own: &str) {
    let parts = KnownJob::told(telling(0, 0, 0).0, Timestamp::UNIX_EPOCH).parts();
    let parts = JobParts { common: common.to_owned(), own: own.to_owned(), ..parts };
    if let Some(known) = KnownJob::of_parts(parts) {
        assert_eq!(KnownJob::of_parts(known.parts()), Some(known));
    }
}

/// A job changes the same in whatever order it is told of, and what is told twice is no news. `tellings`: a state, what else is
/// said as bits, and the second in which it was so.
pub fn tellings(tellings: &[(u8, u8, u8)]) {
    let known = |order: &mut dyn Iterator<Item = &(u8, u8, u8)>| {
        let mut told = order.map(|(state, bits, second)| telling(*state, *bits, *second));
        let (job, at) = told.next()?;
        let mut known = KnownJob::told(job, at);
        for (job, at) in told {
            known.learn(KnownJob::told(job, at));
        }
        Some(known)
    };
    let Some(mut all) = known(&mut tellings.iter()) else { return };
    assert_eq!(known(&mut tellings.iter().rev()), Some(all.clone()), "backwards");
    let odd = tellings.iter().skip(1).step_by(2);
    assert_eq!(known(&mut odd.chain(tellings.iter().step_by(2))), Some(all.clone()), "every other one first");
    for (state, bits, second) in tellings {
        let (job, at) = telling(*state, *bits, *second);
        assert!(!all.learn(KnownJob::told(job, at)), "it is no news any more");
    }
    assert_eq!(KnownJob::of_parts(all.parts()), Some(all));
}

fn telling(state: u8, bits: u8, second: u8) -> (Job, Timestamp) {
    let states =
        ["", "COMPLETING", "CREATED", "PENDING", "RUNNING", "ABORTING", "ABORTED", "COMPLETED", "FAILED", "EXPIRED"];
    let state = states.get(usize::from(state) % states.len()).copied().unwrap_or_default();
    let said = |bit: u8| bits & (1 << bit) != 0;
    let at = |second: u8| Timestamp::from_second(1_700_000_000 + i64::from(second)).unwrap_or_default();
    let scope = Scope { account: AccountId::example(), region: RegionName::example() };
    let Some(id) = JobId::told("job") else { unreachable!("it is an id") };
    let job = Job {
        state: JobState::of_word(state),
        status_message: said(0).then(|| format!("{}", second % 3)),
        message_category: said(1).then(|| "SUCCESS".to_owned()),
        bytes_transferred: said(2).then_some(i64::from(second)),
        created_at: said(3).then(|| at(second % 2)),
        completed_at: said(4).then(|| at(second)),
        resource_arn: said(5).then(|| format!("arn:{}", second % 2)),
        percent_done: said(6).then(|| f64::from(second)),
        ..Job::blank(id, JobKind::Backup, scope)
    };
    (job, at(second))
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::{prelude::*, sample::select};

    use super::{ARNS, CRONS, CURSORS, POLICIES, WINDOWS, ZONES};

    /// Texts made of these words and now and then of other letters.
    pub(crate) fn text_of(words: &'static [&'static str], most: usize) -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            12 => select(words).prop_map(str::to_owned),
            2 => any::<char>().prop_map(String::from),
            1 => "\\PC{0,90}",
        ];
        prop::collection::vec(piece, 0..most).prop_map(|pieces| pieces.concat())
    }

    /// A document of right statements with pieces of others in between.
    fn policy() -> impl Strategy<Value = String> {
        let whole = prop::collection::vec(select(&POLICIES[POLICIES.len() - 3..]), 0..4)
            .prop_map(|statements| format!("{{\"Version\":\"2012-10-17\",\"Statement\":[{}]}}", statements.join(",")));
        prop_oneof![text_of(POLICIES, 40), whole]
    }

    /// Six fields that mostly go together.
    fn cron() -> impl Strategy<Value = String> {
        let hours = select(&["*", "2", "0/5", "20-2", "1,2,3", "24"][..]);
        let month_days =
            select(&["*", "31", "29", "L", "LW", "1W", "31W", "L-3", "L-30W", "1,15W,L-2", "28-2", "0"][..]);
        let week_days = select(&["*", "7", "2-6", "FRI-MON", "1#1", "5#5", "3L", "FRIL,MON", "SUN", "8"][..]);
        let months = select(&["*", "2", "3,11", "FEB", "1-3", "*/5", "13"][..]);
        let years = select(&["*", "2026", "2026/7", "1970-1972", "2199", "2200"][..]);
        (0..61, hours, any::<bool>(), month_days, months, week_days, years).prop_map(
            |(minute, hour, by_week, month_day, month, week_day, year)| {
                let (month_day, week_day) = if by_week { ("?", week_day) } else { (month_day, "?") };
                format!("cron({minute} {hour} {month_day} {month} {week_day} {year})")
            },
        )
    }

    const SECONDS: std::ops::Range<i64> = -70_000_000_000..260_000_000_000;

    proptest! {
        #[test]
        fn jobs(told in proptest::collection::vec(any::<(u8, u8, u8)>(), 0..8)) {
            super::tellings(&told);
        }

        #[test]
        fn kept_jobs(common in text_of(super::KEPT, 12), own in text_of(super::KEPT, 12)) {
            super::kept_job(&common, &own);
        }

        #[test]
        fn arn(text in text_of(ARNS, 10)) {
            super::arn(&text);
        }

        #[test]
        fn name(text in prop_oneof![text_of(ARNS, 10), "[a-zA-Z0-9_/.-]{0,70}", "\\PC{0,150}", "[0-9a-fA-F-]{36}"]) {
            super::name(&text);
        }

        #[test]
        fn schedule(
            text in prop_oneof![text_of(CRONS, 16), cron()],
            zone in select(&["", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"][..]),
            second in SECONDS,
        ) {
            super::schedule(&text, zone, second);
        }

        #[test]
        fn access_policy(text in policy()) {
            super::access_policy(&text);
        }

        #[test]
        fn trust_policy(text in policy()) {
            super::trust_policy(&text);
        }

        #[test]
        fn pattern(text in text_of(ARNS, 10)) {
            super::pattern(&text);
        }

        #[test]
        fn cursor(text in text_of(CURSORS, 8)) {
            super::cursor(&text);
        }

        #[test]
        fn window(text in text_of(WINDOWS, 9), second in SECONDS) {
            super::window(&text, second);
        }
    }

    proptest! {
        // Each that is none is compared with six hundred.
        #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 16))]

        #[test]
        fn time_zone(text in prop_oneof![text_of(ZONES, 4), "\\PC{0,150}"]) {
            super::time_zone(&text);
        }
    }
}

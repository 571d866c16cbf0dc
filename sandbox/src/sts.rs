//! Security Token Service: who the caller is, and temporary keys for a role, also one in another account.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::call::{AwsError, Call};
use crate::query::{Form, QueryHandler, Xml};
use crate::world::World;
use crate::{credentials, partition};

/// Every served action.
pub const ACTIONS: &[(&str, QueryHandler)] =
    &[("AssumeRole", assume_role), ("GetCallerIdentity", get_caller_identity), ("GetSessionToken", get_session_token)];

/// AWS Organizations makes this role in every member account, trusting the management account. The sandbox takes it
/// as given, so that a second account can be entered before anybody has made a role in it.
const MEMBER_ACCOUNT_ROLE: &str = "OrganizationAccountAccessRole";

/// Sessions an account remembers; above it the one that ends first is forgotten.
const MAX_SESSIONS: usize = 10_000;

/// Whom the temporary keys of an account stand for.
#[derive(Debug, Default)]
pub struct Sessions(BTreeMap<String, Session>);

#[derive(Debug)]
struct Session {
    arn: String,
    user_id: String,
    expires: Timestamp,
}

impl Sessions {
    fn add(&mut self, access_key: String, session: Session, now: Timestamp) {
        self.0.retain(|_, session| session.expires > now);
        if self.0.len() >= MAX_SESSIONS {
            let first = self.0.iter().min_by_key(|(_, session)| session.expires).map(|(key, _)| key.clone());
            if let Some(first) = first {
                self.0.remove(&first);
            }
        }
        self.0.insert(access_key, session);
    }
}

fn get_caller_identity(world: &mut World, call: &Call, _: &Form) -> Result<Xml, AwsError> {
    let (arn, user_id) = caller(world, call)?;
    Ok(Xml::new().text("UserId", user_id).text("Account", &call.account).text("Arn", arn))
}

/// The caller's ARN and unique id.
fn caller(world: &mut World, call: &Call) -> Result<(String, String), AwsError> {
    match call.account(world).sessions.0.get(&call.access_key) {
        Some(session) if session.expires <= call.now => {
            Err(AwsError::new(403, "ExpiredToken", "The security token included in the request is expired"))
        }
        Some(session) => Ok((session.arn.clone(), session.user_id.clone())),
        None => Ok((call.own_user(), "AIDASANDBOXSANDBOXSAN".to_owned())),
    }
}

fn assume_role(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut faults = Vec::new();
    let arn = form.get("RoleArn").unwrap_or_default();
    let session = form.get("RoleSessionName").unwrap_or_default();
    if !(20..=2048).contains(&arn.len()) {
        faults.push("Value at 'roleArn' failed to satisfy constraint: Member must have length between 20 and 2048");
    }
    let session_ok = session.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c));
    if !(2..=64).contains(&session.len()) || !session_ok {
        faults.push(r"Value at 'roleSessionName' failed to satisfy constraint: 2 to 64 characters of [\w+=,.@-]");
    }
    let seconds = duration(form, 3600, 900..=43_200);
    if seconds.is_none() {
        faults.push("Value at 'durationSeconds' failed to satisfy constraint: Member must be between 900 and 43200");
    }
    let (account, name) = match role_of(arn).filter(|_| partition::in_arn(arn) == call.partition()) {
        Some(role) => role,
        None if faults.is_empty() => return Err(validation(&format!("{arn} is invalid"))),
        None => ("", ""),
    };
    if !faults.is_empty() {
        let count = faults.len();
        let errors = if count == 1 { "error" } else { "errors" };
        return Err(validation(&format!("{count} validation {errors} detected: {}", faults.join("; "))));
    }
    let (caller_arn, _) = caller(world, call)?;
    let iam = world.account(account).iam.of(&call.region);
    let role_id = iam.role_by_arn(arn).map(|role| role.id.clone());
    if name != MEMBER_ACCOUNT_ROLE && !iam.trusts_account(arn, &call.account) {
        // AWS does not tell a missing role from one that does not trust the caller.
        let message = format!("User: {caller_arn} is not authorized to perform: sts:AssumeRole on resource: {arn}");
        return Err(AwsError::new(403, "AccessDenied", message));
    }
    let assumed_id = format!("{}:{session}", role_id.as_deref().unwrap_or("AROASANDBOXMEMBERACCT"));
    let assumed_arn = format!("arn:{}:sts::{account}:assumed-role/{name}/{session}", call.partition());
    let seconds = seconds.unwrap_or(3600);
    let (arn, user_id) = (assumed_arn.clone(), assumed_id.clone());
    let credentials = issue(world, account, call.now, seconds, arn, user_id);
    let user = Xml::new().text("AssumedRoleId", assumed_id).text("Arn", assumed_arn);
    Ok(Xml::new().inside("Credentials", &credentials).inside("AssumedRoleUser", &user))
}

/// Temporary keys for the caller itself.
fn get_session_token(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let Some(seconds) = duration(form, 43_200, 900..=129_600) else {
        let message = "1 validation error detected: Value at 'durationSeconds' failed to satisfy constraint: \
                       Member must be between 900 and 129600";
        return Err(validation(message));
    };
    let (arn, user_id) = caller(world, call)?;
    Ok(Xml::new().inside("Credentials", &issue(world, &call.account, call.now, seconds, arn, user_id)))
}

fn issue(world: &mut World, account: &str, now: Timestamp, seconds: i64, arn: String, user_id: String) -> Xml {
    let expires = now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(now);
    let access_key = credentials::temporary_key(account);
    let secret = uuid::Uuid::new_v4().simple().to_string() + "SANDBOX+";
    let token = format!("sandbox-{}", uuid::Uuid::new_v4().simple());
    let xml = Xml::new()
        .text("AccessKeyId", &access_key)
        .text("SecretAccessKey", secret)
        .text("SessionToken", token)
        .value("Expiration", expires.strftime("%Y-%m-%dT%H:%M:%SZ"));
    world.account(account).sessions.add(access_key, Session { arn, user_id, expires }, now);
    xml
}

fn duration(form: &Form, default: i64, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
    match form.get("DurationSeconds") {
        None => Some(default),
        Some(text) => text.parse().ok().filter(|seconds| range.contains(seconds)),
    }
}

/// Account and name in a role's ARN.
fn role_of(arn: &str) -> Option<(&str, &str)> {
    let (account, role) = partition::of_iam(arn)?;
    let name = role.strip_prefix("role/")?.rsplit('/').next().filter(|name| !name.is_empty())?;
    (account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit())).then_some((account, name))
}

fn validation(message: &str) -> AwsError {
    AwsError::new(400, "ValidationError", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::111122223333:role/OrganizationAccountAccessRole";

    fn call(world: &mut World, call: &Call, action: &str, params: &[(&str, &str)]) -> Result<String, AwsError> {
        let form = Form::of_pairs(params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let (_, handler) = ACTIONS.iter().find(|(name, _)| *name == action).expect("a served action");
        handler(world, call, &form).map(|xml| xml.as_str().to_owned())
    }

    fn at(second: i64) -> Call {
        Call::at(Timestamp::from_second(1_700_000_000 + second).expect("a time"))
    }

    #[test]
    fn an_assumed_roles_key_speaks_for_the_role_until_it_expires() {
        let mut world = World::default();
        let params = [("RoleArn", ROLE), ("RoleSessionName", "nightly")];
        let answer = call(&mut world, &at(0), "AssumeRole", &params).expect("assumed");
        let key = answer.split("<AccessKeyId>").nth(1).and_then(|rest| rest.split('<').next()).expect("a key");
        let as_role = |second| {
            let account = credentials::account_of(key, "123456789012");
            Call { account, access_key: key.to_owned(), ..at(second) }
        };
        let who = call(&mut world, &as_role(10), "GetCallerIdentity", &[]).expect("known");
        assert!(who.contains("arn:aws:sts::111122223333:assumed-role/OrganizationAccountAccessRole/nightly"), "{who}");
        let late = call(&mut world, &as_role(3600), "GetCallerIdentity", &[]).expect_err("expired");
        assert_eq!((late.status, late.code.as_ref()), (403, "ExpiredToken"));
    }

    #[test]
    fn a_role_that_is_missing_or_does_not_trust_the_caller_is_denied() {
        let mut world = World::default();
        let params = [("RoleArn", "arn:aws:iam::111122223333:role/nope"), ("RoleSessionName", "nightly")];
        let error = call(&mut world, &at(0), "AssumeRole", &params).expect_err("denied");
        assert_eq!((error.status, error.code.as_ref()), (403, "AccessDenied"));
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let mut world = World::default();
        let params = [("RoleArn", "x"), ("RoleSessionName", "no spaces"), ("DurationSeconds", "5")];
        let error = call(&mut world, &at(0), "AssumeRole", &params).expect_err("faulty");
        assert!(error.message.starts_with("3 validation errors detected: "), "{}", error.message);
        let error = call(&mut world, &at(0), "GetSessionToken", &params).expect_err("too short");
        assert_eq!(error.code, "ValidationError");
    }

    #[test]
    fn sessions_that_ended_are_forgotten() {
        let mut world = World::default();
        let params = [("RoleArn", ROLE), ("RoleSessionName", "nightly"), ("DurationSeconds", "900")];
        call(&mut world, &at(0), "AssumeRole", &params).expect("assumed");
        call(&mut world, &at(1000), "AssumeRole", &params).expect("assumed");
        assert_eq!(world.account("111122223333").sessions.0.len(), 1);
    }
}

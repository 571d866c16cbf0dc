//! ExplainAccess: what policies would say, for those who write them.

use std::collections::BTreeMap;

use super::{
    cases::method,
    permissions::Permissions,
    picture::region,
    policy::Decision,
    principal::{Known, is_printable},
    things::{Fact, Noun, Thing, entity_type, reading},
    touched::{How, Named, Touched, saying_nothing},
};
use crate::{
    aws::Scoped,
    domain::{Asked, Invalid},
    proto,
    rpc::{convert::reader::Reader, status::Failure},
};

/// Longest name of a caller, in bytes; so many groups at most.
const LONGEST_NAME: usize = 512;
const MOST_GROUPS: usize = 1_000;

/// A question to the policies.
#[derive(Debug)]
pub(super) struct Question {
    caller: Known,
    action: String,
    noun: Noun,
    name: String,
}

pub(super) fn question(request: proto::ExplainAccessRequest) -> Result<Asked<Question>, Invalid> {
    let noun = request.thing();
    let proto::ExplainAccessRequest { scope, principal, groups, action, name, .. } = request;
    let mut read = Reader::new(scope);
    let is_name = |text: &String| !text.is_empty() && text.len() <= LONGEST_NAME && is_printable(text);
    if !is_name(&principal) {
        read.fault("principal", "is no name of a caller: it has 1 to 512 bytes that can be printed, such as corp:ada");
    }
    if groups.len() > MOST_GROUPS || !groups.iter().all(is_name) {
        read.fault("groups", "are no names of groups: at most 1000, each of 1 to 512 bytes that can be printed");
    }
    if method(&action).is_none() {
        read.fault("action", "is no RPC that policies decide on: give a name such as StartBackup");
    }
    if entity_type(noun).is_none() {
        read.fault("thing", "is required: what the action would be done to, such as THING_VAULT");
    }
    if name.is_empty() != (noun == Noun::Region) {
        read.fault("name", "names the thing, and is blank for THING_REGION");
    }
    read.conclude(|| {
        let caller = Known::by_token(principal, groups);
        Ok(Question { caller, action, noun, name })
    })
}

/// What the policies say.
pub(super) async fn answer(
    permissions: Option<&Permissions>,
    aws: &Scoped,
    question: Question,
) -> Result<proto::ExplainAccessResponse, Failure> {
    let permissions = permissions.ok_or(Failure::PoliciesNotKept)?;
    let policies = permissions.present();
    let Question { caller, action, noun, name } = question;
    let things: Vec<Thing> = if noun == Noun::Region {
        vec![region(aws.scope())]
    } else {
        let named = vec![Named { noun, how: How::Names, text: name, within: String::new() }];
        let touched = Touched { named, ..Touched::default() };
        let found = Box::pin(permissions.picture().touched(aws, &touched)).await?;
        found.into_iter().map(|(_, _, thing)| thing).collect()
    };
    let decide = |action: &str, thing: &Thing| policies.decide(&caller, action, thing, saying_nothing(action));
    // An identifier may be an instance's and a cluster's: the first that is denied decides.
    let denied = things.iter().position(|thing| !decide(&action, thing).is_permitted());
    let Some(thing) = things.get(denied.unwrap_or(0)) else {
        return Err(Failure::Bug("a name that names nothing".to_owned()));
    };
    let (permitted, broken, by) = match decide(&action, thing) {
        Decision::Permitted { by, .. } => (true, false, by),
        Decision::Denied { by } => (false, false, by),
        Decision::Broken { policies } => (false, true, policies),
    };
    let hidden = !permitted && reading(noun).is_some_and(|reading| !decide(reading, thing).is_permitted());
    let told = match (permitted, hidden) {
        (true, _) => "OK",
        (false, true) => "NOT_FOUND",
        (false, false) => "PERMISSION_DENIED",
    };
    Ok(proto::ExplainAccessResponse {
        permitted,
        policies: by,
        broken,
        told: told.to_owned(),
        seen: Some(seen(thing)),
        policies_hash: policies.hash.clone(),
    })
}

fn seen(thing: &Thing) -> proto::ThingSeen {
    let Thing { noun, id, facts, .. } = thing;
    let texts = thing.texts().into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let locked = facts.locked.map(|locked| (Fact::Locked.attribute().to_owned(), locked.to_string()));
    let attributes: BTreeMap<String, String> = texts.chain(locked).collect();
    let unknown = Fact::of(*noun).iter().filter(|fact| !facts.knows(**fact)).map(|fact| match fact {
        Fact::Tags => "tags".to_owned(),
        fact => fact.attribute().to_owned(),
    });
    proto::ThingSeen {
        entity: format!("Strongroom::{}::\"{id}\"", entity_type(*noun).unwrap_or_default()),
        attributes,
        tags: facts.tags.clone().unwrap_or_default(),
        unknown: unknown.collect(),
    }
}

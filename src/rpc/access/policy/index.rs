//! Which policies can have a say: by the action, the sort of thing and the caller, found when they are loaded.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use cedar_policy::{Effect, EntityUid, Policy, PolicySet, PrincipalConstraint, ResourceConstraint, Schema};
use serde_json::Value as Json;

use super::schema::{GROUP, NAMESPACE, USER};
use crate::rpc::access::{
    principal::Known,
    things::{Fact, Noun, entity_type},
};

/// Sets that are kept made up: one for each choice of policies that callers meet. Beyond it all are made anew.
const MOST_MADE_UP: usize = 1_000;

/// Policies by what they can be asked about.
#[derive(Debug)]
pub(super) struct Index {
    policies: Vec<Entry>,
    /// By action and type of entity.
    by_question: BTreeMap<(String, String), Candidates>,
    made_up: Mutex<BTreeMap<Vec<usize>, Arc<PolicySet>>>,
}

#[derive(Debug)]
struct Entry {
    policy: Policy,
    reads: BTreeSet<Fact>,
    /// Whether it holds for everything of the types that it is about.
    is_plain: bool,
}

/// The policies that can be asked about an action and a sort of thing, by their numbers.
#[derive(Debug, Default)]
struct Candidates {
    of_anybody: Vec<usize>,
    /// By who must call, or be a member of what.
    of_some: BTreeMap<String, Vec<usize>>,
}

impl Index {
    pub(super) fn of(set: &PolicySet, schema: &Schema) -> Self {
        let mut index = Self { policies: Vec::new(), by_question: BTreeMap::new(), made_up: Mutex::default() };
        for policy in set.policies() {
            let number = index.policies.len();
            let whom = whom(policy);
            for question in policy.get_valid_request_envs(schema) {
                let action = question.action().id().unescaped().to_owned();
                let of = question.resource().basename().to_owned();
                let candidates = index.by_question.entry((action, of)).or_default();
                match &whom {
                    None => candidates.of_anybody.push(number),
                    Some(whom) => candidates.of_some.entry(whom.clone()).or_default().push(number),
                }
            }
            index.policies.push(Entry {
                policy: policy.clone(),
                reads: facts_read(policy),
                is_plain: is_plain(policy),
            });
        }
        index
    }

    fn candidates(&self, action: &str, noun: Noun) -> Option<&Candidates> {
        let of = entity_type(noun)?;
        self.by_question.get(&(action.to_owned(), of.to_owned()))
    }

    fn numbers(&self, caller: &Known, action: &str, noun: Noun) -> Vec<usize> {
        let Some(candidates) = self.candidates(action, noun) else { return Vec::new() };
        let mut numbers = candidates.of_anybody.clone();
        let mut add = |whom: String| numbers.extend(candidates.of_some.get(&whom).into_iter().flatten());
        add(key(USER, &caller.name));
        for group in &caller.groups {
            add(key(GROUP, group));
        }
        numbers.sort_unstable();
        numbers
    }

    /// The policies that have a say; or those that forbid by what is not known.
    pub(super) fn policies(
        &self,
        caller: &Known,
        action: &str,
        noun: Noun,
        unknown: &BTreeSet<Fact>,
    ) -> Result<Arc<PolicySet>, Vec<String>> {
        let numbers = self.numbers(caller, action, noun);
        let (blind, asked): (Vec<usize>, Vec<usize>) =
            numbers.into_iter().partition(|number| !self.policies[*number].reads.is_disjoint(unknown));
        let forbids = |number: &&usize| self.policies[**number].policy.effect() == Effect::Forbid;
        let blind: Vec<String> =
            blind.iter().filter(forbids).map(|number| self.policies[*number].policy.id().to_string()).collect();
        if blind.is_empty() { Ok(self.made_up(asked)) } else { Err(blind) }
    }

    fn made_up(&self, numbers: Vec<usize>) -> Arc<PolicySet> {
        let mut made_up = self.made_up.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(set) = made_up.get(&numbers) {
            return Arc::clone(set);
        }
        // Ids are told apart when policies are loaded, and so they can all be in one set.
        let set = PolicySet::from_policies(numbers.iter().map(|number| self.policies[*number].policy.clone()));
        let set = Arc::new(set.unwrap_or_default());
        if made_up.len() >= MOST_MADE_UP {
            made_up.clear();
        }
        made_up.insert(numbers, Arc::clone(&set));
        set
    }

    pub(super) fn reads(&self, action: &str, noun: Noun) -> bool {
        let candidates = self.candidates(action, noun).into_iter();
        let mut numbers = candidates.flat_map(|it| it.of_anybody.iter().chain(it.of_some.values().flatten()));
        numbers.any(|number| !self.policies[*number].reads.is_empty())
    }

    pub(super) fn permits_all(&self, caller: &Known, action: &str, noun: Noun) -> bool {
        let policies: Vec<&Entry> =
            self.numbers(caller, action, noun).into_iter().map(|number| &self.policies[number]).collect();
        policies.iter().all(|entry| entry.policy.effect() == Effect::Permit)
            && policies.iter().any(|entry| entry.is_plain)
    }
}

/// Who must call, or be a member of what, for the policy to have a say; none: it does not say.
fn whom(policy: &Policy) -> Option<String> {
    match policy.principal_constraint() {
        PrincipalConstraint::Any | PrincipalConstraint::Is(_) => None,
        PrincipalConstraint::Eq(who) | PrincipalConstraint::In(who) | PrincipalConstraint::IsIn(_, who) => {
            Some(spelled(&who))
        }
    }
}

/// As [`spelled`] spells it.
fn key(of: &str, id: &str) -> String {
    format!("{NAMESPACE}::{of} {id}")
}

fn spelled(uid: &EntityUid) -> String {
    format!("{} {}", uid.type_name(), uid.id().unescaped())
}

/// Whether it has no conditions, and is about no single thing.
fn is_plain(policy: &Policy) -> bool {
    let one = matches!(
        policy.resource_constraint(),
        ResourceConstraint::In(_) | ResourceConstraint::Eq(_) | ResourceConstraint::IsIn(..)
    );
    !one && !policy.has_non_scope_constraint()
}

/// What a policy reads of a thing, as far as its text tells: rather too much than too little.
fn facts_read(policy: &Policy) -> BTreeSet<Fact> {
    let mut read = BTreeSet::new();
    match policy.to_json() {
        Ok(json) => look_for_facts(&json, &mut read),
        Err(_) => read.extend(Fact::ALL),
    }
    // What a thing is in is told by these.
    if policy.entity_literals().iter().any(is_container) {
        read.extend([Fact::Vault, Fact::Database, Fact::Plan]);
    }
    read
}

fn is_container(uid: &EntityUid) -> bool {
    ["Vault", "Database", "Plan"].iter().any(|of| uid.type_name().to_string() == format!("{NAMESPACE}::{of}"))
}

fn look_for_facts(json: &Json, read: &mut BTreeSet<Fact>) {
    match json {
        Json::Array(members) => members.iter().for_each(|member| look_for_facts(member, read)),
        Json::Object(members) => {
            for (name, member) in members {
                if matches!(name.as_str(), "hasTag" | "getTag") {
                    read.insert(Fact::Tags);
                }
                if let (true, Json::String(attribute)) = (name == "attr", member) {
                    read.extend(Fact::ALL.into_iter().filter(|fact| fact.attribute() == attribute));
                }
                look_for_facts(member, read);
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

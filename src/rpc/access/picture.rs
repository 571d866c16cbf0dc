//! What is known of the things that are decided on: what the ledger remembers of them, and never more than that where it has looked
//! at their account and region. Then a thing that it does not know is as good as absent, and whether it is there shows in nothing.

mod told;

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{
    things::{Facts, Noun, Thing},
    touched::{CLUSTER, How, Named, Touched},
};
use crate::{
    aws::{self, Scoped},
    domain::{AccountId, Arn, JobId, PlanRef, RegionName, ResourceRef, Scope, VaultName, VaultRef},
    ledger::{Ledger, Tagged},
    rpc::status::Failure,
};

/// Where it is looked up.
#[derive(Debug, Clone)]
pub(in crate::rpc) struct Picture {
    pub(in crate::rpc) ledger: Ledger,
    /// The tag that names owners.
    pub(in crate::rpc) owner_tag: String,
}

/// Where a text is meant to be: in the account and region of its ARN, else in those of the call.
fn place(text: &str, call: &Scope) -> Scope {
    let mut scope = call.clone();
    if let Ok(arn) = Arn::parse(text) {
        if let Ok(account) = AccountId::parse(arn.account()) {
            scope.account = account;
        }
        if let Ok(region) = RegionName::parse(arn.region()) {
            scope.region = region;
        }
    }
    scope
}

fn bare(noun: Noun, scope: &Scope, id: String, name: String, facts: Facts) -> Thing {
    let (account, region) = (scope.account.to_string(), scope.region.to_string());
    Thing { noun, account, region, id, name, facts }
}

/// The last part of an ARN, or of a name with a path.
fn last(text: &str) -> String {
    text.rsplit([':', '/']).next().unwrap_or(text).to_owned()
}

/// The account and region as a whole.
pub(in crate::rpc) fn region(scope: &Scope) -> Thing {
    let id = format!("{}/{}", scope.account, scope.region);
    bare(Noun::Region, scope, id, scope.region.to_string(), Facts::default())
}

/// Everything that a request touches, of which nothing is known but how it is called.
pub(in crate::rpc) fn bare_touched(call: &Scope, by: &Touched) -> Vec<(How, String, Thing)> {
    let things = |named: &Named| {
        let scope = &place(&named.text, call);
        let text = named.text.clone();
        let ids = match named.noun {
            Noun::Vault => vec![vault_arn(&text, scope)],
            Noun::Plan if !text.starts_with("arn:") => vec![PlanRef::arn_of(&text, scope)],
            Noun::Database => Some(arns_of(&text, scope)).filter(|arns| !arns.is_empty()).unwrap_or(vec![text]),
            Noun::Role => vec![role_arn(&text, scope)],
            _ => vec![text],
        };
        let facts = Facts { is_nameless: named.noun == Noun::Plan && is_plan_id(&named.text), ..Facts::default() };
        let thing = |id: String| {
            let name = match named.noun {
                Noun::Plan => last(&named.text),
                _ => last(&id),
            };
            (named.how.clone(), named.text.clone(), bare(named.noun, scope, id, name, facts.clone()))
        };
        ids.into_iter().map(thing).collect::<Vec<_>>()
    };
    with_region(by.named.iter().flat_map(things).collect(), call)
}

/// The same, and the account and region where nothing is named that the call is about.
fn with_region(mut things: Vec<(How, String, Thing)>, call: &Scope) -> Vec<(How, String, Thing)> {
    if !things.iter().any(|(how, ..)| *how != How::Filters) {
        things.push((How::Names, String::new(), region(call)));
    }
    things
}

/// Whether it is an id or ARN of a plan, which says nothing of its name.
fn is_plan_id(text: &str) -> bool {
    text.starts_with("arn:") || last(text).parse::<Uuid>().is_ok()
}

fn role_arn(text: &str, scope: &Scope) -> String {
    match Arn::parse(text) {
        Ok(_) => text.to_owned(),
        Err(_) => format!("arn:{}:iam::{}:role/{text}", scope.region.partition(), scope.account),
    }
}

impl Picture {
    /// Everything that a request touches; where it names nothing, its account and region.
    /// Each with what the request calls it.
    pub(in crate::rpc) async fn touched(
        &self,
        aws: &Scoped,
        by: &Touched,
    ) -> Result<Vec<(How, String, Thing)>, Failure> {
        let call = aws.scope();
        let mut things = Vec::new();
        for named in &by.named {
            let found = Box::pin(self.named(aws, named, by)).await?;
            things.extend(found.into_iter().map(|thing| (named.how.clone(), named.text.clone(), thing)));
        }
        // What is made is whatever the request makes of it: a new database holds what its recovery point does.
        let source = things.iter().find(|(how, _, it)| *how == How::Names && it.noun == Noun::RecoveryPoint);
        let source = source.map(|(_, _, point)| (point.facts.owner.clone(), point.facts.database.clone()));
        if let Some((owner, database)) = source {
            let database: BTreeSet<String> = database.into_iter().filter(|arn| !arn.is_empty()).collect();
            let tags = self.ledger.databases(&database).await?.into_values().next().map(|known| known.tags);
            for (_, _, thing) in
                things.iter_mut().filter(|(how, _, it)| *how == How::Makes && it.noun == Noun::Database)
            {
                thing.facts = Facts { owner: owner.clone(), tags: tags.clone(), ..Facts::default() };
            }
        }
        let renamed = things.iter().find(|(how, _, it)| *how == How::Names && it.noun == Noun::Plan);
        if let Some(facts) = renamed.map(|(_, _, plan)| plan.facts.clone()) {
            for (_, _, thing) in things.iter_mut().filter(|(how, _, it)| *how == How::Makes && it.noun == Noun::Plan) {
                thing.facts = facts.clone();
            }
        }
        things.extend(self.retagged(&things, by));
        Ok(with_region(things, call))
    }

    /// What things are to be once their tags are changed: nobody makes himself the owner of something.
    fn retagged(&self, things: &[(How, String, Thing)], by: &Touched) -> Vec<(How, String, Thing)> {
        let sets = by.tags.clone().unwrap_or_default();
        if sets.is_empty() && by.untags.is_empty() {
            return Vec::new();
        }
        let named = things.iter().filter(|(how, _, it)| *how == How::Names && it.facts.tags.is_some());
        let after = named.map(|(how, text, thing)| {
            let mut tags = thing.facts.tags.clone().unwrap_or_default();
            tags.extend(sets.clone());
            tags.retain(|key, _| !by.untags.contains(key));
            let Facts { owner, tags, .. } = Facts::tagged(tags, &self.owner_tag);
            (how.clone(), text.clone(), Thing { facts: Facts { owner, tags, ..thing.facts.clone() }, ..thing.clone() })
        });
        after.collect()
    }

    async fn named(&self, aws: &Scoped, named: &Named, by: &Touched) -> Result<Vec<Thing>, Failure> {
        let Named { noun, how, text, within } = named;
        let scope = &place(text, aws.scope());
        let made = || Facts::tagged(by.tags.clone().unwrap_or_default(), &self.owner_tag);
        if let How::Selects(Some(tags)) = how
            && (text.contains('*') || text.contains('?'))
        {
            // These tags they have; what others they have, nobody knows.
            let facts = Facts { owner: tags.get(&self.owner_tag).cloned(), ..Facts::default() };
            return Ok(vec![bare(Noun::Database, scope, text.clone(), last(text), facts)]);
        }
        let one = |id: String, name: String, facts: Facts| Ok(vec![bare(*noun, scope, id, name, facts)]);
        match noun {
            Noun::Vault => {
                let arn = vault_arn(text, scope);
                let facts = match how {
                    How::Makes => Facts { locked: Some(false), ..made() },
                    _ => self.vault(aws, &arn, scope).await?,
                };
                let name = last(&arn);
                one(arn, name, facts)
            }
            Noun::Plan if *how == How::Makes => one(PlanRef::arn_of("", scope), text.clone(), made()),
            Noun::Plan => Ok(self.plans(aws, text, scope).await?),
            Noun::Selection => {
                let plans = match within.as_str() {
                    "" => Vec::new(),
                    plan => self.plans(aws, plan, scope).await?,
                };
                let plan = plans.into_iter().next();
                let owner = plan.as_ref().and_then(|plan| plan.facts.owner.clone());
                let plan = plan.map(|plan| last(&plan.id));
                one(text.clone(), text.clone(), Facts { owner, plan, ..Facts::default() })
            }
            Noun::Database if *how == How::Makes => {
                let arns = arns_of(text, scope);
                let kind = if within == CLUSTER { ":cluster:" } else { ":db:" };
                let arn = arns.into_iter().find(|arn| arn.contains(kind)).unwrap_or_else(|| text.clone());
                let name = last(&arn);
                one(arn, name, Facts::default())
            }
            Noun::Database => self.databases(aws, text, scope).await,
            Noun::RecoveryPoint => {
                let vault = VaultRef::parse(within).ok().map(|vault| vault.arn_in(aws.scope()));
                let known = self.ledger.point(text).await?;
                let vault = known.as_ref().map(|point| point.vault.clone()).or(vault);
                let database = known.map(|point| point.resource);
                let owner = self.owner(database.as_deref()).await?;
                one(text.clone(), last(text), Facts { owner, vault, database, ..Facts::default() })
            }
            Noun::Job => {
                let known = match JobId::parse(text) {
                    Ok(id) => self.ledger.job(&id).await?,
                    Err(_) => None,
                };
                let facts = match known {
                    None => Facts::default(),
                    Some(job) => {
                        let plan = job.plan_id().unwrap_or_default().to_owned();
                        let database = job.resource_arn.clone();
                        Facts {
                            owner: self.owner(database.as_deref()).await?,
                            vault: Some(job.vault_arn.clone().unwrap_or_default()),
                            database: Some(database.unwrap_or_default()),
                            plan: Some(plan),
                            ..Facts::default()
                        }
                    }
                };
                one(text.clone(), text.clone(), facts)
            }
            Noun::Incident => {
                let facts = match self.ledger.incident(text).await? {
                    None => Facts::default(),
                    Some(incident) => {
                        let database = Some(incident.resource).filter(|arn| !arn.is_empty());
                        let owner = match &database {
                            Some(_) => self.owner(database.as_deref()).await?,
                            None => self.vault(aws, &incident.vault, scope).await?.owner,
                        };
                        let (vault, database) = (Some(incident.vault), Some(database.unwrap_or_default()));
                        Facts { owner, vault, database, ..Facts::default() }
                    }
                };
                one(text.clone(), text.clone(), facts)
            }
            Noun::Role => one(role_arn(text, scope), last(text), Facts::default()),
            Noun::Key
            | Noun::Topic
            | Noun::LegalHold
            | Noun::Region
            | Noun::Unspecified
            | Noun::PlannedRestore
            | Noun::TaggedResource
            | Noun::Approval => one(text.clone(), last(text), Facts::default()),
        }
    }

    /// Whose a resource is; not known where nobody has said so yet.
    async fn owner(&self, resource: Option<&str>) -> Result<Option<String>, Failure> {
        let Some(resource) = resource.filter(|arn| !arn.is_empty()) else { return Ok(None) };
        let arns = BTreeSet::from([resource.to_owned()]);
        if let Some(known) = self.ledger.databases(&arns).await?.into_values().next() {
            return Ok(Some(known.owner));
        }
        Ok(self.ledger.owners_of(&arns).await?.into_values().next())
    }

    async fn vault(&self, aws: &Scoped, arn: &str, scope: &Scope) -> Result<Facts, Failure> {
        let named = BTreeSet::from([arn.to_owned()]);
        let locked = self.ledger.locked(&named).await?.get(arn).copied();
        if let Some(vault) = self.ledger.tagged(scope, &named).await?.into_iter().next() {
            return Ok(Facts { locked, ..Facts::tagged(vault.tags, &self.owner_tag) });
        }
        if self.is_looked_at(scope).await? || aws.scope() != scope {
            return Ok(Facts::default());
        }
        let Ok(name) = VaultName::parse(&last(arn)) else { return Ok(Facts::default()) };
        match passing(aws.get_vault(&name).await)? {
            Some(vault) => {
                Ok(Facts { locked: Some(vault.lock.is_some()), ..Facts::tagged(vault.tags, &self.owner_tag) })
            }
            None => Ok(Facts::default()),
        }
    }

    /// The plans that the text can mean: by ARN and id one, by name perhaps several.
    async fn plans(&self, aws: &Scoped, text: &str, scope: &Scope) -> Result<Vec<Thing>, Failure> {
        let arn = if text.starts_with("arn:") { text.to_owned() } else { PlanRef::arn_of(text, scope) };
        let named = BTreeSet::from([arn.clone(), text.to_owned()]);
        let known = self.ledger.tagged(scope, &named).await?.into_iter().filter(|it| it.arn.contains(":backup-plan:"));
        let mut things: Vec<Thing> = known
            .map(|Tagged { arn, name, tags }| bare(Noun::Plan, scope, arn, name, Facts::tagged(tags, &self.owner_tag)))
            .collect();
        if things.is_empty() {
            let facts = self.read(aws, &arn, scope).await?.map(|tags| Facts::tagged(tags, &self.owner_tag));
            let facts = Facts { is_nameless: is_plan_id(text), ..facts.unwrap_or_default() };
            things.push(bare(Noun::Plan, scope, arn, text.to_owned(), facts));
        }
        Ok(things)
    }

    /// The databases that the text can mean: an identifier may be an instance's and a cluster's.
    async fn databases(&self, aws: &Scoped, text: &str, scope: &Scope) -> Result<Vec<Thing>, Failure> {
        let arns = arns_of(text, scope);
        let known = self.ledger.databases(&arns.iter().cloned().collect()).await?;
        let mut things: Vec<Thing> = known
            .into_iter()
            .map(|(arn, known)| {
                let facts = Facts { owner: Some(known.owner), tags: Some(known.tags), ..Facts::default() };
                let name = last(&arn);
                bare(Noun::Database, scope, arn, name, facts)
            })
            .collect();
        if things.is_empty() {
            // One that is no more was somebody's.
            let owners = self.ledger.owners_of(&arns.iter().cloned().collect()).await?;
            let (mut there, mut unknown) = (Vec::new(), Vec::new());
            for arn in arns {
                let name = last(&arn);
                match self.read(aws, &arn, scope).await? {
                    Some(tags) => {
                        let facts = Facts::tagged(tags, &self.owner_tag);
                        there.push(bare(Noun::Database, scope, arn, name, facts));
                    }
                    None => {
                        let facts = Facts { owner: owners.get(&arn).cloned(), ..Facts::default() };
                        unknown.push(bare(Noun::Database, scope, arn, name, facts));
                    }
                }
            }
            // Where none is known it may be any of them; of those that were somebody's, these.
            let was: Vec<Thing> = unknown.iter().filter(|thing| thing.facts.owner.is_some()).cloned().collect();
            things = match (there.is_empty(), was.is_empty()) {
                (false, _) => there,
                (true, false) => was,
                (true, true) => unknown,
            };
        }
        if things.is_empty() {
            things.push(bare(Noun::Database, scope, text.to_owned(), last(text), Facts::default()));
        }
        Ok(things)
    }

    /// The tags of a thing, by one read, where nobody looks at its account and region for the ledger; none where it cannot be told.
    async fn read(&self, aws: &Scoped, arn: &str, scope: &Scope) -> Result<Option<BTreeMap<String, String>>, Failure> {
        if self.is_looked_at(scope).await? {
            return Ok(None);
        }
        let Ok(arn) = Arn::parse(arn) else { return Ok(None) };
        passing(aws.list_tags(&ResourceRef::Arn(arn)).await)
    }

    async fn is_looked_at(&self, scope: &Scope) -> Result<bool, Failure> {
        Ok(self.ledger.look(scope).await?.is_some_and(|look| look.as_of.is_some()))
    }

    /// Notes a vault or plan that was made here, or whose tags were set here: whoever did it goes on with it at once. Where nobody
    /// looks it is read when it is asked for.
    pub(in crate::rpc) async fn note(&self, scope: &Scope, thing: Tagged) {
        let noted = async {
            if self.is_looked_at(scope).await? {
                let known = self.ledger.tagged(scope, &BTreeSet::from([thing.arn.clone()])).await?;
                let name = match (thing.name.as_str(), known.into_iter().next()) {
                    ("", Some(known)) => known.name,
                    ("", None) => last(&thing.arn),
                    (name, _) => name.to_owned(),
                };
                self.ledger.note_tagged(scope, &Tagged { name, ..thing.clone() }).await?;
            }
            Ok::<_, Failure>(())
        };
        if let Err(error) = noted.await {
            tracing::warn!(?error, arn = thing.arn, "what was made is not known to the policies before the next look");
        }
    }
}

/// What was read, if it is there. What passes is told as such, and never as a denial.
fn passing<T>(read: Result<T, aws::Error>) -> Result<Option<T>, Failure> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) if error.failure().is_some_and(aws::Failure::is_passing) => Err(error.into()),
        Err(_) => Ok(None),
    }
}

fn vault_arn(text: &str, scope: &Scope) -> String {
    VaultRef::parse(text).map_or_else(|_| text.to_owned(), |vault| vault.arn_in(scope))
}

fn arns_of(text: &str, scope: &Scope) -> Vec<String> {
    let arns = ResourceRef::parse(text).map(|named| named.arns_in(scope)).unwrap_or_default();
    arns.into_iter().map(|arn| arn.as_str().to_owned()).collect()
}

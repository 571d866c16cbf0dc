//! What is known of the things that an answer tells of.

use std::collections::{BTreeMap, BTreeSet};

use super::{Picture, bare, last, region, vault_arn};
use crate::{
    domain::{AccountId, PlanRef, RegionName, Scope},
    ledger::{KnownDatabase, Tagged},
    rpc::{
        access::{
            things::{Facts, Noun, Thing},
            touched::Told,
        },
        status::Failure,
    },
};

impl Picture {
    /// The things that items of an answer tell of, of an item with a list of names all of them. So many items cost four reads of
    /// the ledger, and none of AWS.
    pub(in crate::rpc) async fn told(&self, call: &Scope, items: &[(Noun, Told)]) -> Result<Vec<Vec<Thing>>, Failure> {
        let of = |noun: Noun| {
            let texts = items.iter().flat_map(move |(_, told)| told.named.get(&noun)).flatten();
            texts.cloned().collect::<BTreeSet<String>>()
        };
        let databases = self.ledger.databases(&of(Noun::Database)).await?;
        let owners = self.ledger.owners_of(&of(Noun::Database)).await?;
        let locked = self.ledger.locked(&of(Noun::Vault)).await?;
        let mut tagged: BTreeMap<String, Tagged> = BTreeMap::new();
        let scopes: BTreeSet<Scope> = items.iter().map(|(_, told)| scope_of(told, call)).collect();
        for scope in &scopes {
            let plans = of(Noun::Plan).into_iter().map(|id| PlanRef::arn_of(&id, scope));
            let vaults = of(Noun::Vault).into_iter().map(|vault| vault_arn(&vault, scope));
            let known = self.ledger.tagged(scope, &plans.chain(vaults).collect()).await?;
            tagged.extend(known.into_iter().map(|it| (it.arn.clone(), it)));
        }
        let known = Known { databases, owners, locked, tagged, owner_tag: &self.owner_tag };
        Ok(items.iter().map(|(noun, told)| known.things(*noun, told, &scope_of(told, call))).collect())
    }
}

/// What was read for an answer.
struct Known<'p> {
    databases: BTreeMap<String, KnownDatabase>,
    owners: BTreeMap<String, String>,
    locked: BTreeMap<String, bool>,
    tagged: BTreeMap<String, Tagged>,
    owner_tag: &'p str,
}

impl Known<'_> {
    fn owner(&self, database: &str) -> Option<String> {
        self.databases.get(database).map(|known| known.owner.clone()).or_else(|| self.owners.get(database).cloned())
    }

    fn things(&self, noun: Noun, told: &Told, scope: &Scope) -> Vec<Thing> {
        let first = |noun: Noun| told.named.get(&noun).and_then(|texts| texts.first().cloned()).unwrap_or_default();
        let (vault, database, plan) = (first(Noun::Vault), first(Noun::Database), first(Noun::Plan));
        let vault = if vault.is_empty() { vault } else { vault_arn(&vault, scope) };
        let tagged = |arn: &str| {
            let known = self.tagged.get(arn);
            known.map_or_else(Facts::default, |it| Facts::tagged(it.tags.clone(), self.owner_tag))
        };
        let about = |owner: Option<String>| Facts {
            owner,
            vault: Some(vault.clone()),
            database: Some(database.clone()),
            plan: Some(plan.clone()),
            ..Facts::default()
        };
        if noun == Noun::Region {
            return vec![region(scope)];
        }
        let texts = told.named.get(&noun).cloned().unwrap_or_default();
        let thing = |text: String| {
            let owner = || {
                self.owner(&database).or_else(|| {
                    // An incident of a vault alone is the vault's owner's.
                    (database.is_empty() && noun == Noun::Incident).then(|| tagged(&vault).owner).flatten()
                })
            };
            let (id, name, facts) = match noun {
                Noun::Vault => {
                    let arn = vault_arn(&text, scope);
                    let facts = Facts { locked: self.locked.get(&arn).copied(), ..tagged(&arn) };
                    (arn.clone(), last(&arn), facts)
                }
                Noun::Plan => {
                    let arn = PlanRef::arn_of(&text, scope);
                    let name = self.tagged.get(&arn).map(|it| it.name.clone());
                    let facts = Facts { is_nameless: name.is_none(), ..tagged(&arn) };
                    (arn, name.unwrap_or_default(), facts)
                }
                Noun::Selection => {
                    let owner = tagged(&PlanRef::arn_of(&plan, scope)).owner;
                    (text.clone(), text, Facts { owner, plan: Some(plan.clone()), ..Facts::default() })
                }
                Noun::Database => {
                    let known = self.databases.get(&text);
                    let tags = known.map(|known| known.tags.clone());
                    (text.clone(), last(&text), Facts { owner: self.owner(&text), tags, ..Facts::default() })
                }
                _ => (text.clone(), last(&text), about(owner())),
            };
            bare(noun, scope, id, name, facts)
        };
        texts.into_iter().map(thing).collect()
    }
}

fn scope_of(told: &Told, call: &Scope) -> Scope {
    let account = AccountId::parse(&told.account).unwrap_or_else(|_| call.account.clone());
    let region = RegionName::parse(&told.region).unwrap_or_else(|_| call.region.clone());
    Scope { account, region }
}

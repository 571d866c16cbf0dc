//! Cases that policies are tried with, without a server: a table in TOML beside the policies.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{
    policy::{Decision, Files, Policies, PolicyFault, Saying, inside},
    principal::Known,
    things::{Facts, NOUNS, Noun, Thing, entity_type},
    touched::saying_nothing,
};
use crate::proto::descriptors;

/// What came of trying policies with their cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoliciesTried {
    /// Policies that were read.
    pub policies: usize,
    /// Cases that were tried.
    pub cases: usize,
    /// Everything that is wrong: with the files, or with what came of a case.
    pub faults: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(default, rename = "case")]
    cases: Vec<Case>,
}

/// A question, and what is to come of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What it shows.
    name: String,
    principal: String,
    #[serde(default)]
    groups: Vec<String>,
    action: String,
    /// The type of the thing, as policies name it.
    thing: String,
    /// What policies name it by; of what has a name alone, that.
    #[serde(default)]
    id: String,
    #[serde(default = "account")]
    account: String,
    #[serde(default = "region")]
    region: String,
    /// Of what is left out nothing is known; blank is known not to be there.
    owner: Option<String>,
    tags: Option<BTreeMap<String, String>>,
    locked: Option<bool>,
    vault: Option<String>,
    database: Option<String>,
    plan: Option<String>,
    /// What the request says besides, by the names of its fields.
    #[serde(default)]
    context: Saying,
    expect: Expected,
    /// The policies that decide; left out, whichever do.
    by: Option<Vec<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Expected {
    Permitted,
    Denied,
    Broken,
}

fn account() -> String {
    "123456789012".to_owned()
}

fn region() -> String {
    "us-east-1".to_owned()
}

/// Reads policies out of files that end in `.cedar`, and tries them with the cases in those that end in `.toml`; of a directory, all
/// of them.
pub fn try_policies(paths: &[PathBuf]) -> PoliciesTried {
    let (mut cedar, mut tables, mut faults) = (Vec::new(), Vec::new(), Vec::new());
    for path in paths {
        if let Err(fault) = sort(path, &mut cedar, &mut tables) {
            faults.push(fault);
        }
    }
    let mut tried = PoliciesTried { policies: 0, cases: 0, faults };
    if cedar.is_empty() {
        tried.faults.push("there are no policies: they are in files that end in .cedar".to_owned());
        return tried;
    }
    let policies = match Files::of(&cedar).and_then(|files| files.read()) {
        Ok(policies) => policies,
        Err(PolicyFault::Faults(found)) => {
            tried.faults.extend(found);
            return tried;
        }
        Err(fault) => {
            tried.faults.push(fault.to_string());
            return tried;
        }
    };
    tried.policies = policies.count;
    for path in tables {
        let shown = path.display();
        let read = fs::read_to_string(&path).map_err(|error| error.to_string());
        match read.and_then(|text| toml::from_str::<Table>(&text).map_err(|error| error.to_string())) {
            Err(error) => tried.faults.push(format!("{shown}: {error}")),
            Ok(table) => {
                for case in &table.cases {
                    tried.cases += 1;
                    let fault = case.tried(&policies).err();
                    tried.faults.extend(fault.map(|fault| format!("{shown}: {}: {fault}", case.name)));
                }
            }
        }
    }
    tried
}

/// What the schema says that policies can speak of, in Cedar's own language.
pub fn policy_schema() -> String {
    super::policy::schema::text()
}

fn sort(path: &Path, cedar: &mut Vec<PathBuf>, tables: &mut Vec<PathBuf>) -> Result<(), String> {
    if path.is_dir() {
        cedar.extend(inside(path, "cedar").map_err(|fault| fault.to_string())?);
        tables.extend(inside(path, "toml").map_err(|fault| fault.to_string())?);
        return Ok(());
    }
    match path.extension().and_then(|ending| ending.to_str()).unwrap_or_default() {
        "cedar" => cedar.push(path.to_owned()),
        "toml" => tables.push(path.to_owned()),
        _ => return Err(format!("{} ends in neither .cedar nor .toml", path.display())),
    }
    Ok(())
}

impl Case {
    fn tried(&self, policies: &Policies) -> Result<(), String> {
        method(&self.action).ok_or_else(|| format!("{} is no action: one is the name of an RPC", self.action))?;
        let caller = Known::by_token(self.principal.clone(), self.groups.clone());
        let mut saying = saying_nothing(&self.action).clone();
        for (name, value) in &self.context {
            if !saying.contains_key(name) {
                return Err(format!("{} says nothing called {name}", self.action));
            }
            saying.insert(name.clone(), value.clone());
        }
        let decision = policies.decide(&caller, &self.action, &self.thing()?, &saying);
        let (came, by) = match decision {
            Decision::Permitted { by, .. } => (Expected::Permitted, by),
            Decision::Denied { by } => (Expected::Denied, by),
            Decision::Broken { policies } => (Expected::Broken, policies),
        };
        let told = format!("is {came:?} by [{}]", by.join(", ")).to_lowercase();
        if came != self.expect {
            return Err(format!("{told}, and should be {:?}", self.expect).to_lowercase());
        }
        match &self.by {
            Some(expected) if *expected != by => Err(format!("{told}, and should be by [{}]", expected.join(", "))),
            Some(_) | None => Ok(()),
        }
    }

    fn thing(&self) -> Result<Thing, String> {
        let noun = NOUNS.into_iter().find(|noun| entity_type(*noun) == Some(self.thing.as_str()));
        let noun = noun.ok_or_else(|| format!("{} is no type of things", self.thing))?;
        let facts = Facts {
            owner: self.owner.clone(),
            tags: self.tags.clone(),
            locked: self.locked,
            vault: self.vault.clone(),
            database: self.database.clone(),
            plan: self.plan.clone(),
            is_nameless: false,
        };
        let (account, region) = (self.account.clone(), self.region.clone());
        let id = if noun == Noun::Region { format!("{account}/{region}") } else { self.id.clone() };
        let name = id.rsplit([':', '/']).next().unwrap_or_default().to_owned();
        Ok(Thing { noun, account, region, id, name, facts })
    }
}

/// The method of an action.
pub(super) fn method(action: &str) -> Option<prost_reflect::MethodDescriptor> {
    let all = descriptors::methods().into_iter().chain(descriptors::streams());
    let mut named = all.filter(|path| path.rsplit('/').next() == Some(action));
    descriptors::method(&named.next()?).filter(|method| descriptors::action_group(method).is_some())
}

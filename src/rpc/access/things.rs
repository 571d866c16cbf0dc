//! What access policies decide about: the nouns of AWS Backup, with what is known of them.

use std::collections::BTreeMap;

use crate::domain::{Arn, ArnNoun};
pub(in crate::rpc) use crate::proto::Thing as Noun;

/// The sorts of things that policies know.
pub(in crate::rpc) const NOUNS: [Noun; 12] = [
    Noun::Region,
    Noun::Vault,
    Noun::Plan,
    Noun::Selection,
    Noun::Database,
    Noun::RecoveryPoint,
    Noun::Job,
    Noun::Role,
    Noun::Key,
    Noun::Topic,
    Noun::LegalHold,
    Noun::Incident,
];

/// A thing that a call touches, or that an answer tells of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::rpc) struct Thing {
    pub(in crate::rpc) noun: Noun,
    pub(in crate::rpc) account: String,
    pub(in crate::rpc) region: String,
    /// What policies name it by: an ARN, or the id or name of what has none.
    pub(in crate::rpc) id: String,
    /// What people call it.
    pub(in crate::rpc) name: String,
    pub(in crate::rpc) facts: Facts,
}

/// What is known of a thing beside its name. `None` is not known; what is known not to be there is blank.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::rpc) struct Facts {
    /// The value of the tag that names owners: its own, or of a job, a recovery point, a selection or an incident that of what it
    /// is about.
    pub(in crate::rpc) owner: Option<String>,
    pub(in crate::rpc) tags: Option<BTreeMap<String, String>>,
    pub(in crate::rpc) locked: Option<bool>,
    /// ARN of the vault that it is in.
    pub(in crate::rpc) vault: Option<String>,
    /// ARN of the database that it is about.
    pub(in crate::rpc) database: Option<String>,
    /// Id of the plan that it belongs to, or was made by.
    pub(in crate::rpc) plan: Option<String>,
    /// What people call it is not known: it was named by its id.
    pub(in crate::rpc) is_nameless: bool,
}

/// A fact that a policy can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::rpc) enum Fact {
    Owner,
    Tags,
    Locked,
    Vault,
    Database,
    Plan,
    /// Of most things it is part of what they are named by.
    Name,
}

impl Fact {
    pub(in crate::rpc) const ALL: [Self; 7] =
        [Self::Owner, Self::Tags, Self::Locked, Self::Vault, Self::Database, Self::Plan, Self::Name];

    /// The attribute by which policies read it; of the tags, none.
    pub(in crate::rpc) fn attribute(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Tags => "",
            Self::Locked => "locked",
            Self::Vault => "vault_name",
            Self::Database => "database",
            Self::Plan => "plan_id",
            Self::Name => "name",
        }
    }

    /// Those that things of this sort have.
    pub(in crate::rpc) fn of(noun: Noun) -> &'static [Self] {
        match noun {
            Noun::Vault => &[Self::Owner, Self::Tags, Self::Locked],
            Noun::Plan => &[Self::Owner, Self::Tags, Self::Name],
            Noun::Database => &[Self::Owner, Self::Tags],
            Noun::Selection => &[Self::Owner, Self::Plan],
            Noun::RecoveryPoint | Noun::Incident => &[Self::Owner, Self::Vault, Self::Database],
            Noun::Job => &[Self::Owner, Self::Vault, Self::Database, Self::Plan],
            Noun::Unspecified
            | Noun::Region
            | Noun::Role
            | Noun::Key
            | Noun::Topic
            | Noun::LegalHold
            | Noun::PlannedRestore
            | Noun::TaggedResource
            | Noun::Approval => &[],
        }
    }
}

impl Thing {
    /// The attributes that are texts and that it has, by the names that policies read them by.
    pub(in crate::rpc) fn texts(&self) -> Vec<(&'static str, &str)> {
        let Self { account, region, id, name, facts, .. } = self;
        // Vaults are read by their names.
        let vault = facts.vault.as_deref().map(|arn| arn.rsplit(':').next().unwrap_or_default());
        let facts = [
            (Fact::Owner, facts.owner.as_deref()),
            (Fact::Vault, vault),
            (Fact::Database, facts.database.as_deref()),
            (Fact::Plan, facts.plan.as_deref()),
        ];
        let known = facts.into_iter().filter_map(|(fact, value)| Some((fact.attribute(), value?)));
        let known = known.filter(|(_, value)| !value.is_empty());
        let own = [("account", account), ("region", region), ("id", id), ("name", name)];
        own.into_iter().map(|(name, value)| (name, value.as_str())).chain(known).collect()
    }
}

impl Facts {
    pub(in crate::rpc) fn knows(&self, fact: Fact) -> bool {
        match fact {
            Fact::Owner => self.owner.is_some(),
            Fact::Tags => self.tags.is_some(),
            Fact::Locked => self.locked.is_some(),
            Fact::Vault => self.vault.is_some(),
            Fact::Database => self.database.is_some(),
            Fact::Plan => self.plan.is_some(),
            Fact::Name => !self.is_nameless,
        }
    }

    /// What is known of a thing with these tags, whose owner one of them names.
    pub(in crate::rpc) fn tagged(tags: BTreeMap<String, String>, owner_tag: &str) -> Self {
        let owner = Some(tags.get(owner_tag).cloned().unwrap_or_default());
        Self { owner, tags: Some(tags), ..Self::default() }
    }
}

/// The name that policies know a sort of things by.
pub(in crate::rpc) fn entity_type(noun: Noun) -> Option<&'static str> {
    Some(match noun {
        Noun::Region => "Region",
        Noun::Vault => "Vault",
        Noun::Plan => "Plan",
        Noun::Selection => "Selection",
        Noun::Database => "Database",
        Noun::RecoveryPoint => "RecoveryPoint",
        Noun::Job => "Job",
        Noun::Role => "Role",
        Noun::Key => "Key",
        Noun::Topic => "Topic",
        Noun::LegalHold => "LegalHold",
        Noun::Incident => "Incident",
        Noun::Unspecified | Noun::PlannedRestore | Noun::TaggedResource | Noun::Approval => return None,
    })
}

/// The sorts of things that a text can be the name of, where a field takes several.
pub(in crate::rpc) fn sorts(noun: Noun) -> Vec<Noun> {
    match noun {
        Noun::TaggedResource => vec![Noun::Database, Noun::Vault, Noun::Plan, Noun::RecoveryPoint],
        noun => vec![noun],
    }
}

/// Which of them it is, by its ARN; without one, what people name without.
pub(in crate::rpc) fn sort_of(noun: Noun, text: &str) -> Noun {
    match noun {
        Noun::TaggedResource => of_arn(text).filter(|of| sorts(noun).contains(of)).unwrap_or(Noun::Database),
        noun => noun,
    }
}

/// What a text is the ARN of, if it is one of something that policies know.
pub(in crate::rpc) fn of_arn(text: &str) -> Option<Noun> {
    match Arn::parse(text).ok()?.noun() {
        ArnNoun::Vault => Some(Noun::Vault),
        ArnNoun::Plan => Some(Noun::Plan),
        ArnNoun::RecoveryPoint => Some(Noun::RecoveryPoint),
        ArnNoun::DbInstance | ArnNoun::DbCluster | ArnNoun::Resource(_) => Some(Noun::Database),
        ArnNoun::Role => Some(Noun::Role),
        ArnNoun::Key => Some(Noun::Key),
        ArnNoun::Topic => Some(Noun::Topic),
        ArnNoun::Other | ArnNoun::Unknown => None,
    }
}

/// The action by which a thing of this sort is read: who may not do that, to them it is not there.
pub(in crate::rpc) fn reading(noun: Noun) -> Option<&'static str> {
    Some(match noun {
        Noun::Vault => "GetVault",
        Noun::Plan => "GetPlan",
        Noun::Selection => "GetSelection",
        Noun::Database => "GetResource",
        Noun::RecoveryPoint => "GetRecoveryPoint",
        Noun::Job => "GetJob",
        Noun::LegalHold => "GetLegalHold",
        Noun::Incident => "ListIncidents",
        // Their names tell nothing: who calls has them from elsewhere.
        Noun::Region
        | Noun::Role
        | Noun::Key
        | Noun::Topic
        | Noun::Unspecified
        | Noun::PlannedRestore
        | Noun::TaggedResource
        | Noun::Approval => return None,
    })
}

//! What policies can speak of: entity types of the nouns, and an action for each RPC, made of the descriptors.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::LazyLock,
};

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor};

use crate::{
    proto::{ActionGroup, descriptors},
    rpc::access::things::{Fact, NOUNS, Noun, entity_type, reading, sorts},
};

/// The namespace of all names.
pub(in crate::rpc::access) const NAMESPACE: &str = "Strongroom";

/// What policies name as what calls, and what they are members of.
pub(in crate::rpc::access) const USER: &str = "User";
pub(in crate::rpc::access) const GROUP: &str = "Group";
pub(in crate::rpc::access) const ACCOUNT: &str = "Account";

/// The actions of which only a read tells whether something is kept for a shorter time by them, and the name by which policies ask
/// for that.
pub(in crate::rpc::access) const SHORTENING: [&str; 2] = ["UpdatePlan", "UpdateRecoveryPointLifecycle"];
pub(in crate::rpc::access) const SHORTENS: &str = "shortens_retention";

/// The groups of actions.
const GROUPS: [ActionGroup; 4] =
    [ActionGroup::Read, ActionGroup::Operate, ActionGroup::Administer, ActionGroup::Destroy];

/// The schema in Cedar's own language, as `docs/samples/policies` has it.
pub(in crate::rpc::access) fn text() -> String {
    let mut text = String::from(HEAD);
    _ = writeln!(text, "namespace {NAMESPACE} {{");
    text.push_str(CALLERS);
    for noun in NOUNS {
        entity(&mut text, noun);
    }
    for group in GROUPS {
        _ = writeln!(text, "  action \"{}\";", group_name(group));
    }
    for (name, action) in actions() {
        let group = action.group.map(|group| format!(" in [\"{}\"]", group_name(group))).unwrap_or_default();
        let nouns: Vec<&str> = action.nouns.iter().filter_map(|noun| entity_type(*noun)).collect();
        _ = writeln!(text, "  action \"{name}\"{group} appliesTo {{");
        _ = writeln!(text, "    principal: [{USER}],");
        _ = writeln!(text, "    resource: [{}],", nouns.join(", "));
        let context: Vec<String> =
            action.context.iter().map(|(name, of)| format!("\"{name}\": {}", of.cedar())).collect();
        _ = writeln!(text, "    context: {{{}}},", context.join(", "));
        text.push_str("  };\n");
    }
    text.push_str("}\n");
    text
}

const HEAD: &str =
    "// What access policies can speak of. Made by `strongroom access schema` of the API's own descriptors.\n";

const CALLERS: &str = "  entity Group;
  entity User in [Group] {
    \"authentication\": String,
    \"certificate\"?: String,
    \"issuer\"?: String,
    \"name\": String,
  };
  entity Account;
";

/// The word by which policies name a group of actions.
pub(in crate::rpc::access) fn group_name(group: ActionGroup) -> &'static str {
    match group {
        ActionGroup::Unspecified => "",
        ActionGroup::Read => "read",
        ActionGroup::Operate => "operate",
        ActionGroup::Administer => "administer",
        ActionGroup::Destroy => "destroy",
    }
}

fn entity(text: &mut String, noun: Noun) {
    let Some(name) = entity_type(noun) else { return };
    let parents: &[&str] = match noun {
        Noun::Region => &["Account"],
        Noun::Selection => &["Region", "Plan"],
        Noun::RecoveryPoint | Noun::Incident => &["Region", "Vault", "Database"],
        Noun::Job => &["Region", "Vault", "Database", "Plan"],
        _ => &["Region"],
    };
    _ = writeln!(text, "  entity {name} in [{}] {{", parents.join(", "));
    for attribute in ["account", "id", "name", "region"] {
        _ = writeln!(text, "    \"{attribute}\": String,");
    }
    let facts = Fact::of(noun);
    for fact in facts {
        _ = match fact {
            Fact::Tags | Fact::Name => Ok(()),
            Fact::Locked => writeln!(text, "    \"{}\": Bool,", fact.attribute()),
            Fact::Owner | Fact::Vault | Fact::Database | Fact::Plan => {
                writeln!(text, "    \"{}\"?: String,", fact.attribute())
            }
        };
    }
    text.push_str(if facts.contains(&Fact::Tags) { "  } tags String;\n" } else { "  };\n" });
}

/// The word of the group that an action is of.
pub(super) fn group_of(action: &str) -> Option<&'static str> {
    static GROUPS_OF: LazyLock<BTreeMap<String, &'static str>> = LazyLock::new(|| {
        let of = |(name, action): (String, Action)| Some((name, group_name(action.group?)));
        actions().into_iter().filter_map(of).collect()
    });
    GROUPS_OF.get(action).copied()
}

/// What an RPC is to policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::rpc::access) struct Action {
    pub(in crate::rpc::access) group: Option<ActionGroup>,
    /// What it is decided on.
    pub(in crate::rpc::access) nouns: BTreeSet<Noun>,
    /// What its request says besides, by the names of its fields.
    pub(in crate::rpc::access) context: BTreeMap<String, Said>,
}

/// What a field of a request says, in the types of policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rpc::access) enum Said {
    Bool,
    Number,
    /// The name of a value of an enum, without the prefix of all of them.
    Word,
    /// A number that can be left out.
    MaybeNumber,
    /// A yes or no that can be left out.
    MaybeBool,
}

impl Said {
    fn cedar(self) -> &'static str {
        match self {
            Self::Bool => "Bool",
            Self::Number => "Long",
            Self::Word => "String",
            // An attribute that may be absent is marked at its name; these are told as records instead, so that one form does.
            Self::MaybeNumber => "{\"value\"?: Long}",
            Self::MaybeBool => "{\"value\"?: Bool}",
        }
    }

    /// What is told of a field; nothing of those that are not told.
    pub(in crate::rpc::access) fn of(field: &FieldDescriptor) -> Option<Self> {
        if field.is_list() || field.is_map() || field.containing_oneof().is_some_and(|oneof| !oneof.is_synthetic()) {
            return None;
        }
        let optional = field.supports_presence();
        match field.kind() {
            Kind::Bool if optional => Some(Self::MaybeBool),
            Kind::Bool => Some(Self::Bool),
            Kind::Int32 | Kind::Int64 if optional => Some(Self::MaybeNumber),
            Kind::Int32 | Kind::Int64 => Some(Self::Number),
            Kind::Enum(_) => Some(Self::Word),
            _ => None,
        }
    }
}

/// Every RPC that policies decide on, by its name: no two services have one of the same name.
pub(in crate::rpc::access) fn actions() -> BTreeMap<String, Action> {
    let all = descriptors::methods().into_iter().chain(descriptors::streams());
    let mut actions: BTreeMap<String, Action> = all
        .filter_map(|path| descriptors::method(&path))
        .filter(|method| descriptors::action_group(method).is_some())
        .map(|method| (method.name().to_owned(), Action::of(&method)))
        .collect();
    // Things are looked for, and left out of answers, by the action that reads one.
    for noun in NOUNS {
        if let Some(action) = reading(noun).and_then(|name| actions.get_mut(name)) {
            action.nouns.insert(noun);
        }
    }
    actions
}

impl Action {
    fn of(method: &MethodDescriptor) -> Self {
        let input = method.input();
        let mut nouns = BTreeSet::new();
        named_in(&input, &mut nouns, 0);
        // What stands for a request is decided on what that names.
        for (noun, whole) in [(Noun::PlannedRestore, "PlanRestoreRequest"), (Noun::Approval, "ApprovableRequest")] {
            if nouns.remove(&noun)
                && let Some(whole) = descriptors::message(whole)
            {
                named_in(&whole, &mut nouns, 0);
            }
        }
        if !is_surely_about_something(&input) {
            nouns.insert(Noun::Region);
        }
        let shortens = SHORTENING.contains(&method.name()).then(|| (SHORTENS.to_owned(), Said::Bool));
        let context = input.fields().filter_map(|field| Some((field.name().to_owned(), Said::of(&field)?)));
        Self { group: descriptors::action_group(method), nouns, context: context.chain(shortens).collect() }
    }
}

/// The sorts of things that a message can name, or make.
fn named_in(message: &MessageDescriptor, nouns: &mut BTreeSet<Noun>, depth: usize) {
    /// No message of the API is in itself; nesting has an end all the same.
    const DEEPEST: usize = 8;
    for field in message.fields() {
        let named = descriptors::names(&field).into_iter().chain(descriptors::makes(&field));
        nouns.extend(named.flat_map(sorts));
        if let Kind::Message(inner) = field.kind()
            && depth < DEEPEST
        {
            named_in(&inner, nouns, depth + 1);
        }
    }
}

/// Whether no request can leave out what it names: a filled request is then never about its region alone.
fn is_surely_about_something(input: &MessageDescriptor) -> bool {
    input.fields().any(|field| {
        let names = descriptors::names(&field).is_some() || descriptors::makes(&field).is_some();
        names && descriptors::is_required(&field)
    })
}

//! Which resource types AWS Backup may protect in a region, and the organization's settings.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    announcements, error,
    json::Epoch,
    rest::{RestReply, RestRequest},
    routes::{Route, route},
};
use crate::{
    call::{AwsError, Call},
    config::{Behaviour, RESOURCE_TYPES},
    world::World,
};

/// What this file serves.
pub const ROUTES: &[Route] = &[
    route("GET", "supported-resource-types", "GetSupportedResourceTypes", supported_resource_types),
    route("GET", "account-settings", "DescribeRegionSettings", describe_region),
    route("PUT", "account-settings", "UpdateRegionSettings", update_region),
    route("GET", "global-settings", "DescribeGlobalSettings", describe_global),
    route("PUT", "global-settings", "UpdateGlobalSettings", update_global),
];

/// The types AWS Backup can manage fully when it is allowed to `[M]`.
const MANAGEABLE: [&str; 2] = ["DynamoDB", "EFS"];

const GLOBAL_KEYS: [&str; 3] = ["isCrossAccountBackupEnabled", "isDelegatedAdministratorEnabled", "isMpaEnabled"];

/// The region's preferences; what was never set has its default.
#[derive(Debug, Default)]
pub struct RegionSettings {
    opt_in: BTreeMap<String, bool>,
    management: BTreeMap<String, bool>,
}

impl RegionSettings {
    /// Whether selections by tag take resources of this type along (docs/aws-backup-semantics.md, section 8.4).
    pub fn opted_in(&self, resource_type: &str, behaviour: &Behaviour) -> bool {
        let default = || behaviour.opt_in.get(resource_type).copied().unwrap_or(true);
        self.opt_in.get(resource_type).copied().unwrap_or_else(default)
    }
}

/// AWS Backup's settings of an organization.
#[derive(Debug, Default)]
pub struct GlobalSettings {
    values: BTreeMap<String, String>,
    updated: Option<Timestamp>,
}

impl GlobalSettings {
    /// Whether the organization lets its accounts copy into each other's vaults; off until it is switched on `[D]`.
    pub fn cross_account_backup(&self) -> bool {
        self.values.get("isCrossAccountBackupEnabled").is_some_and(|value| value == "true")
    }
}

fn supported_resource_types(_: &mut World, _: &Call, _: &RestRequest) -> Result<RestReply, AwsError> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Output {
        resource_types: [&'static str; 17],
    }
    Ok(RestReply::json(&Output { resource_types: RESOURCE_TYPES }))
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Preferences {
    resource_type_opt_in_preference: Option<BTreeMap<String, bool>>,
    resource_type_management_preference: Option<BTreeMap<String, bool>>,
}

fn describe_region(world: &mut World, call: &Call, _: &RestRequest) -> Result<RestReply, AwsError> {
    let settings = &call.region(world).backup.settings;
    let opt_in = RESOURCE_TYPES.map(|name| (name.to_owned(), settings.opted_in(name, &call.behaviour)));
    let management = MANAGEABLE.map(|name| (name.to_owned(), settings.management.get(name).copied().unwrap_or(false)));
    Ok(RestReply::json(&Preferences {
        resource_type_opt_in_preference: Some(opt_in.into()),
        resource_type_management_preference: Some(management.into()),
    }))
}

/// Merges the given keys into the settings `[M][X]`.
fn update_region(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let input: Preferences = request.body()?;
    let opt_in = input.resource_type_opt_in_preference.unwrap_or_default();
    let management = input.resource_type_management_preference.unwrap_or_default();
    let unknown = |given: &BTreeMap<String, bool>, known: &[&str]| -> Vec<String> {
        given.keys().filter(|name| !known.contains(&name.as_str())).map(|name| abbreviated(name)).collect()
    };
    let mut wrong = unknown(&opt_in, &RESOURCE_TYPES);
    wrong.extend(unknown(&management, &MANAGEABLE));
    if !wrong.is_empty() {
        return Err(error::invalid_parameter(format!("Unsupported resource types: {}", wrong.join(", "))));
    }
    let settings = &mut call.region(world).backup.settings;
    let changed = serde_json::to_value(&opt_in).unwrap_or_default();
    settings.opt_in.extend(opt_in);
    settings.management.extend(management);
    announcements::region_settings(call.region(world), call.now, &changed);
    Ok(RestReply::empty())
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Global {
    global_settings: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none", skip_deserializing)]
    last_update_time: Option<Epoch>,
}

fn describe_global(world: &mut World, call: &Call, _: &RestRequest) -> Result<RestReply, AwsError> {
    in_organization(call)?;
    let settings = &call.account(world).global_settings;
    let value = |key: &str| settings.values.get(key).cloned().unwrap_or_else(|| "false".to_owned());
    let values = GLOBAL_KEYS.map(|key| (key.to_owned(), value(key)));
    let last_update_time = settings.updated.map(Epoch);
    Ok(RestReply::json(&Global { global_settings: Some(values.into()), last_update_time }))
}

fn update_global(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    in_organization(call)?;
    let given = request.body::<Global>()?.global_settings.unwrap_or_default();
    let wrong: Vec<String> = given
        .iter()
        .filter(|(key, value)| !GLOBAL_KEYS.contains(&key.as_str()) || !["true", "false"].contains(&value.as_str()))
        .map(|(key, value)| format!("{}={}", abbreviated(key), abbreviated(value)))
        .collect();
    if !wrong.is_empty() {
        return Err(error::invalid_parameter(format!("Unsupported global settings: {}", wrong.join(", "))));
    }
    let settings = &mut call.account(world).global_settings;
    settings.values.extend(given);
    settings.updated = Some(call.now);
    Ok(RestReply::empty())
}

/// Outside an organization these operations are refused `[M]`.
fn in_organization(call: &Call) -> Result<(), AwsError> {
    if call.behaviour.switches.organization {
        return Ok(());
    }
    Err(error::invalid_request("Your account is not a member of an organization."))
}

/// A caller's text as an error message repeats it.
fn abbreviated(text: &str) -> String {
    text.chars().take(64).collect()
}

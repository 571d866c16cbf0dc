//! Built-in plans, and plans as signed documents.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::document::{DEFAULT_COMPLETION_WINDOW, DEFAULT_START_WINDOW, Document, PlanInput, Rule};
use super::{operations, validate};
use crate::backup::error;
use crate::backup::lifecycle::Lifecycle;
use crate::backup::page::Page;
use crate::backup::rest::{RestReply, RestRequest};
use crate::backup::schedule::DEFAULT_TIMEZONE;
use crate::call::{AwsError, Call};
use crate::world::World;

/// A built-in plan. The ids are this sandbox's own `[U]`; names and the daily rule are AWS's.
#[derive(Debug)]
struct Template {
    id: &'static str,
    name: &'static str,
    rules: &'static [TemplateRule],
}

#[derive(Debug)]
struct TemplateRule {
    name: &'static str,
    schedule: &'static str,
    cold_after: Option<i64>,
    delete_after: i64,
}

const DAILY: TemplateRule =
    TemplateRule { name: "DailyBackups", schedule: "cron(0 5 ? * * *)", cold_after: None, delete_after: 35 };
const WEEKLY: TemplateRule =
    TemplateRule { name: "WeeklyBackups", schedule: "cron(0 5 ? * 7 *)", cold_after: None, delete_after: 90 };

const fn monthly(cold_after: Option<i64>, years: i64) -> TemplateRule {
    TemplateRule { name: "MonthlyBackups", schedule: "cron(0 5 1 * ? *)", cold_after, delete_after: 365 * years }
}

const TEMPLATES: &[Template] = &[
    Template { id: "1c9f3a52-6f0e-4b4f-9d57-0a3b1f2a7e01", name: "Daily-35day-Retention", rules: &[DAILY] },
    Template {
        id: "2d8e4b63-7a1f-4c50-8e68-1b4c203b8f02",
        name: "Daily-Monthly-1yr-Retention",
        rules: &[DAILY, monthly(None, 1)],
    },
    Template {
        id: "3e7d5c74-8b20-4d61-9f79-2c5d314c9003",
        name: "Daily-Weekly-Monthly-5yr-Retention",
        rules: &[DAILY, WEEKLY, monthly(Some(90), 5)],
    },
    Template {
        id: "4f6c6d85-9c31-4e72-a08a-3d6e425da104",
        name: "Daily-Weekly-Monthly-7yr-Retention",
        rules: &[DAILY, WEEKLY, monthly(Some(90), 7)],
    },
];

impl Template {
    fn document(&self) -> Document {
        Document {
            name: self.name.to_owned(),
            rules: self.rules.iter().map(TemplateRule::rule).collect(),
            advanced_backup_settings: Vec::new(),
            scan_settings: Vec::new(),
        }
    }
}

impl TemplateRule {
    fn rule(&self) -> Rule {
        let lifecycle = Lifecycle {
            move_to_cold_storage_after_days: self.cold_after,
            delete_after_days: Some(self.delete_after),
            ..Lifecycle::default()
        };
        Rule {
            id: String::new(),
            name: self.name.to_owned(),
            vault_name: "Default".to_owned(),
            target_logically_air_gapped_backup_vault_arn: None,
            schedule_expression: self.schedule.to_owned(),
            schedule_expression_timezone: DEFAULT_TIMEZONE.to_owned(),
            start_window_minutes: DEFAULT_START_WINDOW,
            completion_window_minutes: DEFAULT_COMPLETION_WINDOW,
            lifecycle: Some(lifecycle),
            recovery_point_tags: None,
            copy_actions: None,
            enable_continuous_backup: None,
            index_actions: None,
            scan_actions: None,
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListOutput {
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
    backup_plan_templates_list: Vec<BTreeMap<&'static str, &'static str>>,
}

/// ListBackupPlanTemplates.
pub(super) fn list(_: &mut World, _: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let (templates, next_token) =
        Page::of(request)?.take(TEMPLATES.iter().map(|template| (template.name.to_owned(), template)));
    let member = |template: &Template| {
        BTreeMap::from([("BackupPlanTemplateId", template.id), ("BackupPlanTemplateName", template.name)])
    };
    let backup_plan_templates_list = templates.into_iter().map(member).collect();
    Ok(RestReply::json(&ListOutput { next_token, backup_plan_templates_list }))
}

/// GetBackupPlanFromTemplate.
pub(super) fn get(_: &mut World, _: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Output {
        backup_plan_document: Document,
    }
    let wanted = request.path("templateId");
    let template = TEMPLATES.iter().find(|template| template.id == wanted);
    let template = template.ok_or_else(|| error::not_found("Cannot find the backup plan template"))?;
    Ok(RestReply::json(&Output { backup_plan_document: template.document() }))
}

/// ExportBackupPlanTemplate: the current version as a signed document.
pub(super) fn export(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Output {
        backup_plan_template_json: String,
    }
    let plan = operations::find(&call.region(world).backup.plans, request)?;
    let mut document = plan.current().document.clone();
    for rule in &mut document.rules {
        rule.id.clear();
    }
    let settings = &document.advanced_backup_settings;
    // Serializing strings, numbers and string maps can't fail.
    let mut content = serde_json::to_value(&document).unwrap_or_default();
    if let Some(members) = content.as_object_mut().filter(|_| !settings.is_empty()) {
        members.insert("AdvancedBackupSettings".to_owned(), serde_json::to_value(settings).unwrap_or_default());
    }
    let signature = signature(&content);
    let backup_plan_template_json = serde_json::json!({ "BackupPlan": content, "Signature": signature }).to_string();
    Ok(RestReply::json(&Output { backup_plan_template_json }))
}

/// GetBackupPlanFromJSON: takes only what [`export`] made, unedited `[M]`.
pub(super) fn from_json(_: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Input {
        backup_plan_template_json: Option<String>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Signed {
        backup_plan: Value,
        signature: String,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Output {
        backup_plan: Document,
    }
    let text = request.body::<Input>()?.backup_plan_template_json;
    let text = text.ok_or_else(|| error::missing_parameter("BackupPlanTemplateJson"))?;
    let signed: Signed = serde_json::from_str(&text).map_err(|fault| {
        error::invalid_parameter(format!(
            "BackupPlanTemplateJson is not a document of ExportBackupPlanTemplate: {fault}"
        ))
    })?;
    if signature(&signed.backup_plan) != signed.signature {
        return Err(error::invalid_parameter(
            "The signature does not match: a document of ExportBackupPlanTemplate must not be edited",
        ));
    }
    let input: PlanInput = serde_json::from_value(signed.backup_plan)
        .map_err(|fault| error::invalid_parameter(format!("BackupPlanTemplateJson holds no plan: {fault}")))?;
    let valid = validate::validate(input, &call.behaviour, call.now)?;
    Ok(RestReply::json(&Output { backup_plan: valid.document }))
}

/// A checksum against edits, as clients can't tell it from a signature; it protects nothing.
fn signature(content: &Value) -> String {
    // Maps of serde_json are sorted, so that the same content has one text.
    BASE64_STANDARD.encode(Sha256::digest(format!("strongroom-sandbox plan template {content}")))
}

//! Plans and their rules.

use super::{reader::Reader, timestamp};
use crate::{
    domain::{
        AdvancedSetting, Arn, AskedScope, CopyAction, Fault, Invalid, MOST_COPIES, MOST_RECOVERY_POINT_TAGS, NewPlan,
        NewRule, Noted, PageRequest, Plan, PlanContent, PlanName, PlanRef, PlanUpdate, Rule, RuleName, Schedule, Scope,
        Tags, TimeZone, Timetable, Windows, check_rule_names, check_setting_word,
    },
    proto,
    rpc::page_token::Query,
};

pub(in crate::rpc) fn create(request: proto::CreatePlanRequest) -> Result<(AskedScope, NewPlan, bool), Invalid> {
    let proto::CreatePlanRequest { scope, name, rules, tags, advanced_backup_settings, request_id, validate_only } =
        request;
    let mut read = Reader::new(scope);
    let name = read.note("name", PlanName::parse(&name));
    let rules = read.rules("rules", rules);
    let tags = read.tags("tags", tags, Tags::most());
    let settings = read.settings("advanced_backup_settings", advanced_backup_settings);
    let request_id = read.request_id(&request_id);
    read.conclude(|scope| {
        let new = NewPlan { name: name?, rules: rules?, tags: tags?, settings: settings?, request_id: request_id? };
        Ok((scope, new, validate_only))
    })
}

pub(in crate::rpc) fn get(request: proto::GetPlanRequest) -> Result<(AskedScope, PlanRef, Option<String>), Invalid> {
    let proto::GetPlanRequest { scope, plan, etag } = request;
    let mut read = Reader::new(scope);
    let plan = read.plan("plan", &plan);
    let etag = read.etag("etag", etag);
    read.conclude(|scope| Ok((scope, plan?, etag?)))
}

pub(in crate::rpc) fn list(
    mut request: proto::ListPlansRequest,
) -> Result<(AskedScope, PageRequest, Query, bool), Invalid> {
    let (size, token) = (std::mem::take(&mut request.page_size), std::mem::take(&mut request.page_token));
    let mut read = Reader::new(request.scope.clone());
    let page = read.page("ListPlans", &request, size, &token);
    read.conclude(|scope| {
        let (page, query) = page?;
        Ok((scope, page, query, request.show_deleted))
    })
}

pub(in crate::rpc) fn update(request: proto::UpdatePlanRequest) -> Result<(AskedScope, PlanUpdate), Invalid> {
    let proto::UpdatePlanRequest {
        scope,
        plan,
        name,
        rules,
        advanced_backup_settings,
        etag,
        request_id,
        validate_only,
    } = request;
    let mut read = Reader::new(scope);
    let plan = read.plan("plan", &plan);
    let name = match name.as_str() {
        "" => Ok(None),
        name => read.note("name", PlanName::parse(name)).map(Some),
    };
    let rules = read.rules("rules", rules);
    let settings = read.settings("advanced_backup_settings", advanced_backup_settings);
    let etag = read.etag("etag", etag);
    let request_id = read.request_id(&request_id);
    read.conclude(|scope| {
        request_id?;
        let update =
            PlanUpdate { plan: plan?, name: name?, rules: rules?, settings: settings?, etag: etag?, validate_only };
        Ok((scope, update))
    })
}

pub(in crate::rpc) fn delete(request: proto::DeletePlanRequest) -> Result<(AskedScope, PlanRef, bool), Invalid> {
    let proto::DeletePlanRequest { scope, plan, request_id, allow_missing } = request;
    let mut read = Reader::new(scope);
    let plan = read.plan("plan", &plan);
    let request_id = read.request_id(&request_id);
    read.conclude(|scope| {
        request_id?;
        Ok((scope, plan?, allow_missing))
    })
}

impl Reader {
    /// A plan by id, ARN or name.
    pub(in crate::rpc) fn plan(&mut self, field: &str, text: &str) -> Result<PlanRef, Noted> {
        let (plan, scope) = self.note(field, PlanRef::parse(text))?;
        self.within(field, scope)?;
        Ok(plan)
    }

    /// A version of a plan; blank: whichever is current.
    fn etag(&mut self, field: &str, text: String) -> Result<Option<String>, Noted> {
        let version = text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_graphic());
        match text.is_empty() {
            true => Ok(None),
            false if version => Ok(Some(text)),
            false => Err(self.fault(field, "is not an etag of this server: give the etag of a plan, unchanged")),
        }
    }

    fn rules(&mut self, field: &str, rules: Vec<proto::Rule>) -> Result<Vec<NewRule>, Noted> {
        let names: Vec<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
        let named = self.note_all(field, check_rule_names(&names));
        // Of rules too many, the first ones are told their faults; the rest would drown them.
        let read = rules.into_iter().take(crate::domain::MOST_RULES).enumerate();
        let rules: Vec<_> = read.map(|(index, rule)| self.rule(&format!("{field}[{index}]"), rule)).collect();
        named?;
        rules.into_iter().collect()
    }

    fn rule(&mut self, field: &str, rule: proto::Rule) -> Result<NewRule, Noted> {
        let proto::Rule {
            name,
            id: _,
            target_vault,
            schedule,
            schedule_timezone,
            start_window_minutes,
            completion_window_minutes,
            lifecycle,
            recovery_point_tags,
            copy_actions,
            enable_continuous_backup,
        } = rule;
        let at = |member: &str| format!("{field}.{member}");
        let name = self.note(&at("name"), RuleName::parse(&name));
        let target_vault = self.vault(&at("target_vault"), &target_vault);
        let schedule = self.note(&at("schedule"), Schedule::parse(&schedule));
        let zone = self.note(&at("schedule_timezone"), TimeZone::parse(&schedule_timezone));
        let windows = self.windows(field, start_window_minutes, completion_window_minutes);
        let lifecycle = self.lifecycle(&at("lifecycle"), lifecycle);
        let tags = self.tags(&at("recovery_point_tags"), recovery_point_tags, MOST_RECOVERY_POINT_TAGS);
        let copies = self.copies(&at("copy_actions"), copy_actions);
        let continuous = lifecycle.and_then(|lifecycle| {
            let checked = NewRule::check_continuous(enable_continuous_backup, lifecycle);
            self.note(&at("enable_continuous_backup"), checked)
        });
        Ok(NewRule {
            name: name?,
            target_vault: target_vault?,
            timetable: Timetable { schedule: schedule?, zone: zone? },
            windows: windows?,
            lifecycle: lifecycle?,
            recovery_point_tags: tags?,
            copies: copies?,
            continuous: continuous?,
        })
    }

    fn windows(&mut self, field: &str, start: Option<i32>, completion: Option<i32>) -> Result<Windows, Noted> {
        let start = start.map_or(Ok(Windows::DEFAULT.start_minutes), |minutes| {
            self.note(&format!("{field}.start_window_minutes"), Windows::parse_start(minutes))
        });
        // Of a start window with a fault the default stands in, so that the other's fault is told too.
        let after = start.unwrap_or(60);
        let completion = completion.map_or(Windows::DEFAULT.completion_minutes, i64::from);
        let completion =
            self.note(&format!("{field}.completion_window_minutes"), Windows::check_completion(completion, after));
        Ok(Windows { start_minutes: start?, completion_minutes: completion? })
    }

    fn copies(&mut self, field: &str, copies: Vec<proto::CopyAction>) -> Result<Vec<CopyAction>, Noted> {
        if copies.len() > MOST_COPIES {
            return Err(self.fault(field, format!("has {} copies: at most {MOST_COPIES} are possible", copies.len())));
        }
        let copies: Vec<_> = copies
            .into_iter()
            .enumerate()
            .map(|(index, proto::CopyAction { destination_vault_arn, lifecycle })| {
                let vault =
                    self.note(&format!("{field}[{index}].destination_vault_arn"), vault_arn(&destination_vault_arn));
                let at = format!("{field}[{index}].lifecycle");
                let lifecycle = lifecycle.map(|lifecycle| self.lifecycle(&at, Some(lifecycle))).transpose();
                Ok(CopyAction { vault_arn: vault?, lifecycle: lifecycle? })
            })
            .collect();
        copies.into_iter().collect()
    }

    fn settings(
        &mut self,
        field: &str,
        settings: Vec<proto::AdvancedBackupSetting>,
    ) -> Result<Vec<AdvancedSetting>, Noted> {
        let mut read: Vec<AdvancedSetting> = Vec::new();
        let mut noted = Ok(());
        for (index, setting) in settings.into_iter().enumerate() {
            let proto::AdvancedBackupSetting { resource_type, options } = setting;
            let at = |member: &str| format!("{field}[{index}].{member}");
            let mut note = |field: &str, checked| noted = noted.and(self.note(field, checked));
            note(&at("resource_type"), check_setting_word(&resource_type));
            if read.iter().any(|earlier| earlier.resource_type == resource_type) {
                note(&at("resource_type"), Err("is the type of an earlier setting: put all options into one".into()));
            }
            if options.is_empty() {
                note(&at("options"), Err("is required: give an option, such as WindowsVSS = enabled".into()));
            }
            for (option, value) in &options {
                note(&at("options"), check_setting_word(option).and_then(|()| check_setting_word(value)));
            }
            read.push(AdvancedSetting { resource_type, options });
        }
        noted.map(|()| read)
    }
}

/// The ARN of the vault that a copy goes to. Another region and account is the point of it, so its scope is not the plan's.
fn vault_arn(text: &str) -> Result<String, Fault> {
    let arn = Arn::parse(text)?;
    if arn.service() == "backup" && arn.resource_of_kind("backup-vault").is_some() {
        return Ok(text.to_owned());
    }
    Err(format!("{arn} is not a vault's ARN: one has the form arn:aws:backup:REGION:ACCOUNT:backup-vault:NAME").into())
}

/// The plan that a CreatePlan with validate_only would make. AWS gives ids, version and times.
pub(in crate::rpc) fn planned(new: NewPlan, scope: Scope) -> proto::Plan {
    let PlanContent { name, rules, settings } = new.content();
    proto::Plan {
        name,
        scope: Some(scope.into()),
        rules: rules.into_iter().map(Into::into).collect(),
        tags: new.tags.0,
        request_id: new.request_id.as_str().to_owned(),
        advanced_backup_settings: settings.into_iter().map(Into::into).collect(),
        ..proto::Plan::default()
    }
}

impl From<Plan> for proto::Plan {
    fn from(plan: Plan) -> Self {
        Self {
            id: plan.id,
            arn: plan.arn,
            name: plan.content.name,
            scope: Some(plan.scope.into()),
            etag: plan.etag,
            rules: plan.content.rules.into_iter().map(Into::into).collect(),
            create_time: plan.created_at.map(timestamp),
            last_run_time: plan.last_run_at.map(timestamp),
            delete_time: plan.deleted_at.map(timestamp),
            tags: plan.tags,
            request_id: plan.request_id,
            advanced_backup_settings: plan.content.settings.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Rule> for proto::Rule {
    fn from(rule: Rule) -> Self {
        // AWS keeps windows as 64 bits and refuses what is longer than 100 years.
        let minutes = |minutes: i64| Some(i32::try_from(minutes).unwrap_or(i32::MAX));
        Self {
            name: rule.name,
            id: rule.id,
            target_vault: rule.target_vault,
            schedule: rule.schedule,
            schedule_timezone: rule.zone,
            start_window_minutes: minutes(rule.windows.start_minutes),
            completion_window_minutes: minutes(rule.windows.completion_minutes),
            lifecycle: Some(rule.lifecycle.into()),
            recovery_point_tags: rule.recovery_point_tags,
            copy_actions: rule.copies.into_iter().map(Into::into).collect(),
            enable_continuous_backup: rule.continuous,
        }
    }
}

impl From<CopyAction> for proto::CopyAction {
    fn from(copy: CopyAction) -> Self {
        Self { destination_vault_arn: copy.vault_arn, lifecycle: copy.lifecycle.map(Into::into) }
    }
}

impl From<AdvancedSetting> for proto::AdvancedBackupSetting {
    fn from(setting: AdvancedSetting) -> Self {
        Self { resource_type: setting.resource_type, options: setting.options }
    }
}

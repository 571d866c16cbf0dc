//! Plans.

use super::{reader::Reader, timestamp};
use crate::{
    domain::{
        AdvancedSetting, Arn, AskedScope, Invalid, NewPlan, Noted, PageRequest, Plan, PlanContent, PlanName, PlanRef,
        PlanUpdate, ScanSetting, Scope, Tags, check_setting_word, quoted,
    },
    proto,
    rpc::page_token::Query,
};

pub(in crate::rpc) fn create(request: proto::CreatePlanRequest) -> Result<(AskedScope, NewPlan, bool), Invalid> {
    let proto::CreatePlanRequest {
        scope,
        name,
        rules,
        tags,
        advanced_backup_settings,
        request_id,
        validate_only,
        scan_settings,
    } = request;
    let mut read = Reader::new(scope);
    let name = read.note("name", PlanName::parse(&name));
    let rules = read.rules("rules", rules);
    let tags = read.tags("tags", tags, Tags::most());
    let settings = read.settings("advanced_backup_settings", advanced_backup_settings);
    let scans = read.scans("scan_settings", scan_settings);
    let request_id = read.request_id(&request_id);
    read.conclude(|scope| {
        let new = NewPlan {
            name: name?,
            rules: rules?,
            tags: tags?,
            settings: settings?,
            scans: scans?,
            request_id: request_id?,
        };
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

pub(in crate::rpc) fn versions(
    mut request: proto::ListPlanVersionsRequest,
) -> Result<(AskedScope, PlanRef, PageRequest, Query), Invalid> {
    let (size, token) = (std::mem::take(&mut request.page_size), std::mem::take(&mut request.page_token));
    let mut read = Reader::new(request.scope.clone());
    let plan = read.plan("plan", &request.plan);
    let page = read.page("ListPlanVersions", &request, size, &token);
    read.conclude(|scope| {
        let (page, query) = page?;
        Ok((scope, plan?, page, query))
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
        update_mask,
        scan_settings,
    } = request;
    let mut read = Reader::new(scope);
    let plan = read.plan("plan", &plan);
    let filled = [!name.is_empty(), !rules.is_empty(), !advanced_backup_settings.is_empty(), !scan_settings.is_empty()];
    let ([named, ruled, set, scanned], masked) = read.mask(update_mask, filled);
    let name = named.then(|| read.note("name", PlanName::parse(&name))).transpose();
    let rules = ruled.then(|| read.rules("rules", rules)).transpose();
    let settings = set.then(|| read.settings("advanced_backup_settings", advanced_backup_settings)).transpose();
    let scans = scanned.then(|| read.scans("scan_settings", scan_settings)).transpose();
    let etag = read.etag("etag", etag);
    let request_id = read.request_id(&request_id);
    read.conclude(|scope| {
        masked?;
        request_id?;
        let update = PlanUpdate {
            plan: plan?,
            name: name?,
            rules: rules?,
            settings: settings?,
            scans: scans?,
            etag: etag?,
            validate_only,
        };
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

/// What UpdatePlan can replace, as update_mask names it.
const REPLACED: [&str; 4] = ["name", "rules", "advanced_backup_settings", "scan_settings"];

impl Reader {
    /// Which of [`REPLACED`] are to be replaced; `filled` tells which the request brings something for.
    fn mask(&mut self, mask: Option<prost_types::FieldMask>, filled: [bool; 4]) -> ([bool; 4], Result<(), Noted>) {
        let Some(paths) = mask.map(|mask| mask.paths).filter(|paths| !paths.is_empty()) else {
            let [name, _, settings, scans] = filled;
            return ([name, true, settings, scans], Ok(()));
        };
        let mut noted = Ok(());
        for (index, path) in paths.iter().enumerate() {
            if !REPLACED.contains(&path.as_str()) {
                let fault = format!("{} is not what can be replaced: {}", quoted(path), REPLACED.join(", "));
                noted = Err(self.fault(&format!("update_mask.paths[{index}]"), fault));
            }
        }
        let wanted = REPLACED.map(|field| paths.iter().any(|path| path == field));
        for ((field, wanted), filled) in REPLACED.iter().zip(wanted).zip(filled) {
            if filled && !wanted {
                let fault =
                    "is set and update_mask does not name it: name it there, or leave it out to keep what there is";
                noted = Err(self.fault(field, fault));
            }
        }
        (wanted, noted)
    }

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

    fn scans(&mut self, field: &str, scans: Vec<proto::ScanSetting>) -> Result<Vec<ScanSetting>, Noted> {
        self.few(field, scans.len())?;
        let mut read: Vec<ScanSetting> = Vec::new();
        let mut noted = Ok(());
        for (index, scan) in scans.into_iter().enumerate() {
            let proto::ScanSetting { malware_scanner, resource_types, scanner_role_arn } = scan;
            let at = |member: &str| format!("{field}[{index}].{member}");
            noted = noted.and(self.word_or_blank(&at("malware_scanner"), &malware_scanner));
            if read.iter().any(|earlier| earlier.scanner == malware_scanner) {
                let fault = "is the scanner of an earlier setting: put all resource types into one";
                noted = Err(self.fault(&at("malware_scanner"), fault));
            }
            let resource_types = self.words(&at("resource_types"), resource_types);
            if !scanner_role_arn.is_empty() {
                noted = noted.and(self.role_arn(&at("scanner_role_arn"), &scanner_role_arn));
            }
            match resource_types {
                Ok(resource_types) => {
                    read.push(ScanSetting { scanner: malware_scanner, resource_types, role_arn: scanner_role_arn });
                }
                Err(fault) => noted = Err(fault),
            }
        }
        noted.map(|()| read)
    }

    fn role_arn(&mut self, field: &str, text: &str) -> Result<(), Noted> {
        self.role(field, text)?;
        if Arn::looks_like(text) {
            return Ok(());
        }
        Err(self.fault(field, "is not an ARN: one has the form arn:aws:iam::ACCOUNT:role/NAME"))
    }
}

/// The plan that a CreatePlan with validate_only would make. AWS gives ids, version and times.
pub(in crate::rpc) fn planned(new: NewPlan, scope: Scope) -> proto::Plan {
    let PlanContent { name, rules, settings, scans } = new.content();
    proto::Plan {
        name,
        scope: Some(scope.into()),
        rules: rules.into_iter().map(Into::into).collect(),
        tags: new.tags.0,
        request_id: new.request_id.as_str().to_owned(),
        advanced_backup_settings: settings.into_iter().map(Into::into).collect(),
        scan_settings: scans.into_iter().map(Into::into).collect(),
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
            scan_settings: plan.content.scans.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<AdvancedSetting> for proto::AdvancedBackupSetting {
    fn from(setting: AdvancedSetting) -> Self {
        Self { resource_type: setting.resource_type, options: setting.options }
    }
}

impl From<ScanSetting> for proto::ScanSetting {
    fn from(scan: ScanSetting) -> Self {
        Self { malware_scanner: scan.scanner, resource_types: scan.resource_types, scanner_role_arn: scan.role_arn }
    }
}

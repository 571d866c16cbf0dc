//! Plans.

use super::{reader::Reader, timestamp};
use crate::{
    domain::{
        AdvancedSetting, Asked, Bond, DeletePlan, GetPlan, Invalid, NewPlan, NewScanSetting, Noted, Plan, PlanFilter,
        PlanName, PlanRef, PlanUpdate, ResourceType, ScanSetting, Tags, check_setting_word, quoted,
    },
    proto,
    rpc::page_token::{ListOf, fits},
};

pub(in crate::rpc) fn create(request: proto::CreatePlanRequest) -> Result<Asked<NewPlan>, Invalid> {
    let proto::CreatePlanRequest {
        scope,
        name,
        rules,
        tags,
        advanced_backup_settings,
        scan_settings,
        request_id,
        validate_only,
    } = request;
    let mut read = Reader::change(scope, &request_id, validate_only);
    let name = read.note("name", PlanName::parse(&name));
    let rules = read.rules("rules", rules);
    let tags = read.tags("tags", tags, Tags::most());
    let settings = read.settings("advanced_backup_settings", advanced_backup_settings);
    let scans = read.scans("scan_settings", scan_settings);
    read.conclude(|| Ok(NewPlan { name: name?, rules: rules?, tags: tags?, settings: settings?, scans: scans? }))
}

pub(in crate::rpc) fn get(request: proto::GetPlanRequest) -> Result<Asked<GetPlan>, Invalid> {
    let proto::GetPlanRequest { scope, plan, etag } = request;
    let mut read = Reader::new(scope);
    let plan = read.plan("plan", &plan);
    let version = read.etag(etag);
    read.conclude(|| Ok(GetPlan { plan: plan?, version: version? }))
}

/// Most plans of a page that tells each of them whole: each costs several calls to AWS.
const MOST_WHOLE_PLANS: u16 = 50;

pub(in crate::rpc) fn list(mut request: proto::ListPlansRequest) -> Result<Asked<ListOf<PlanFilter>>, Invalid> {
    let (size, token) = (std::mem::take(&mut request.page_size), std::mem::take(&mut request.page_token));
    let mut read = Reader::new(request.scope.clone());
    let paged = read.page("ListPlans", &request, size, &token);
    let whole = match proto::PlanView::try_from(request.view) {
        Ok(proto::PlanView::Unspecified | proto::PlanView::Basic) => Ok(false),
        Ok(proto::PlanView::Full) => Ok(true),
        Err(_) => Err(read.fault(
            "view",
            format!("{} is not a PlanView: give PLAN_VIEW_BASIC or PLAN_VIEW_FULL, or leave it blank", request.view),
        )),
    };
    read.conclude(|| {
        let (mut paged, whole) = (paged?, whole?);
        if whole {
            paged.page.size = paged.page.size.min(MOST_WHOLE_PLANS);
        }
        Ok(ListOf { filter: PlanFilter { with_deleted: request.show_deleted, whole }, paged })
    })
}

/// The answer, with what clients take of a plan that is too large for them by itself: its selections, without the criteria
/// that make them so.
pub(in crate::rpc) fn fitting(mut answer: proto::ListPlansResponse) -> proto::ListPlansResponse {
    if !fits(&answer) {
        for selection in answer.plans.iter_mut().flat_map(|plan| &mut plan.selections) {
            selection.r#match = proto::Match::Unspecified.into();
            selection.conditions.clear();
            selection.any_conditions.clear();
            selection.resources.clear();
            selection.excluded_resources.clear();
            selection.etag.clear();
        }
    }
    answer
}

pub(in crate::rpc) fn versions(mut request: proto::ListPlanVersionsRequest) -> Result<Asked<ListOf<PlanRef>>, Invalid> {
    let (size, token) = (std::mem::take(&mut request.page_size), std::mem::take(&mut request.page_token));
    let mut read = Reader::new(request.scope.clone());
    let plan = read.plan("plan", &request.plan);
    let paged = read.page("ListPlanVersions", &request, size, &token);
    read.conclude(|| Ok(ListOf { filter: plan?, paged: paged? }))
}

pub(in crate::rpc) fn update(request: proto::UpdatePlanRequest) -> Result<Asked<PlanUpdate>, Invalid> {
    let proto::UpdatePlanRequest {
        scope,
        plan,
        name,
        rules,
        advanced_backup_settings,
        scan_settings,
        update_mask,
        etag,
        request_id,
        validate_only,
    } = request;
    let mut read = Reader::change(scope, &request_id, validate_only);
    let plan = read.plan("plan", &plan);
    let filled = [!name.is_empty(), !rules.is_empty(), !advanced_backup_settings.is_empty(), !scan_settings.is_empty()];
    let ([named, ruled, set, scanned], masked) = read.mask(update_mask, filled);
    let name = named.then(|| read.note("name", PlanName::parse(&name))).transpose();
    let rules = ruled.then(|| read.rules("rules", rules)).transpose();
    let settings = set.then(|| read.settings("advanced_backup_settings", advanced_backup_settings)).transpose();
    let scans = scanned.then(|| read.scans("scan_settings", scan_settings)).transpose();
    let etag = read.etag(etag);
    read.conclude(|| {
        masked?;
        Ok(PlanUpdate { plan: plan?, name: name?, rules: rules?, settings: settings?, scans: scans?, etag: etag? })
    })
}

pub(in crate::rpc) fn delete(request: proto::DeletePlanRequest) -> Result<Asked<DeletePlan>, Invalid> {
    let proto::DeletePlanRequest { scope, plan, etag, request_id, validate_only, allow_missing } = request;
    let mut read = Reader::change(scope, &request_id, validate_only);
    let plan = read.plan("plan", &plan);
    let etag = read.etag(etag);
    read.conclude(|| Ok(DeletePlan { plan: plan?, etag: etag?, allow_missing }))
}

/// What UpdatePlan can replace, as update_mask names it.
const REPLACED: [&str; 4] = ["name", "rules", "advanced_backup_settings", "scan_settings"];

impl Reader {
    /// Which of [`REPLACED`] are to be replaced; `filled` tells which the request brings something for: without a mask,
    /// those.
    fn mask(&mut self, mask: Option<prost_types::FieldMask>, filled: [bool; 4]) -> ([bool; 4], Result<(), Noted>) {
        let Some(paths) = mask.map(|mask| mask.paths).filter(|paths| !paths.is_empty()) else {
            let nothing = "names nothing, and the request brings nothing: give what is to be changed";
            let some = filled.contains(&true);
            return (filled, if some { Ok(()) } else { Err(self.fault("update_mask", nothing)) });
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
        let (plan, scope) = self.note_of(field, text, PlanRef::parse(text), Bond::Own)?;
        self.within(field, scope)?;
        Ok(plan)
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
            let word = check_setting_word(&resource_type).and_then(|()| ResourceType::check_letters(&resource_type));
            note(&at("resource_type"), word);
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

    fn scans(&mut self, field: &str, scans: Vec<proto::ScanSetting>) -> Result<Vec<NewScanSetting>, Noted> {
        self.few(field, scans.len())?;
        let (mut read, mut scanners) = (Vec::new(), Vec::new());
        let mut noted = Ok(());
        for (index, scan) in scans.into_iter().enumerate() {
            let proto::ScanSetting { malware_scanner, resource_types, scanner_role } = scan;
            let at = |member: &str| format!("{field}[{index}].{member}");
            noted = noted.and(self.word_or_blank(&at("malware_scanner"), &malware_scanner));
            if scanners.contains(&malware_scanner) {
                let fault = "is the scanner of an earlier setting: put all resource types into one";
                noted = Err(self.fault(&at("malware_scanner"), fault));
            }
            scanners.push(malware_scanner.clone());
            let resource_types = self.type_words(&at("resource_types"), resource_types);
            let role = self.optional(&scanner_role, |read, text| read.role(&at("scanner_role"), text));
            match (resource_types, role) {
                (Ok(resource_types), Ok(role)) => {
                    read.push(NewScanSetting { scanner: malware_scanner, resource_types, role });
                }
                (Err(fault), _) | (_, Err(fault)) => noted = Err(fault),
            }
        }
        noted.map(|()| read)
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
            creator_request_id: plan.request_id,
            advanced_backup_settings: plan.content.settings.into_iter().map(Into::into).collect(),
            scan_settings: plan.content.scans.into_iter().map(Into::into).collect(),
            selections: plan.selections.into_iter().map(Into::into).collect(),
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
        Self { malware_scanner: scan.scanner, resource_types: scan.resource_types, scanner_role: scan.role_arn }
    }
}

//! What will surprise about a selection.

use std::collections::BTreeMap;

use super::{
    Candidate, Criteria, Eligibility, Match, Meant, MismatchKind, Operator, ResourcePattern, TagCondition, Tally,
};
use crate::domain::{
    AccountId, Arn, DatabaseRef, Finding, RegionName, Resource, Scope, Unseen, backup::database_unavailable,
    unmatched::existence_not_checked,
};

const RESOURCE_MISSING: &str = MismatchKind::ResourceMissing.code();
const CLUSTER_MEMBER: &str = MismatchKind::ClusterMember.code();
const RESOURCE_TYPE_NOT_SUPPORTED: &str = MismatchKind::ResourceTypeNotSupported.code();

impl Criteria {
    /// What will surprise about this selection in a plan of that account and region; `now` is what it makes of the
    /// resources there are, where they were looked at.
    pub fn findings(&self, scope: &Scope, now: Option<&Tally>) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut warn = |code, field: String, message: String| {
            found.push(Finding::warning(code, message, "").at(field));
        };
        if self.selects_everything() {
            let message = "every resource that AWS Backup supports in this account and region is selected, except those \
                           of types that the region's settings opt out of";
            warn("SELECTS_EVERYTHING", "resources".into(), message.into());
        }
        for (index, condition) in self.conditions.iter().enumerate() {
            let TagCondition { key, operator, value } = condition;
            let field = format!("conditions[{index}].value");
            if let Some(other) = self.conditions[..index].iter().find(|other| self.contradict(condition, other)) {
                let message = format!(
                    "no resource is selected: no tag {key} fulfils this condition and the one with the value {} together; \
                     MATCH_ANY is for conditions of which one is enough",
                    other.value
                );
                warn("SELECTS_NOTHING", field, message);
            } else if value.contains('*') && matches!(operator, Operator::Equals | Operator::NotEquals) {
                let message = format!(
                    "the value {value} of tag {key} is compared with its * as it stands: use OPERATOR_LIKE or \
                     OPERATOR_NOT_LIKE for patterns"
                );
                warn("STAR_COMPARED_LITERALLY", field, message);
            }
        }
        for (field, entry) in self.entries() {
            if is_elsewhere(entry.as_str(), scope) {
                let message = format!(
                    "{entry} means no resource of account {} in {}, and a plan sees no other{}",
                    scope.account,
                    scope.region,
                    region_meant(entry.as_str())
                );
                warn("RESOURCE_OUT_OF_SCOPE", field, message);
            }
        }
        for (field, entry) in self.entries() {
            let certain = [entry.finding(), entry.without_type()].into_iter().flatten();
            found.extend(certain.map(|finding| finding.at(field.clone())));
        }
        found.extend(now.filter(|now| now.complete).into_iter().flat_map(|now| self.findings_of_patterns(now, scope)));
        // Whoever is told that it is so by its words need not hear that it is so now.
        if !found.iter().any(|finding| finding.code.starts_with("SELECTS")) {
            found.extend(now.filter(|now| now.complete).and_then(|now| self.finding_now(now)));
        }
        let passed_over = now.into_iter().flat_map(|now| &now.passed_over);
        found.extend(passed_over.map(|(of_type, (count, first))| Finding::passed_over(of_type, *count, first, scope)));
        found
    }

    /// The entries of both lists, each with its field.
    fn entries(&self) -> impl Iterator<Item = (String, &ResourcePattern)> {
        let selected = self.resources.iter().enumerate().map(|(at, entry)| (format!("resources[{at}]"), entry));
        let excluded = self.excluded.iter().enumerate().map(|(at, entry)| (format!("excluded_resources[{at}]"), entry));
        selected.chain(excluded)
    }

    /// The patterns of both lists, in which a `*` stands for something; `*` alone is none.
    pub(super) fn patterns(&self) -> impl Iterator<Item = &ResourcePattern> {
        self.resources.iter().chain(&self.excluded).filter(|entry| !entry.names_one() && !entry.is_everything())
    }

    /// Patterns of databases that mean nothing now that AWS Backup backs up; of other services not all there is was looked at.
    fn findings_of_patterns(&self, now: &Tally, scope: &Scope) -> Vec<Finding> {
        let mut found = Vec::new();
        for (list, does, patterns) in
            [("resources", "selects", &self.resources), ("excluded_resources", "excludes", &self.excluded)]
        {
            // That nothing at all is selected says it of the only entry.
            let told_otherwise = list == "resources" && now.selected == 0 && patterns.len() == 1;
            for (index, entry) in patterns.iter().enumerate() {
                let of_databases = entry.as_str().split(':').nth(2) == Some("rds");
                let told = entry.without_type().is_some() || is_elsewhere(entry.as_str(), scope);
                if entry.names_one() || !of_databases || told {
                    continue;
                }
                let finding = match now.meant.get(entry.as_str()) {
                    Some(Meant::Something) => continue,
                    Some(Meant::Members(member)) => {
                        let message = format!("{entry} fits nothing now but instances of clusters: {member}");
                        Finding::warning(CLUSTER_MEMBER, message, "give the ARN of the cluster")
                    }
                    None if told_otherwise => continue,
                    None => {
                        let message = format!("{entry} fits no database there is now, so it {does} nothing");
                        Finding::warning("PATTERN_MATCHES_NOTHING_NOW", message, "correct it, or mean what is to come")
                    }
                };
                found.push(finding.about(entry.as_str()).at(format!("{list}[{index}]")));
            }
        }
        found
    }

    /// What lets AWS Backup pass over a resource that an entry of `resources` names by its ARN, or lets its backups fail.
    /// `databases` are those of these ARNs that there are, where RDS told; without the region's settings only what holds in
    /// every region is found. What `excluded_resources` names is told where it is nothing that a selection could take: it
    /// excludes nothing then.
    pub fn findings_of_named(
        &self,
        scope: &Scope,
        databases: Option<&BTreeMap<String, Resource>>,
        eligibility: Option<&Eligibility>,
    ) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut unknown = Vec::new();
        for (field, arn) in self.named_here(scope) {
            let is_database = DatabaseRef::of_arn(&arn).is_some();
            let of_this = match databases.filter(|_| is_database).map(|databases| databases.get(arn.as_str())) {
                Some(None) => vec![Finding::database_missing(&arn)],
                Some(Some(database)) => {
                    let unavailable = database_unavailable(database).map(|finding| finding.about(arn.as_str()));
                    let mut of_this = database.candidate().findings_when_named(eligibility);
                    of_this.extend(unavailable);
                    of_this
                }
                None => Candidate::of_arn(&arn, &BTreeMap::new()).findings_when_named(eligibility),
            };
            if !is_database && of_this.is_empty() {
                unknown.push((field.clone(), arn));
            }
            if !field.starts_with("excluded") {
                found.extend(of_this.into_iter().map(|finding| finding.at(field.clone())));
                continue;
            }
            let nothing = [RESOURCE_MISSING, CLUSTER_MEMBER, RESOURCE_TYPE_NOT_SUPPORTED];
            for finding in of_this.into_iter().filter(|finding| nothing.contains(&finding.code)) {
                let message = format!("{}; so it excludes nothing", finding.message);
                found.push(Finding { message, ..finding }.at(field.clone()));
            }
        }
        // One of each list: there may be hundreds.
        for list in ["resources", "excluded_resources"] {
            let mut of_list = unknown.iter().filter(|(field, _)| field.starts_with(list));
            let Some((_, first)) = of_list.next() else { continue };
            let others = match of_list.next() {
                Some(_) => format!(", and whatever else {list} names of other services,"),
                None => String::new(),
            };
            found.push(existence_not_checked(first.as_str(), &others, list));
        }
        found
    }

    /// The entries of both lists that name one resource of that account and region each, with their fields.
    pub fn named_here(&self, scope: &Scope) -> Vec<(String, Arn)> {
        let ones = self.entries().filter(|(_, entry)| entry.names_one());
        let here = ones.filter(|(_, entry)| !is_elsewhere(entry.as_str(), scope));
        here.filter_map(|(field, entry)| Some((field, Arn::read(entry.as_str()).ok()?))).collect()
    }

    /// That what the selection selects now was not found out.
    pub fn not_checked(unseen: &Unseen) -> Finding {
        let permissions = "rds:DescribeDBInstances, rds:DescribeDBClusters, tag:GetResources, \
                           backup:GetSupportedResourceTypes and backup:DescribeRegionSettings";
        let unknown = "whether AWS Backup passes over any of it, or selects everything or nothing, is not known";
        unseen.not_checked(
            "what the selection selects now",
            unknown,
            unseen.action(permissions, "ask PreviewSelection"),
        )
    }

    fn finding_now(&self, now: &Tally) -> Option<Finding> {
        // A list of ARNs selects what it names, however much that is.
        let by_pattern = self.resources.is_empty() || self.resources.iter().any(|entry| !entry.names_one());
        let by_tag = self.matching == Match::Any && !self.conditions.is_empty();
        let (code, message) = match now {
            Tally { selected: 0, .. } => (
                "SELECTS_NOTHING_NOW",
                "no resource there is now is selected: PreviewSelection tells of each what stands in the way"
                    .to_owned(),
            ),
            Tally { selected: selected @ 2.., left: 0, .. } if by_pattern || by_tag => (
                "SELECTS_EVERYTHING_NOW",
                format!("all {selected} resources that there are now to back up are selected"),
            ),
            Tally { .. } => return None,
        };
        Some(Finding::warning(code, message, ""))
    }

    fn selects_everything(&self) -> bool {
        let star = self.resources.iter().any(ResourcePattern::is_everything);
        star && self.excluded.is_empty() && (self.conditions.is_empty() || self.matching == Match::Any)
    }

    /// Whether all must hold and these two never do together; the certain cases alone.
    fn contradict(&self, one: &TagCondition, other: &TagCondition) -> bool {
        self.matching == Match::All
            && one.key == other.key
            && match (one.operator, other.operator) {
                (Operator::Equals, Operator::Equals) => one.value != other.value,
                (Operator::Equals, Operator::NotEquals) | (Operator::NotEquals, Operator::Equals) => {
                    one.value == other.value
                }
                _ => false,
            }
    }
}

/// Whether a part of an ARN is what stands in that place, and no pattern of it.
type IsOne = fn(&str) -> bool;

/// Whether an ARN, or a pattern of ARNs, names another partition, account or region. Blanks are AWS's way, and what a `*` may
/// stand for is not judged.
pub(super) fn is_elsewhere(pattern: &str, scope: &Scope) -> bool {
    let parts: Vec<&str> = pattern.splitn(6, ':').collect();
    let of_region = |text: &str| RegionName::parse(text).is_ok();
    let of_account = |text: &str| AccountId::parse(text).is_ok();
    let anything = |_: &str| true;
    let judged: [(usize, &str, IsOne); 3] = [
        (1, scope.region.partition(), anything),
        (3, scope.region.as_str(), of_region),
        (4, scope.account.as_str(), of_account),
    ];
    judged.into_iter().any(|(at, own, is_one)| {
        let Some(part) = parts.get(at).filter(|part| !part.is_empty()) else { return false };
        // A * may stand for several parts: what follows one is surely what it looks like only where all parts are there.
        if parts.len() < 6 && parts[..at].iter().any(|before| before.contains('*')) {
            return false;
        }
        match part.split_once('*') {
            None => is_one(part) && *part != own,
            Some((begins, _)) => !own.starts_with(begins),
        }
    })
}

/// What may have been meant by the region in an ARN, if AWS is not known to have it.
fn region_meant(pattern: &str) -> String {
    let region = pattern.split(':').nth(3).and_then(|region| RegionName::parse(region).ok());
    region.map(|region| region.meant()).unwrap_or_default()
}

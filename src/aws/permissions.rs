//! What Strongroom's identity may do, as far as IAM tells without anything being done: SimulatePrincipalPolicy, asked about
//! everything that the sample policy grants.

mod questions;

use futures_util::{StreamExt, TryStreamExt, stream};

use aws_sdk_iam::types::{ContextEntry, ContextKeyTypeEnum, EvaluationResult, PolicyEvaluationDecisionType};

use super::{
    Error, FailureKind, Scoped,
    call::{Operation, ask},
    error::Failure,
    pages::pages,
};
use questions::{Kind, Question, questions};

const GET_CALLER_IDENTITY: Operation = Operation::read("sts", "GetCallerIdentity");
const GET_ROLE: Operation = Operation::read("iam", "GetRole");
const SIMULATE: Operation = Operation::read("iam", "SimulatePrincipalPolicy");

/// Questions that are asked side by side: IAM is one for all regions, and slow to answer these.
const AT_ONCE: usize = 4;

/// What an identity may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permissions {
    /// IAM has told of each.
    Told {
        /// Actions of the sample policy, each once.
        asked: usize,
        /// What it does not allow.
        lacks: Vec<Lack>,
    },
    /// Nothing is known of them: why, and what to do.
    Unknown(String),
}

/// What an identity may not do, or may be not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// Such as `backup:StartBackupJob`.
    pub action: String,
    /// What it was asked for.
    pub resource: String,
    /// The `Sid` of the sample policy's statement.
    pub statement: String,
    /// Why not.
    pub why: Why,
}

/// Why IAM does not allow something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// No policy allows it.
    NotAllowed,
    /// A policy denies it.
    Denied,
    /// A policy of the organization does not let the account do it.
    Organization,
    /// The permissions boundary does not allow it.
    Boundary,
    /// It is allowed under a condition, if at all: by these keys, of which nothing is known before a call.
    Conditional(Vec<String>),
    /// IAM's answer says nothing of it.
    NotTold,
}

impl Scoped {
    /// As whom this scope's calls are made.
    pub async fn identity_arn(&self) -> Result<String, Error> {
        let answer = self.read(GET_CALLER_IDENTITY, ask!(self.clients.sts.get_caller_identity())).await?;
        Ok(answer.arn.unwrap_or_default())
    }

    /// What the identity may do of all that the sample policy grants in this scope.
    pub async fn permissions(&self, identity: &str) -> Permissions {
        let principal = match self.principal(identity).await {
            Ok(principal) => principal,
            Err(why) => return Permissions::Unknown(why),
        };
        let questions = match questions(self.scope()) {
            Ok(questions) => questions,
            Err(error) => return Permissions::Unknown(format!("the sample policy cannot be read: {error}")),
        };
        let answers = stream::iter(&questions).map(|question| self.simulated(&principal.arn, question));
        let answers: Result<Vec<Vec<Lack>>, Failure> = answers.buffered(AT_ONCE).try_collect().await;
        match answers {
            Ok(lacks) => {
                let mut asked: Vec<&str> = questions.iter().flat_map(Question::actions).collect();
                asked.sort_unstable();
                asked.dedup();
                Permissions::Told { asked: asked.len(), lacks: lacks.into_iter().flatten().collect() }
            }
            Err(failure) => Permissions::Unknown(principal.unknown(&failure)),
        }
    }

    /// Whose policies stand behind an identity: of a session, its role's.
    async fn principal(&self, identity: &str) -> Result<Principal, String> {
        let (name, without_path) = match behind(identity)? {
            Behind::User => return Ok(Principal { arn: identity.to_owned(), path: Path::Known }),
            Behind::Role { name, without_path } => (name, without_path),
        };
        match self.read(GET_ROLE, ask!(self.clients.iam.get_role().role_name(name))).await {
            Ok(answer) => {
                let arn = answer.role.map(|role| role.arn).unwrap_or_default();
                Ok(Principal { arn, path: Path::Known })
            }
            // Most roles have no path; of one that has, IAM says that there is no such role.
            Err(failure) if failure.kind == FailureKind::Denied => {
                Ok(Principal { arn: without_path, path: Path::Guessed })
            }
            Err(failure) => Err(format!("the role of {identity} is not found ({failure})")),
        }
    }

    /// What a question finds to be lacking, in the order of the sample policy.
    async fn simulated(&self, principal: &str, question: &Question) -> Result<Vec<Lack>, Failure> {
        let entries: Vec<ContextEntry> = question.context.iter().map(entry).collect();
        let actions: Vec<String> = question.actions().map(str::to_owned).collect();
        let (actions, entries) = (&actions, &entries);
        let results: Vec<EvaluationResult> = pages(|marker| async move {
            let sent = self
                .clients
                .iam
                .simulate_principal_policy()
                .policy_source_arn(principal)
                .set_action_names(Some(actions.clone()))
                .set_resource_arns(Some(question.resources.clone()))
                .set_context_entries(Some(entries.clone()))
                .max_items(1000)
                .set_marker(marker);
            let answer = self.read(SIMULATE, ask!(sent)).await?;
            let next = answer.marker.filter(|_| answer.is_truncated);
            Ok((answer.evaluation_results.unwrap_or_default(), next))
        })
        .try_concat()
        .await?;
        Ok(question.asked.iter().flat_map(|(action, sid)| lacks(action, sid, &question.resources, &results)).collect())
    }
}

/// What IAM keeps the policies of an identity with.
#[derive(Debug, PartialEq, Eq)]
enum Behind<'i> {
    User,
    Role {
        name: &'i str,
        /// The ARN that it has if it has no path.
        without_path: String,
    },
}

/// What stands behind an identity, or why IAM cannot be asked about it.
fn behind(identity: &str) -> Result<Behind<'_>, String> {
    let parts: Vec<&str> = identity.splitn(6, ':').collect();
    let [_, partition, service, _, account, entity] = parts[..] else {
        return Err(format!("{identity:?} is no identity that IAM can be asked about"));
    };
    let parts: Vec<&str> = entity.split('/').collect();
    match (service, &parts[..]) {
        ("iam", ["user", ..]) => Ok(Behind::User),
        ("iam", ["root"]) => Err(format!(
            "{identity} is the root user, whom no policy of the account bounds and IAM does not simulate: give Strongroom a \
             role of its own"
        )),
        ("sts", ["assumed-role", name, ..]) => {
            Ok(Behind::Role { name, without_path: format!("arn:{partition}:iam::{account}:role/{name}") })
        }
        ("sts", ["federated-user", ..]) => Err(format!(
            "{identity} is a federated user, whose permissions come of a policy of its session that IAM does not simulate: use \
             a role instead"
        )),
        _ => Err(format!("IAM does not simulate {identity}: it is neither a user nor a role")),
    }
}

/// Who is asked about.
struct Principal {
    arn: String,
    path: Path,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Path {
    Known,
    /// Whoever has only the session's name does not see the role's path.
    Guessed,
}

impl Principal {
    /// Why nothing is known.
    fn unknown(&self, failure: &Failure) -> String {
        let arn = &self.arn;
        match (failure.kind, self.path) {
            (FailureKind::Denied | FailureKind::MissingOrDenied, _) => format!(
                "IAM does not tell what {arn} may do: allow iam:SimulatePrincipalPolicy for it (docs/operations.md has the \
                 statement), or compare its policies with docs/samples/iam-policy.json by hand ({failure})"
            ),
            (FailureKind::NotFound, Path::Guessed) => format!(
                "the path of the role is not known, and {arn} is not there: allow iam:GetRole, by which it is found ({failure})"
            ),
            _ => format!("IAM does not tell what {arn} may do ({failure})"),
        }
    }
}

fn entry((key, (kind, value)): (&String, &(Kind, String))) -> ContextEntry {
    let kind = match kind {
        Kind::Text => ContextKeyTypeEnum::String,
        Kind::Bool => ContextKeyTypeEnum::Boolean,
    };
    ContextEntry::builder().context_key_name(key).context_key_values(value).context_key_type(kind).build()
}

/// What the results say against an action. AWS's answers have one result for an action with a part for each resource, and had
/// one for each pair before: `EvalResourceName` is the form of ARNs in the one, and the resource in the other `[M]`.
fn lacks(action: &str, sid: &str, resources: &[String], results: &[EvaluationResult]) -> Vec<Lack> {
    let lack = |resource: &str, why: Why| Lack {
        action: action.to_owned(),
        resource: resource.to_owned(),
        statement: sid.to_owned(),
        why,
    };
    let mut lacks = Vec::new();
    let mut told = false;
    for result in results.iter().filter(|result| result.eval_action_name.eq_ignore_ascii_case(action)) {
        told = true;
        let organization = result.organizations_decision_detail().map(|detail| detail.allowed_by_organizations);
        let boundary =
            result.permissions_boundary_decision_detail().map(|detail| detail.allowed_by_permissions_boundary);
        let parts = result.resource_specific_results();
        if parts.is_empty() {
            let of_one = result.eval_resource_name().filter(|name| resources.iter().any(|resource| resource == name));
            let of = of_one.map_or_else(|| resources.join(", "), str::to_owned);
            let why = why(&result.eval_decision, result.missing_context_values(), organization, boundary);
            lacks.extend(why.map(|why| lack(&of, why)));
        }
        for part in parts {
            let own = part.permissions_boundary_decision_detail().map(|detail| detail.allowed_by_permissions_boundary);
            let why = why(&part.eval_resource_decision, part.missing_context_values(), organization, own.or(boundary));
            lacks.extend(why.map(|why| lack(&part.eval_resource_name, why)));
        }
    }
    if !told {
        lacks.push(lack(&resources.join(", "), Why::NotTold));
    }
    lacks
}

/// `None`: it is allowed.
fn why(
    decision: &PolicyEvaluationDecisionType,
    missing: &[String],
    organization: Option<bool>,
    boundary: Option<bool>,
) -> Option<Why> {
    match decision {
        PolicyEvaluationDecisionType::Allowed => None,
        _ if organization == Some(false) => Some(Why::Organization),
        PolicyEvaluationDecisionType::ExplicitDeny => Some(Why::Denied),
        PolicyEvaluationDecisionType::ImplicitDeny if boundary == Some(false) => Some(Why::Boundary),
        PolicyEvaluationDecisionType::ImplicitDeny if !missing.is_empty() => Some(Why::Conditional(missing.to_vec())),
        PolicyEvaluationDecisionType::ImplicitDeny => Some(Why::NotAllowed),
        _ => Some(Why::NotTold),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_iam::types::{OrganizationsDecisionDetail, PermissionsBoundaryDecisionDetail, ResourceSpecificResult};

    use super::*;

    const ACTION: &str = "backup:DeleteRecoveryPoint";

    fn part(resource: &str, decision: PolicyEvaluationDecisionType, missing: &[&str]) -> ResourceSpecificResult {
        ResourceSpecificResult::builder()
            .eval_resource_name(resource)
            .eval_resource_decision(decision)
            .set_missing_context_values(Some(missing.iter().map(|key| (*key).to_owned()).collect()))
            .build()
            .unwrap()
    }

    fn result(
        resource: &str,
        decision: PolicyEvaluationDecisionType,
        parts: Vec<ResourceSpecificResult>,
    ) -> EvaluationResult {
        EvaluationResult::builder()
            .eval_action_name(ACTION)
            .eval_resource_name(resource)
            .eval_decision(decision)
            .set_resource_specific_results(Some(parts))
            .build()
            .unwrap()
    }

    fn told(results: &[EvaluationResult]) -> Vec<(String, Why)> {
        let resources = ["arn:a".to_owned(), "arn:b".to_owned()];
        let lacks = lacks(ACTION, "RecoveryPoints", &resources, results);
        lacks.into_iter().map(|lack| (lack.resource, lack.why)).collect()
    }

    #[test]
    fn both_forms_of_results_are_understood() {
        use PolicyEvaluationDecisionType::{Allowed, ExplicitDeny, ImplicitDeny};
        let parts = vec![part("arn:a", Allowed, &[]), part("arn:b", ExplicitDeny, &[])];
        let one = [result("arn:${Partition}:x", ExplicitDeny, parts)];
        assert_eq!(told(&one), [("arn:b".to_owned(), Why::Denied)]);
        let pairs = [result("arn:a", ImplicitDeny, Vec::new()), result("arn:b", Allowed, Vec::new())];
        assert_eq!(told(&pairs), [("arn:a".to_owned(), Why::NotAllowed)]);
        let whole = [result("*", ImplicitDeny, Vec::new())];
        assert_eq!(told(&whole), [("arn:a, arn:b".to_owned(), Why::NotAllowed)]);
    }

    #[test]
    fn users_and_roles_can_be_asked_about_and_others_are_told_why_not() {
        assert_eq!(behind("arn:aws:iam::123456789012:user/ops/anna"), Ok(Behind::User));
        let session = behind("arn:aws-cn:sts::123456789012:assumed-role/Strongroom/i-0abc").unwrap();
        let without_path = "arn:aws-cn:iam::123456789012:role/Strongroom".to_owned();
        assert_eq!(session, Behind::Role { name: "Strongroom", without_path });
        for (identity, says) in [
            ("arn:aws:iam::123456789012:root", "give Strongroom a role of its own"),
            ("arn:aws:sts::123456789012:federated-user/anna", "use a role instead"),
            ("arn:aws:sts::123456789012:something/new", "neither a user nor a role"),
            ("", "no identity"),
        ] {
            let why = behind(identity).unwrap_err();
            assert!(why.contains(says), "{identity}: {why}");
        }
    }

    #[test]
    fn silence_is_not_taken_for_permission() {
        assert_eq!(told(&[]), [("arn:a, arn:b".to_owned(), Why::NotTold)]);
        let new = PolicyEvaluationDecisionType::from("later");
        assert_eq!(told(&[result("arn:a", new, Vec::new())]), [("arn:a".to_owned(), Why::NotTold)]);
    }

    #[test]
    fn who_stands_in_the_way_is_told() {
        use PolicyEvaluationDecisionType::ImplicitDeny;
        let mut by_organization = result("arn:a", ImplicitDeny, Vec::new());
        by_organization.organizations_decision_detail =
            Some(OrganizationsDecisionDetail::builder().allowed_by_organizations(false).build());
        assert_eq!(told(&[by_organization]), [("arn:a".to_owned(), Why::Organization)]);
        let mut by_boundary = result("arn:a", ImplicitDeny, Vec::new());
        by_boundary.permissions_boundary_decision_detail =
            Some(PermissionsBoundaryDecisionDetail::builder().allowed_by_permissions_boundary(false).build());
        assert_eq!(told(&[by_boundary]), [("arn:a".to_owned(), Why::Boundary)]);
        let conditional = result("*", ImplicitDeny, vec![part("arn:a", ImplicitDeny, &["aws:SourceIp"])]);
        assert_eq!(told(&[conditional]), [("arn:a".to_owned(), Why::Conditional(vec!["aws:SourceIp".to_owned()]))]);
    }
}

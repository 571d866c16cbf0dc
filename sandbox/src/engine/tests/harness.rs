//! A world to let time pass in, driven through the operations that clients call.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    backup::{rest::RestRequest, routes},
    call::{AwsError, Call},
    config::Behaviour,
    engine,
    query::{Form, QueryHandler},
    world::{Region, World},
};

pub(super) const ROLE: &str = "arn:aws:iam::123456789012:role/backup";
pub(super) const DB: &str = "arn:aws:rds:us-east-1:123456789012:db:orders";
pub(super) const FILES: &str = "arn:aws:elasticfilesystem:us-east-1:123456789012:file-system/fs-1";

const POLICIES: [&str; 2] = [
    "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup",
    "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForRestores",
];

/// A world with its clock.
pub(super) struct Story {
    pub(super) world: World,
    pub(super) call: Call,
}

impl Story {
    /// Monday noon: a role with both policies, the vaults `vault` and `other`, the instance `orders` with a backup
    /// window at 01:00 and a maintenance window on Sunday at 03:00.
    pub(super) fn new() -> Self {
        let mut story = Self { world: World::default(), call: Call::at("2026-03-02T12:00:00Z".parse().unwrap()) };
        story.role("backup", &POLICIES);
        for vault in ["vault", "other"] {
            story.ok("PUT", &format!("/backup-vaults/{vault}"), json!({}));
        }
        story.database("orders", 7);
        story.pass(SignedDuration::from_mins(1));
        story
    }

    pub(super) fn role(&mut self, name: &str, policies: &[&str]) {
        let trust = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "backup.amazonaws.com"}, "Action": "sts:AssumeRole"}]});
        self.iam("CreateRole", &[("RoleName", name), ("AssumeRolePolicyDocument", &trust.to_string())]);
        for policy in policies {
            self.iam("AttachRolePolicy", &[("RoleName", name), ("PolicyArn", policy)]);
        }
    }

    pub(super) fn database(&mut self, name: &str, retention: u32) {
        let retention = retention.to_string();
        self.rds(
            "CreateDBInstance",
            &[
                ("DBInstanceIdentifier", name),
                ("DBInstanceClass", "db.t3.micro"),
                ("Engine", "postgres"),
                ("AllocatedStorage", "20"),
                ("MasterUsername", "app"),
                ("MasterUserPassword", "not-a-secret"),
                ("BackupRetentionPeriod", &retention),
                ("PreferredBackupWindow", "01:00-01:30"),
                ("PreferredMaintenanceWindow", "sun:03:00-sun:03:30"),
                ("Tags.Tag.1.Key", "Environment"),
                ("Tags.Tag.1.Value", "production"),
            ],
        );
    }

    pub(super) fn behaviour(&mut self) -> &mut Behaviour {
        Arc::make_mut(&mut self.call.behaviour)
    }

    /// Moves the clock.
    pub(super) fn pass(&mut self, step: SignedDuration) {
        self.call.now = self.call.now.checked_add(step).unwrap();
        engine::advance(&mut self.world, &self.call.behaviour, self.call.now);
    }

    /// Moves the clock to an instant.
    pub(super) fn pass_to(&mut self, to: &str) {
        let to: Timestamp = to.parse().unwrap();
        self.pass(to.duration_since(self.call.now));
    }

    pub(super) fn region(&mut self) -> &mut Region {
        self.world.account("123456789012").region("us-east-1")
    }

    /// Calls AWS Backup; the path may hold a query.
    pub(super) fn backup(&mut self, method: &str, path: &str, body: &Value) -> Result<Value, AwsError> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let (route, parameters) = routes::find(method, path).unwrap_or_else(|| panic!("no route {method} {path}"));
        let mut request = RestRequest::for_test(&[], query, &body.to_string());
        request.path = parameters;
        let reply = (route.handler)(&mut self.world, &self.call, &request)?;
        Ok(if reply.body.is_empty() { Value::Null } else { serde_json::from_str(&reply.body).unwrap() })
    }

    pub(super) fn ok(&mut self, method: &str, path: &str, body: Value) -> Value {
        self.backup(method, path, &body).unwrap_or_else(|error| panic!("{method} {path}: {error:?}"))
    }

    pub(super) fn get(&mut self, path: &str) -> Value {
        self.ok("GET", path, json!({}))
    }

    pub(super) fn refusal(&mut self, method: &str, path: &str, body: Value) -> String {
        match self.backup(method, path, &body) {
            Ok(reply) => panic!("{method} {path} was accepted: {reply}"),
            Err(error) => format!("{}: {}", error.code, error.message),
        }
    }

    pub(super) fn rds(&mut self, action: &str, pairs: &[(&str, &str)]) {
        self.action(crate::rds::ACTIONS, action, pairs);
    }

    pub(super) fn iam(&mut self, action: &str, pairs: &[(&str, &str)]) {
        self.action(crate::iam::ACTIONS, action, pairs);
    }

    pub(super) fn action(&mut self, actions: &[(&str, QueryHandler)], name: &str, pairs: &[(&str, &str)]) {
        let (_, handler) = actions.iter().find(|(action, _)| *action == name).unwrap();
        let form = Form::of_pairs(
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<Vec<_>>(),
        );
        handler(&mut self.world, &self.call, &form).unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }

    /// Starts a backup of `resource` with further members; gives the job's id.
    pub(super) fn start(&mut self, resource: &str, more: &Value) -> String {
        let mut body = json!({"BackupVaultName": "vault", "ResourceArn": resource, "IamRoleArn": ROLE});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.ok("PUT", "/backup-jobs", body)["BackupJobId"].as_str().unwrap().to_owned()
    }

    pub(super) fn job(&mut self, id: &str) -> Value {
        self.get(&format!("/backup-jobs/{id}"))
    }

    /// Backs a resource up to the end and gives the recovery point's ARN.
    pub(super) fn backed_up(&mut self, resource: &str, more: &Value) -> String {
        let id = self.start(resource, more);
        self.pass(SignedDuration::from_mins(2));
        let job = self.job(&id);
        assert_eq!(job["State"], "COMPLETED", "{job}");
        job["RecoveryPointArn"].as_str().unwrap().to_owned()
    }

    /// A plan with these rules, and a selection of everything tagged `Environment=production`.
    pub(super) fn plan(&mut self, rules: Value) -> String {
        let plan = self.ok("PUT", "/backup/plans", json!({"BackupPlan": {"BackupPlanName": "plan", "Rules": rules}}));
        let id = plan["BackupPlanId"].as_str().unwrap().to_owned();
        let tags =
            json!([{"ConditionType": "STRINGEQUALS", "ConditionKey": "Environment", "ConditionValue": "production"}]);
        let selection = json!({"BackupSelection": {"SelectionName": "all", "IamRoleArn": ROLE, "ListOfTags": tags}});
        self.ok("PUT", &format!("/backup/plans/{id}/selections"), selection);
        id
    }
}

/// As it stands in a path.
pub(super) fn segment(arn: &str) -> String {
    arn.replace(':', "%3A").replace('/', "%2F")
}

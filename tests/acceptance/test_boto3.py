"""boto3: paginators, waiters, idempotency, errors, and one world behind all services."""

import json

import boto3
import botocore.config
import botocore.exceptions
import pytest
from aws_clients import LABS, TRUST
from processes import ACCOUNT, REGION

FOREIGN = "210987654321"


def code_of(call, **arguments) -> str:
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        call(**arguments)
    return refused.value.response["Error"]["Code"]


def pages(client, operation: str, key: str, size: int, **arguments) -> list[list]:
    """The items of each page, and that no page is longer than asked for."""
    found = client.get_paginator(operation).paginate(**arguments, PaginationConfig={"PageSize": size})
    listed = [page[key] for page in found]
    assert all(len(page) <= size for page in listed)
    return listed


def everything_once(listed: list[list], identity) -> list:
    flat = [identity(item) for page in listed for item in page]
    assert len(flat) == len(set(flat)), "an item came twice"
    return flat


def test_paginators_of_aws_backup_see_everything_once(aws, sandbox):
    backup, role = aws.backup, aws.role()
    for number in range(11):
        backup.create_backup_vault(BackupVaultName=f"vault-{number:02}")
    listed = pages(backup, "list_backup_vaults", "BackupVaultList", 4)
    assert [len(page) for page in listed] == [4, 4, 3]
    assert len(everything_once(listed, lambda vault: vault["BackupVaultName"])) == 11

    rule = {"RuleName": "r", "TargetBackupVaultName": "vault-00"}
    plans = [
        backup.create_backup_plan(BackupPlan={"BackupPlanName": f"plan-{number}", "Rules": [rule]})["BackupPlanId"]
        for number in range(5)
    ]
    listed = pages(backup, "list_backup_plans", "BackupPlansList", 2)
    assert set(everything_once(listed, lambda plan: plan["BackupPlanId"])) == set(plans)
    for number in range(5):
        rules = [rule | {"StartWindowMinutes": 60 + number}]
        backup.update_backup_plan(BackupPlanId=plans[0], BackupPlan={"BackupPlanName": "plan-0", "Rules": rules})
    listed = pages(backup, "list_backup_plan_versions", "BackupPlanVersionsList", 4, BackupPlanId=plans[0])
    assert len(everything_once(listed, lambda version: version["VersionId"])) == 6
    for number in range(5):
        selection = {"SelectionName": f"s{number}", "IamRoleArn": role, "Resources": [LABS]}
        backup.create_backup_selection(BackupPlanId=plans[0], BackupSelection=selection)
    listed = pages(backup, "list_backup_selections", "BackupSelectionsList", 2, BackupPlanId=plans[0])
    assert len(everything_once(listed, lambda selection: selection["SelectionId"])) == 5


def test_paginators_of_jobs_and_recovery_points_see_everything_once(aws, sandbox):
    backup, role, arn = aws.backup, aws.role(), aws.database("paged")
    backup.create_backup_vault(BackupVaultName="vault")
    sandbox.advance("1h")
    jobs = []
    for _ in range(25):
        started = backup.start_backup_job(BackupVaultName="vault", ResourceArn=arn, IamRoleArn=role)
        jobs.append(started["BackupJobId"])
        sandbox.advance("10m")
    listed = pages(backup, "list_backup_jobs", "BackupJobs", 7)
    assert everything_once(listed, lambda job: job["BackupJobId"]) == jobs[::-1], "the newest comes first"
    listed = pages(backup, "list_backup_jobs", "BackupJobs", 10, ByState="COMPLETED", ByResourceArn=arn)
    assert [len(page) for page in listed] == [10, 10, 5]
    by_vault = pages(
        backup, "list_recovery_points_by_backup_vault", "RecoveryPoints", 6, BackupVaultName="vault"
    )
    by_resource = pages(backup, "list_recovery_points_by_resource", "RecoveryPoints", 20, ResourceArn=arn)
    points = everything_once(by_vault, lambda point: point["RecoveryPointArn"])
    assert len(points) == 25
    assert set(points) == set(everything_once(by_resource, lambda point: point["RecoveryPointArn"]))
    snapshots = pages(aws.rds, "describe_db_snapshots", "DBSnapshots", 20, SnapshotType="awsbackup")
    assert [len(page) for page in snapshots] == [20, 5]
    assert set(everything_once(snapshots, lambda snapshot: snapshot["DBSnapshotArn"])) == set(points)


def test_paginators_of_iam_rds_and_tagging_see_everything_once(aws, sandbox):
    for number in range(30):
        aws.role(f"role-{number}")
    before = len(aws.rds.describe_db_instances()["DBInstances"])
    made = [aws.database(f"db-{number}", {"fleet": "yes"}) for number in range(23)]
    listed = pages(aws.iam, "list_roles", "Roles", 13)
    assert len(listed) == 3
    assert len(everything_once(listed, lambda role: role["RoleName"])) == 30
    listed = pages(aws.rds, "describe_db_instances", "DBInstances", 20)
    assert len(everything_once(listed, lambda db: db["DBInstanceArn"])) == before + 23
    tagged = pages(
        aws.resourcegroupstaggingapi, "get_resources", "ResourceTagMappingList", 10, TagFilters=[{"Key": "fleet"}]
    )
    assert [len(page) for page in tagged] == [10, 10, 3]
    assert set(everything_once(tagged, lambda resource: resource["ResourceARN"])) == set(made)


def test_a_token_of_somewhere_else_is_refused(aws):
    assert code_of(aws.backup.list_backup_vaults, NextToken="bm90LW91cnM=") == "InvalidParameterValueException"


def test_waiters_end(aws, sandbox):
    arn = aws.database("awaited")
    sandbox.advance("1h")
    fast = {"Delay": 1, "MaxAttempts": 3}
    aws.rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier="awaited", WaiterConfig=fast)
    aws.rds.create_db_snapshot(DBInstanceIdentifier="awaited", DBSnapshotIdentifier="snap")
    sandbox.advance("1h")
    aws.rds.get_waiter("db_snapshot_available").wait(DBSnapshotIdentifier="snap", WaiterConfig=fast)
    aws.rds.delete_db_instance(DBInstanceIdentifier="awaited", SkipFinalSnapshot=True)
    sandbox.advance("1h")
    aws.rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier="awaited", WaiterConfig=fast)
    aws.role("new")
    aws.iam.get_waiter("role_exists").wait(RoleName="new", WaiterConfig=fast)
    assert arn.endswith(":db:awaited")


def test_a_token_makes_a_repeated_start_the_same_job(aws, sandbox):
    backup, role, arn = aws.backup, aws.role(), aws.database("once")
    backup.create_backup_vault(BackupVaultName="vault")
    sandbox.advance("1h")
    start = {"BackupVaultName": "vault", "ResourceArn": arn, "IamRoleArn": role, "IdempotencyToken": "t-1"}
    first, second = backup.start_backup_job(**start), backup.start_backup_job(**start)
    assert first["BackupJobId"] == second["BackupJobId"]
    assert len(backup.list_backup_jobs()["BackupJobs"]) == 1
    assert code_of(backup.start_backup_job, **start | {"ResourceArn": LABS}) == "InvalidParameterValueException"


def test_tags_are_one_world_for_rds_tagging_and_selections(aws, sandbox):
    arn, backup, role = aws.database("tagged"), aws.backup, aws.role()
    aws.resourcegroupstaggingapi.tag_resources(ResourceARNList=[arn], Tags={"tier": "gold"})
    described = aws.rds.describe_db_instances(DBInstanceIdentifier="tagged")["DBInstances"][0]
    assert {"Key": "tier", "Value": "gold"} in described["TagList"]
    assert {"Key": "tier", "Value": "gold"} in aws.rds.list_tags_for_resource(ResourceName=arn)["TagList"]
    backup.create_backup_vault(BackupVaultName="vault")
    plan = backup.create_backup_plan(
        BackupPlan={"BackupPlanName": "p", "Rules": [{"RuleName": "r", "TargetBackupVaultName": "vault"}]}
    )["BackupPlanId"]
    condition = {"ConditionType": "STRINGEQUALS", "ConditionKey": "tier", "ConditionValue": "gold"}
    selection = {"SelectionName": "s", "IamRoleArn": role, "ListOfTags": [condition]}
    backup.create_backup_selection(BackupPlanId=plan, BackupSelection=selection)
    sandbox.advance("26h")
    jobs = backup.list_backup_jobs()["BackupJobs"]
    assert {job["ResourceArn"] for job in jobs} == {arn}
    point = backup.list_recovery_points_by_backup_vault(BackupVaultName="vault")["RecoveryPoints"][0]
    tags = aws.rds.list_tags_for_resource(ResourceName=point["RecoveryPointArn"])["TagList"]
    assert {"Key": "tier", "Value": "gold"} in tags, "the resource's tags are copied to its recovery point"


def test_accounts_and_regions_are_apart(aws):
    aws.backup.create_backup_vault(BackupVaultName="here")
    elsewhere = aws.client("backup", region="eu-central-1")
    assert elsewhere.list_backup_vaults()["BackupVaultList"] == []
    other = aws.client("backup", access_key=FOREIGN)
    assert other.list_backup_vaults()["BackupVaultList"] == []
    made = other.create_backup_vault(BackupVaultName="there")
    assert made["BackupVaultArn"] == f"arn:aws:backup:{REGION}:{FOREIGN}:backup-vault:there"
    assert aws.client("sts", access_key=FOREIGN).get_caller_identity()["Account"] == FOREIGN


def test_an_assumed_role_acts_in_its_own_account(aws):
    arn = role_for_strangers(aws, FOREIGN)
    keys = aws.sts.assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    there = boto3.client(
        "sts",
        endpoint_url=aws.url,
        region_name=REGION,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    assert there.get_caller_identity()["Account"] == FOREIGN


def role_for_strangers(aws, account: str) -> str:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
        ],
    }
    iam = aws.client("iam", access_key=account)
    return iam.create_role(RoleName="cross", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]


def test_a_throttled_call_is_retried_by_the_client(aws, sandbox):
    sandbox.spoil(service="backup", operation="ListBackupVaults", next=2, effect="throttle")
    assert code_of(aws.backup.list_backup_vaults) == "ThrottlingException"
    patient = boto3.client(
        "backup",
        endpoint_url=aws.url,
        region_name=REGION,
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",
        config=botocore.config.Config(retries={"mode": "standard", "total_max_attempts": 3}),
    )
    assert patient.list_backup_vaults()["ResponseMetadata"]["RetryAttempts"] == 1


def test_names_and_paths_with_slashes_and_colons_reach_their_operation(aws):
    """A vault name with slashes and ARNs as path segments, as boto3 encodes them."""
    strange = "aws/efs/automatic-backup-vault"
    assert code_of(aws.backup.describe_backup_vault, BackupVaultName=strange) == "AccessDeniedException"
    missing = f"arn:aws:rds:{REGION}:{ACCOUNT}:snapshot:awsbackup:job-nobody"
    aws.backup.create_backup_vault(BackupVaultName="vault")
    answer = code_of(aws.backup.describe_recovery_point, BackupVaultName="vault", RecoveryPointArn=missing)
    assert answer == "ResourceNotFoundException"


def test_a_simulation_judges_a_roles_policies_and_pages_through_the_results(aws):
    vault = f"arn:aws:backup:{REGION}:{ACCOUNT}:backup-vault:"
    allowed = {"Effect": "Allow", "Action": ["backup:*", "iam:PassRole"], "Resource": "*"}
    to_backup = {"StringEquals": {"iam:PassedToService": "backup.amazonaws.com"}}
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "NotAction": "iam:*", "Resource": f"{vault}prod-*"},
            {"Effect": "Deny", "Action": "backup:DeleteBackupVault", "Resource": f"{vault}prod-forever"},
            allowed | {"Action": "iam:PassRole", "Condition": to_backup},
        ],
    }
    made = aws.iam.create_role(RoleName="Simulated", AssumeRolePolicyDocument=json.dumps(TRUST))
    role = made["Role"]["Arn"]
    aws.iam.put_role_policy(RoleName="Simulated", PolicyName="own", PolicyDocument=json.dumps(policy))
    actions = ["backup:DeleteBackupVault", "backup:DescribeBackupVault", "iam:PassRole"]
    names = [f"{vault}prod-1", f"{vault}prod-forever", f"{vault}dev"]
    asked = {"PolicySourceArn": role, "ActionNames": actions, "ResourceArns": names}
    listed = pages(aws.iam, "simulate_principal_policy", "EvaluationResults", 2, **asked)
    assert [len(page) for page in listed] == [2, 1]
    delete, describe, hand_over = (result for page in listed for result in page)

    def by_resource(result):
        return {one["EvalResourceName"]: one["EvalResourceDecision"] for one in result["ResourceSpecificResults"]}

    assert by_resource(delete) == dict(zip(names, ["allowed", "explicitDeny", "implicitDeny"], strict=True))
    assert delete["EvalDecision"] == "explicitDeny"
    assert by_resource(describe) == dict(zip(names, ["allowed", "allowed", "implicitDeny"], strict=True))
    assert describe["ResourceSpecificResults"][0]["MatchedStatements"][0]["SourcePolicyType"] == "role"
    assert hand_over["EvalDecision"] == "implicitDeny"
    assert hand_over["MissingContextValues"] == ["iam:PassedToService"]

    entry = {
        "ContextKeyName": "iam:PassedToService",
        "ContextKeyValues": ["backup.amazonaws.com"],
        "ContextKeyType": "string",
    }
    simulate = aws.iam.simulate_principal_policy
    told = simulate(PolicySourceArn=role, ActionNames=["iam:PassRole"], ContextEntries=[entry])
    [result] = told["EvaluationResults"]
    assert (result["EvalDecision"], result["MissingContextValues"]) == ("allowed", [])
    assert not told["IsTruncated"]

    bound = {"Version": "2012-10-17", "Statement": [allowed | {"Action": "backup:*"}]}
    aws.iam.create_policy(PolicyName="bound", PolicyDocument=json.dumps(bound))
    aws.iam.create_role(
        RoleName="Bounded",
        AssumeRolePolicyDocument=json.dumps(TRUST),
        PermissionsBoundary=f"arn:aws:iam::{ACCOUNT}:policy/bound",
    )
    aws.iam.attach_role_policy(RoleName="Bounded", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    bounded = f"arn:aws:iam::{ACCOUNT}:role/Bounded"
    told = simulate(PolicySourceArn=bounded, ActionNames=["iam:PassRole", "backup:ListBackupVaults"])
    outside, inside = told["EvaluationResults"]
    assert (outside["EvalDecision"], inside["EvalDecision"]) == ("implicitDeny", "allowed")
    assert outside["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
    assert inside["MatchedStatements"][0]["SourcePolicyId"] == "AdministratorAccess"

    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/Simulated/s"
    assert code_of(simulate, PolicySourceArn=session, ActionNames=actions) == "InvalidInput"
    gone = f"arn:aws:iam::{ACCOUNT}:role/Gone"
    assert code_of(simulate, PolicySourceArn=gone, ActionNames=actions) == "NoSuchEntity"
    text = entry | {"ContextKeyType": "text"}
    assert code_of(simulate, PolicySourceArn=role, ActionNames=actions, ContextEntries=[text]) == "InvalidInput"

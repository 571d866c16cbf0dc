"""The part of the lived-in world that is IAM's and STS's: every operation is called, most of them to success."""

import json

from aws_clients import POLICIES, TRUST, refused
from processes import ACCOUNT


def roles(aws) -> str:
    """The life of roles; the ARN of one that AWS Backup can use."""
    iam, name = aws.iam, "lived-in"
    role = aws.role(name)
    iam.get_role(RoleName=name)
    iam.create_role(
        RoleName="other",
        Path="/service-role/",
        Description="d",
        AssumeRolePolicyDocument=json.dumps(TRUST),
        Tags=[{"Key": "a", "Value": "b"}],
        MaxSessionDuration=7200,
    )
    refused(iam.create_role, "EntityAlreadyExists", RoleName="other", AssumeRolePolicyDocument=json.dumps(TRUST))
    refused(iam.create_role, "MalformedPolicyDocument", RoleName="bad", AssumeRolePolicyDocument="{")
    refused(iam.get_role, "NoSuchEntity", RoleName="nobody")
    missing = "arn:aws:iam::aws:policy/None"
    refused(iam.attach_role_policy, "NoSuchEntity", RoleName="other", PolicyArn=missing)
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "rds:*", "Resource": "*"}]}
    iam.put_role_policy(RoleName="other", PolicyName="inline", PolicyDocument=json.dumps(document))
    iam.get_role_policy(RoleName="other", PolicyName="inline")
    iam.list_role_policies(RoleName="other")
    refused(iam.delete_role, "DeleteConflict", RoleName="other")
    iam.delete_role_policy(RoleName="other", PolicyName="inline")
    iam.attach_role_policy(RoleName="other", PolicyArn=POLICIES[0])
    iam.list_attached_role_policies(RoleName="other")
    iam.simulate_principal_policy(PolicySourceArn=role, ActionNames=["rds:CreateDBSnapshot", "s3:PutObject"])
    iam.detach_role_policy(RoleName="other", PolicyArn=POLICIES[0])
    iam.list_instance_profiles_for_role(RoleName="other")
    iam.update_assume_role_policy(RoleName="other", PolicyDocument=json.dumps(TRUST))
    iam.update_role(RoleName="other", Description="changed", MaxSessionDuration=3600)
    iam.update_role_description(RoleName="other", Description="again")
    iam.tag_role(RoleName="other", Tags=[{"Key": "c", "Value": "d"}])
    iam.list_role_tags(RoleName="other")
    iam.untag_role(RoleName="other", TagKeys=["a"])
    iam.list_roles(MaxItems=1)
    version = iam.get_policy(PolicyArn=POLICIES[0])["Policy"]["DefaultVersionId"]
    iam.get_policy_version(PolicyArn=POLICIES[0], VersionId=version)
    iam.list_policies(Scope="AWS", MaxItems=2)
    own_policy(aws, document)
    iam.create_service_linked_role(AWSServiceName="backup.amazonaws.com")
    iam.delete_role(RoleName="other")
    aws.sts.get_caller_identity()
    refused(aws.sts.assume_role, "AccessDenied", RoleArn=role, RoleSessionName="session")
    principal = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [principal]})
    person = iam.create_role(RoleName="person", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    aws.sts.assume_role(RoleArn=person, RoleSessionName="session")
    return role


def own_policy(aws, document):
    """From CreatePolicy to DeletePolicy."""
    iam, tags = aws.iam, [{"Key": "a", "Value": "b"}]
    made = iam.create_policy(PolicyName="own", PolicyDocument=json.dumps(document), Description="ours", Tags=tags)
    own = {"PolicyArn": made["Policy"]["Arn"]}
    refused(iam.create_policy, "EntityAlreadyExists", PolicyName="own", PolicyDocument=json.dumps(document))
    assert iam.get_policy(**own)["Policy"]["Tags"] == tags
    iam.create_policy_version(**own, PolicyDocument=json.dumps(document), SetAsDefault=True)
    iam.set_default_policy_version(**own, VersionId="v1")
    assert [version["VersionId"] for version in iam.list_policy_versions(**own)["Versions"]] == ["v1", "v2"]
    assert iam.get_policy_version(**own, VersionId="v2")["PolicyVersion"]["Document"] == document
    iam.delete_policy_version(**own, VersionId="v2")
    iam.tag_policy(**own, Tags=[{"Key": "c", "Value": "d"}])
    iam.list_policy_tags(**own)
    iam.untag_policy(**own, TagKeys=["a"])
    iam.attach_role_policy(RoleName="other", **own)
    assert [role["RoleName"] for role in iam.list_entities_for_policy(**own)["PolicyRoles"]] == ["other"]
    refused(iam.delete_policy, "DeleteConflict", **own)
    iam.detach_role_policy(RoleName="other", **own)
    iam.delete_policy(**own)

"""boto3 against a sandbox, and what every test makes with it first."""

import json

import boto3
import botocore.config
import botocore.exceptions
from processes import ACCOUNT, REGION

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "backup.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
POLICIES = [
    "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup",
    "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForRestores",
]
LABS = f"arn:aws:rds:{REGION}:{ACCOUNT}:db:rdspg-fcj-labs"


class Aws:
    """boto3 clients of one sandbox."""

    def __init__(self, url: str):
        self.url = url

    def client(self, service: str, region: str = REGION, access_key: str = "sandbox", attempts: int = 1):
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id=access_key,
            aws_secret_access_key="sandbox",
            # An error is the answer that most tests ask for; a retry would hide it.
            config=botocore.config.Config(retries={"total_max_attempts": attempts, "mode": "standard"}),
        )

    def __getattr__(self, service: str):
        client = self.client(service)
        setattr(self, service, client)
        return client

    def role(self, name: str = "rdspg-AWSBackupServiceRole") -> str:
        """A role that AWS Backup can use; its ARN."""
        created = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
        for policy in POLICIES:
            self.iam.attach_role_policy(RoleName=name, PolicyArn=policy)
        return created["Role"]["Arn"]

    def database(self, name: str, tags: dict[str, str] | None = None) -> str:
        """A database whose own windows are far from the plan's time; its ARN."""
        made = self.rds.create_db_instance(
            DBInstanceIdentifier=name,
            DBInstanceClass="db.t3.micro",
            Engine="postgres",
            AllocatedStorage=20,
            MasterUsername="u",
            MasterUserPassword="not-a-secret",
            PreferredBackupWindow="20:00-20:30",
            PreferredMaintenanceWindow="wed:21:00-wed:21:30",
            Tags=[{"Key": key, "Value": value} for key, value in (tags or {}).items()],
        )
        return made["DBInstance"]["DBInstanceArn"]


def refused(call, *codes, **arguments):
    """The call must end with one of the codes."""
    try:
        answer = call(**arguments)
    except botocore.exceptions.ClientError as refusal:
        assert refusal.response["Error"]["Code"] in codes, refusal
    else:
        raise AssertionError(f"{call.__name__}({arguments}) succeeded: {answer.keys()}")

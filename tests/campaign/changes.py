"""What is asked for, and whether AWS has it: once, and nothing else."""

import uuid
from collections import Counter
from dataclasses import dataclass, field

from aws_clients import Aws
from processes import ACCOUNT, REGION

ROLE, SOURCE, BACKUPS, COPIES, PLAN = "campaign", "source", "backups", "copies", "selected"
DATABASES = 8
POINTS = 6
# A plan of the campaign's never fires while it runs.
RULE = {"name": "yearly", "vault": BACKUPS, "schedule": "cron(0 5 1 1 ? *)"}
AWS_RULE = {"RuleName": "yearly", "TargetBackupVaultName": BACKUPS, "ScheduleExpression": "cron(0 5 1 1 ? *)"}

# How many of each there are, of thirteen.
KINDS = {
    "JobService/StartBackup": 3,
    "PlanService/CreatePlan": 2,
    "PlanService/CreateSelection": 2,
    "PlanService/ReplaceSelection": 2,
    "JobService/StartCopy": 1,
    "JobService/StartRestore": 1,
    "VaultService/DeleteVault": 2,
}


@dataclass
class Asked:
    """A change, by the number that marks whatever it makes."""

    number: int
    rpc: str
    fields: dict
    # A role that is made just before, and that AWS Backup cannot assume yet.
    fresh_role: str = ""


@dataclass
class Outcome:
    asked: Asked
    done: bool
    answer: dict = field(default_factory=dict)
    seconds: float = 0.0
    # How each call of it ended that did not do it, and after how long.
    failed: list[str] = field(default_factory=list)


class Round:
    """The changes of a round, and the world that they need, which is made without faults and without the server."""

    def __init__(self, sandbox, random, size: int, fresh_roles: bool):
        self.sandbox, self.aws = sandbox, Aws(sandbox.url)
        self.outcomes: list[Outcome] = []
        self.requests = 0
        self.wrong: list[str] = []
        kinds = [kind for kind, share in KINDS.items() for _ in range(share)]
        chosen = [kinds[place % len(kinds)] for place in range(size)]
        random.shuffle(chosen)
        self._prepare(chosen)
        self.asked = [self._change(number, rpc, random, fresh_roles) for number, rpc in enumerate(chosen)]

    def _prepare(self, chosen: list[str]) -> None:
        backup = self.aws.backup
        self.sandbox.settings({"quotas": {"vaults": 10_000, "plans": 10_000, "selections_per_plan": 10_000}})
        self.role = self.aws.role(ROLE)
        for vault in (SOURCE, BACKUPS, COPIES):
            backup.create_backup_vault(BackupVaultName=vault)
        self.databases = [self.aws.database(f"database-{number}") for number in range(DATABASES)]
        self.sandbox.advance("1h")
        for number, rpc in enumerate(chosen):
            if rpc == "VaultService/DeleteVault":
                backup.create_backup_vault(BackupVaultName=doomed(number))
                self._start(number, doomed(number))
                self._start(number + 1, doomed(number))
        for number in range(POINTS):
            self._start(number, SOURCE)
        plan = {"BackupPlanName": PLAN, "Rules": [AWS_RULE]}
        self.plan = backup.create_backup_plan(BackupPlan=plan)["BackupPlanId"]
        for number, rpc in enumerate(chosen):
            if rpc == "PlanService/ReplaceSelection":
                selection = {"SelectionName": target(number), "IamRoleArn": self.role, "Resources": [self.databases[0]]}
                backup.create_backup_selection(BackupPlanId=self.plan, BackupSelection=selection)
        self.sandbox.advance("8h")
        self.points = self._points(SOURCE)
        assert len(self.points) == POINTS, self.points
        self.jobs_before = {job["BackupJobId"] for job in self._backup_jobs()}
        self.databases_before = set(self._instances())

    def _start(self, number: int, vault: str) -> None:
        source = self.databases[number % DATABASES]
        self.aws.backup.start_backup_job(BackupVaultName=vault, ResourceArn=source, IamRoleArn=self.role)

    def _change(self, number: int, rpc: str, random, fresh_roles: bool) -> Asked:
        role = ROLE
        fresh = ""
        if fresh_roles and rpc in ("JobService/StartBackup", "JobService/StartCopy") and random.random() < 0.1:
            role = fresh = f"fresh-{number}"
        point, source = random.choice(self.points), random.choice(self.databases)
        match rpc:
            case "JobService/StartBackup":
                fields = {"resource": source, "vault": BACKUPS, "role": role, "recovery_point_tags": {"change": str(number)}}
            case "JobService/StartCopy":
                # The retention marks the copy.
                lifecycle = {"delete_after_days": 100 + number}
                fields = {"recovery_point": point, "vault": SOURCE, "destination_vault": COPIES, "role": role, "lifecycle": lifecycle}
            case "JobService/StartRestore":
                instance = {"db_instance_identifier": restored(number)}
                fields = {"restore": {"recovery_point": point, "vault": SOURCE, "role": ROLE, "rds_instance": instance}}
            case "PlanService/CreatePlan":
                fields = {"name": f"plan-{number}", "rules": [RULE]}
            case "PlanService/CreateSelection":
                fields = {"plan": PLAN, "name": created(number), "role": ROLE, "conditions": [condition(number)]}
            case "PlanService/ReplaceSelection":
                fields = {"plan": PLAN, "selection": target(number), "conditions": [condition(number)]}
            case "VaultService/DeleteVault":
                fields = {"vault": doomed(number), "force": True, "allow_missing": True}
        # Not by `uuid4`, which knows no seed.
        request_id = str(uuid.UUID(int=random.getrandbits(128), version=4))
        return Asked(number, rpc, fields | {"request_id": request_id}, fresh)

    def compare_with_aws(self) -> None:
        """Writes down whatever is there twice, or not, or though nobody asked for it."""
        self.sandbox.advance("8h")
        self._compare_backups()
        self._compare_copies()
        self._compare_restores()
        self._compare_plans()
        self._compare_selections()
        self._compare_vaults()

    def of(self, rpc: str) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.asked.rpc == rpc]

    def _judge(self, rpc: str, counts: Counter, name) -> None:
        """`counts`: how often there is what a change of this name makes."""
        known = set()
        for outcome in self.of(rpc):
            key = name(outcome.asked.number)
            known.add(key)
            there = counts.get(key, 0)
            if there > 1:
                self.wrong.append(f"{rpc} {key}: there are {there}")
            # What its caller gave up may be there or not.
            if outcome.done and there == 0:
                self.wrong.append(f"{rpc} {key}: answered as done, and is not there")
        for key in counts.keys() - known:
            self.wrong.append(f"{rpc} {key}: nobody asked for it")

    def _judge_jobs(self, rpc: str, there: set[str]) -> None:
        """Every job is one that some change was told of, but for those whose callers gave up."""
        told = Counter(outcome.answer["job"]["id"] for outcome in self.of(rpc) if outcome.done)
        for job, count in told.items():
            if count > 1 or job not in there:
                self.wrong.append(f"{rpc}: job {job} was told {count} times, and is {'' if job in there else 'not '}there")
        given_up = sum(not outcome.done for outcome in self.of(rpc))
        if len(there - told.keys()) > given_up:
            self.wrong.append(f"{rpc}: {len(there - told.keys())} jobs that nobody was told of, and {given_up} changes given up")

    def _compare_backups(self) -> None:
        jobs = self._backup_jobs()
        new = [job for job in jobs if job["BackupJobId"] not in self.jobs_before]
        self._judge_jobs("JobService/StartBackup", {job["BackupJobId"] for job in new})
        bad = [job for job in new if job["State"] != "COMPLETED"]
        self.wrong += [f"backup job {job['BackupJobId']} is {job['State']}: {job.get('StatusMessage')}" for job in bad]
        marks = Counter()
        for arn, tags in self._region()["tags"].items():
            if "change" in tags and "awsbackup" in arn:
                marks[tags["change"]] += 1
        self._judge("JobService/StartBackup", marks, str)

    def _compare_copies(self) -> None:
        jobs = self._all("list_copy_jobs", "CopyJobs")
        self._judge_jobs("JobService/StartCopy", {job["CopyJobId"] for job in jobs})
        points = self._all("list_recovery_points_by_backup_vault", "RecoveryPoints", BackupVaultName=COPIES)
        marks = Counter(point["Lifecycle"]["DeleteAfterDays"] for point in points)
        self._judge("JobService/StartCopy", marks, lambda number: 100 + number)

    def _compare_restores(self) -> None:
        jobs = self._all("list_restore_jobs", "RestoreJobs")
        self._judge_jobs("JobService/StartRestore", {job["RestoreJobId"] for job in jobs})
        made = Counter(set(self._instances()) - self.databases_before)
        self._judge("JobService/StartRestore", made, restored)

    def _compare_plans(self) -> None:
        plans = [plan for plan in self._all("list_backup_plans", "BackupPlansList") if plan["BackupPlanName"] != PLAN]
        self._judge("PlanService/CreatePlan", Counter(plan["BackupPlanName"] for plan in plans), lambda n: f"plan-{n}")
        for plan in plans:
            versions = self._all("list_backup_plan_versions", "BackupPlanVersionsList", BackupPlanId=plan["BackupPlanId"])
            if len(versions) != 1:
                self.wrong.append(f"plan {plan['BackupPlanName']} has {len(versions)} versions")

    def _compare_selections(self) -> None:
        backup = self.aws.backup
        listed = self._all("list_backup_selections", "BackupSelectionsList", BackupPlanId=self.plan)
        names = Counter(selection["SelectionName"] for selection in listed)
        strays = names.keys() - {name(number) for name in (created, target) for number in range(len(self.asked))}
        of = {kind: Counter({name: n for name, n in names.items() if name.startswith(kind)}) for kind in ("created-", "target-")}
        self._judge("PlanService/CreateSelection", of["created-"], created)
        self._judge("PlanService/ReplaceSelection", of["target-"] - Counter(strays), target)
        by_name = {selection["SelectionName"]: selection["SelectionId"] for selection in listed}
        given_up = [outcome for outcome in self.of("PlanService/ReplaceSelection") if not outcome.done]
        # Each replacement that was given up may have left its stand-in.
        if len(strays) > len(given_up):
            self.wrong.append(f"selections that nobody asked for: {strays}")
        for outcome in self.of("PlanService/ReplaceSelection") + self.of("PlanService/CreateSelection"):
            number = outcome.asked.number
            name = (target if "Replace" in outcome.asked.rpc else created)(number)
            if outcome.done and name in by_name:
                document = backup.get_backup_selection(BackupPlanId=self.plan, SelectionId=by_name[name])["BackupSelection"]
                equals = document.get("Conditions", {}).get("StringEquals", [])
                if [test["ConditionValue"] for test in equals] != [str(number)]:
                    self.wrong.append(f"selection {name} is answered as made, and selects {document}")

    def _compare_vaults(self) -> None:
        vaults = {vault["BackupVaultName"] for vault in self._all("list_backup_vaults", "BackupVaultList")}
        for outcome in self.of("VaultService/DeleteVault"):
            if outcome.done and doomed(outcome.asked.number) in vaults:
                self.wrong.append(f"vault {doomed(outcome.asked.number)} is answered as deleted, and is there")
        strays = {vault for vault in vaults if not vault.startswith("doomed-")} ^ {SOURCE, BACKUPS, COPIES}
        if strays:
            self.wrong.append(f"vaults that are there or gone though nobody asked for it: {strays}")
        if sorted(self._points(SOURCE)) != sorted(self.points):
            self.wrong.append("the points of a vault that nobody deletes have changed")
        # What was in a vault that is gone is gone with it.
        points = self._region()["backup"]["recovery_points"]
        held = sum(len(self._points(vault)) for vault in vaults)
        if points != held:
            self.wrong.append(f"{points} recovery points are there, {held} of them in vaults")

    def _region(self) -> dict:
        return self.sandbox.state()["accounts"][ACCOUNT]["regions"][REGION]

    def _instances(self) -> list[str]:
        return [instance["arn"].rpartition(":")[2] for instance in self._region()["rds"]["instances"]]

    def _backup_jobs(self) -> list[dict]:
        return self._all("list_backup_jobs", "BackupJobs")

    def _points(self, vault: str) -> list[str]:
        points = self._all("list_recovery_points_by_backup_vault", "RecoveryPoints", BackupVaultName=vault)
        return [point["RecoveryPointArn"] for point in points]

    def _all(self, operation: str, member: str, **arguments) -> list[dict]:
        pages = self.aws.backup.get_paginator(operation).paginate(**arguments)
        return [item for page in pages for item in page[member]]


def doomed(number: int) -> str:
    return f"doomed-{number}"


def target(number: int) -> str:
    return f"target-{number}"


def created(number: int) -> str:
    return f"created-{number}"


def restored(number: int) -> str:
    return f"restored-{number}"


def condition(number: int) -> dict:
    return {"key": "campaign", "value": str(number)}

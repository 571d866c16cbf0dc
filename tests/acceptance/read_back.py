"""What Terraform has made, read through Strongroom's API: every attribute of the state must be found there.

A resource type or an attribute that nobody has thought of here is a failure, so that nothing is passed over in silence.
"""

import json
from collections.abc import Callable

OPERATORS = {
    "string_equals": "OPERATOR_EQUALS",
    "string_not_equals": "OPERATOR_NOT_EQUALS",
    "string_like": "OPERATOR_LIKE",
    "string_not_like": "OPERATOR_NOT_LIKE",
}
PREFIX = "aws:ResourceTag/"


class Attributes:
    """The attributes of one resource in the state. Each must be taken; what is left at the end is lost."""

    def __init__(self, address: str, values: dict):
        self.address, self.left = address, dict(values)

    def take(self, name: str, default=None):
        value = self.left.pop(name, None)
        return default if value is None else value

    def ignore(self, why: str, *names: str) -> None:
        assert why
        for name in names:
            self.left.pop(name, None)

    def done(self) -> None:
        assert not self.left, f"{self.address}: nobody reads back {self.left}"


def resources(module: dict):
    """Every managed resource of a module of the state and of those below it."""
    yield from (resource for resource in module.get("resources", ()) if resource["mode"] == "managed")
    for child in module.get("child_modules", ()):
        yield from resources(child)


def compare_all(client, state: dict) -> dict[str, int]:
    """Reads every resource back; how many there were, by type."""
    counts: dict[str, int] = {}
    for resource in resources(state["values"]["root_module"]):
        kind = resource["type"]
        assert kind in READERS, f"{resource['address']}: nobody reads back a {kind}"
        attributes = Attributes(resource["address"], resource["values"])
        READERS[kind](client, attributes)
        attributes.done()
        counts[kind] = counts.get(kind, 0) + 1
    return counts


def plan(client, state: Attributes) -> None:
    shown = client.call("PlanService/GetPlan", plan=state.take("arn"))["plan"]
    settings = [
        {"resource_type": setting["resource_type"], "options": setting["backup_options"]}
        for setting in state.take("advanced_backup_setting", [])
    ]
    same(state, "id", shown["id"], state.take("id"))
    same(state, "name", shown["name"], state.take("name"))
    same(state, "version", shown["etag"], state.take("version"))
    same(state, "tags", shown["tags"], state.take("tags_all", {}))
    same(state, "advanced_backup_setting", shown["advanced_backup_settings"], settings)
    rules = {rule["rule_name"]: rule for rule in state.take("rule")}
    same(state, "rules", {rule["name"] for rule in shown["rules"]}, set(rules))
    for rule in shown["rules"]:
        compare_rule(rule, Attributes(f"{state.address} {rule['name']}", rules[rule["name"]]))
    state.ignore("tags_all has them", "tags")


def compare_rule(shown: dict, state: Attributes) -> None:
    shown = {key: value for key, value in shown.items() if key not in ("id", "name")}
    expected = {
        "vault": state.take("target_vault_name"),
        "schedule": state.take("schedule"),
        "schedule_timezone": state.take("schedule_expression_timezone"),
        "start_window_minutes": state.take("start_window"),
        "completion_window_minutes": state.take("completion_window"),
        "enable_continuous_backup": state.take("enable_continuous_backup", False),
        "recovery_point_tags": state.take("recovery_point_tags", {}),
        "lifecycle": lifecycle(state),
    }
    copies = [Attributes(f"{state.address} copy", copy) for copy in state.take("copy_action", [])]
    expected["copy_actions"] = sorted(map(copied, copies), key=by_vault)
    shown["copy_actions"] = sorted(shown["copy_actions"], key=by_vault)
    for name, value in expected.items():
        same(state, name, shown.pop(name), value)
    same(state, "more than Terraform knows", {name: value for name, value in shown.items() if value}, {})
    for part in [state, *copies]:
        part.ignore("the name is what it was found by", "rule_name")
        part.done()


def copied(copy: Attributes) -> dict:
    """A copy without a lifecycle is kept for ever, like a backup without one: so AWS takes it, and so it is told."""
    return {"destination_vault": copy.take("destination_vault_arn"), "lifecycle": lifecycle(copy)}


def by_vault(copy: dict) -> str:
    return copy["destination_vault"]


def lifecycle(state: Attributes) -> dict:
    """Terraform says 0 and nothing for never."""
    (block,) = state.take("lifecycle", []) or [{}]
    block = Attributes(f"{state.address} lifecycle", block)
    days, cold = block.take("delete_after"), block.take("cold_storage_after")
    expected = {"retention": "RETENTION_DAYS", "delete_after_days": days} if days else {"retention": "RETENTION_FOREVER"}
    if cold:
        expected["move_to_cold_storage_after_days"] = cold
    expected["archive_ebs_snapshots"] = block.take("opt_in_to_archive_for_supported_resources", False)
    expected["delete_after_event"] = ""  # Terraform has no word for it
    block.done()
    return expected


def selection(client, state: Attributes) -> None:
    plan_id, selection_id = state.take("plan_id"), state.take("id")
    shown = client.call("PlanService/GetSelection", plan=plan_id, selection=selection_id)["selection"]
    same(state, "name", shown["name"], state.take("name"))
    same(state, "iam_role_arn", shown["role_arn"], state.take("iam_role_arn"))
    same(state, "resources", sorted(shown["resources"]), sorted(state.take("resources", [])))
    same(state, "not_resources", sorted(shown["excluded_resources"]), sorted(state.take("not_resources", [])))
    blocks = [Attributes(f"{state.address} condition", block) for block in state.take("condition", [])]
    every = [
        condition(row["key"].removeprefix(PREFIX), row["value"], operator)
        for block in blocks
        for word, operator in OPERATORS.items()
        for row in block.take(word, [])
    ]
    some = [condition(tag["key"], tag["value"], "OPERATOR_EQUALS") for tag in state.take("selection_tag", [])]
    # Conditions must all hold, of selection tags one is enough: that is the difference which must not get lost.
    match, conditions, besides = ("MATCH_ALL", every, some) if every or not some else ("MATCH_ANY", some, [])
    same(state, "match", shown["match"], match)
    same(state, "conditions", ordered(shown["conditions"]), ordered(conditions))
    same(state, "selection_tag", ordered(shown["any_conditions"]), ordered(besides))
    for block in blocks:
        block.done()


def condition(key: str, value: str, operator: str) -> dict:
    return {"key": key, "operator": operator, "value": value}


def ordered(conditions: list[dict]) -> list[dict]:
    return sorted(conditions, key=lambda row: (row["key"], row["operator"], row["value"]))


def vault(client, state: Attributes) -> None:
    shown = client.call("VaultService/GetVault", vault=state.take("arn"))["vault"]
    same(state, "name", shown["name"], state.take("name"))
    same(state, "kms_key_arn", shown["encryption_key_arn"], state.take("kms_key_arn"))
    same(state, "tags", shown["tags"], state.take("tags_all", {}))
    same(state, "recovery_points", int(shown["recovery_point_count"]), state.take("recovery_points"))
    state.ignore("the name once more, and the tags", "id", "tags")
    state.ignore("what Terraform itself does", "force_destroy", "timeouts")


def vault_lock(client, state: Attributes) -> None:
    lock = client.call("VaultService/GetVault", vault=state.take("backup_vault_arn"))["vault"]["lock"]
    for ours, theirs in (("min_retention_days", "min_retention_days"), ("max_retention_days", "max_retention_days")):
        same(state, theirs, int(lock.get(ours, 0)), state.take(theirs, 0))
    compliance = state.left.get("changeable_for_days")
    same(state, "mode", lock["mode"], "LOCK_MODE_COMPLIANCE" if compliance else "LOCK_MODE_GOVERNANCE")
    # AWS takes a number of days and shows a date.
    same(state, "changeable_for_days", "lock_time" in lock, bool(state.take("changeable_for_days")))
    state.ignore("the vault's name", "id", "backup_vault_name")


def vault_policy(client, state: Attributes) -> None:
    shown = client.call("VaultService/GetVaultAccessPolicy", vault=state.take("backup_vault_arn"))
    same(state, "policy", json.loads(shown["policy"]), json.loads(state.take("policy")))
    state.ignore("the vault's name", "id", "backup_vault_name")


def vault_notifications(client, state: Attributes) -> None:
    shown = client.call("VaultService/GetVaultNotifications", vault=state.take("backup_vault_arn"))["notifications"]
    same(state, "sns_topic_arn", shown["topic"], state.take("sns_topic_arn"))
    same(state, "events", sorted(shown["events"]), sorted(state.take("backup_vault_events")))
    state.ignore("the vault's name", "id", "backup_vault_name")


def region_settings(client, state: Attributes) -> None:
    settings = client.call("AccountService/GetAccount")["account"]["settings"]
    opted, managed = settings["resource_type_opt_in"], settings["resource_type_management"]
    wanted = state.take("resource_type_opt_in_preference")
    same(state, "opt-in", {key: opted[key] for key in wanted}, wanted)
    same(state, "management", managed, state.take("resource_type_management_preference"))
    state.ignore("the region", "id")


def role(client, state: Attributes) -> None:
    shown = client.call("AccountService/GetServiceRole", role=state.take("arn"))["role"]
    same(state, "name", shown["name"], state.take("name"))
    same(state, "path", shown["path"], state.take("path"))
    same(state, "create_date", shown["create_time"], state.take("create_date"))
    same(state, "policies", set(shown["attached_policy_arns"]), set(state.take("managed_policy_arns", [])))
    inline = {policy["name"] for policy in state.take("inline_policy", [])}
    same(state, "inline", set(shown["inline_policy_names"]), inline)
    same(state, "trust", shown["trusts_backup"], "backup.amazonaws.com" in state.take("assume_role_policy"))
    why = "IAM's own affair: Strongroom says what a role is good for, not how it is described"
    state.ignore(why, "description", "tags", "tags_all", "max_session_duration", "permissions_boundary", "unique_id")
    state.ignore("the name once more, and what Terraform does", "id", "name_prefix", "force_detach_policies")


def attachment(client, state: Attributes) -> None:
    shown = client.call("AccountService/GetServiceRole", role=state.take("role"))["role"]
    assert state.take("policy_arn") in shown["attached_policy_arns"], state.address
    state.ignore("Terraform's own", "id")


def inline_policy(client, state: Attributes) -> None:
    shown = client.call("AccountService/GetServiceRole", role=state.take("role"))["role"]
    assert state.take("name") in shown["inline_policy_names"], state.address
    state.ignore("Strongroom does not read what inline policies allow", "policy")
    state.ignore("Terraform's own", "id", "name_prefix")


def own_policy(_, state: Attributes) -> None:
    """Seen where it is attached."""
    state.left.clear()


def same(state: Attributes, what: str, shown, made) -> None:
    assert shown == made, f"{state.address}: {what} reads {shown}, and was made {made}"


READERS: dict[str, Callable] = {
    "aws_backup_plan": plan,
    "aws_backup_region_settings": region_settings,
    "aws_backup_selection": selection,
    "aws_backup_vault": vault,
    "aws_backup_vault_lock_configuration": vault_lock,
    "aws_backup_vault_notifications": vault_notifications,
    "aws_backup_vault_policy": vault_policy,
    "aws_iam_policy": own_policy,
    "aws_iam_role": role,
    "aws_iam_role_policy": inline_policy,
    "aws_iam_role_policy_attachment": attachment,
}

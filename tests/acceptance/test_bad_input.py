"""Every RPC of the descriptor set, every field of its request, with what nobody should send.

The answer says what is wrong, by INVALID_ARGUMENT, NOT_FOUND or FAILED_PRECONDITION with details; the server never
fails, and nothing is half-done.
"""

import re
import uuid

import grpc
import pytest
from aws_clients import LABS, Aws
from bad_requests import (
    BASE,
    EMPTY_INSIDE,
    EMPTY_IS_FINE,
    ID,
    NOT_THERE_BY_DEFAULT,
    READS,
    WAYS,
    empty_required,
    may_be_taken,
)
from damage import damaged
from grpc_client import Client, Failure
from in_the_way import IN_THE_WAY

ORDERS = LABS.replace("rdspg-fcj-labs", "rdspg-orders")
AURORA = LABS.replace("db:rdspg-fcj-labs", "cluster:aurora-billing")
CLEAR = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.ABORTED,  # an etag that is not the thing's
}


@pytest.fixture(scope="module")
def world(one_server, one_sandbox):
    """Client, sandbox, and the names that BASE refers to. Made once: nothing here may change it."""
    one_sandbox.reset()
    one_sandbox.settings({"switches": {"organization": True}})
    aws = Aws(one_sandbox.url)
    role = aws.role("bad-input")
    backup = aws.backup
    backup.create_backup_vault(BackupVaultName="vault")
    aws.client("backup", "eu-west-1").create_backup_vault(BackupVaultName="elsewhere")
    continuous(backup, role)
    job = backup.start_backup_job(BackupVaultName="vault", ResourceArn=LABS, IamRoleArn=role)["BackupJobId"]
    one_sandbox.advance("2h")
    point = backup.describe_backup_job(BackupJobId=job)["RecoveryPointArn"]
    rule = {"RuleName": "r", "TargetBackupVaultName": "vault"}
    plan = backup.create_backup_plan(BackupPlan={"BackupPlanName": "plan", "Rules": [rule]})["BackupPlanId"]
    selection = {"SelectionName": "s", "IamRoleArn": role, "Resources": [LABS]}
    selection = backup.create_backup_selection(BackupPlanId=plan, BackupSelection=selection)["SelectionId"]
    span = {"FromDate": 0, "ToDate": 1}  # keeps nothing: what is to be deleted is free
    hold = backup.create_legal_hold(Title="hold", Description="d", RecoveryPointSelection={"DateRange": span})
    client = Client(one_server.address)
    names = {"$labs": LABS, "$job": job, "$point": point, "$plan": plan, "$selection": selection, "$role": role}
    names["$hold"] = hold["LegalHoldId"]
    for name, resource in {"$continuous": ORDERS, "$cluster": AURORA}.items():
        made = backup.list_recovery_points_by_resource(ResourceArn=resource)["RecoveryPoints"]
        names[name] = made[0]["RecoveryPointArn"]
    yield client, one_sandbox, names
    client.close()
    one_sandbox.settings({"switches": {"organization": False}})


def continuous(backup, role: str) -> None:
    """A plan that makes continuous recovery points of ORDERS and AURORA before two hours have passed."""
    rule = {"RuleName": "c", "TargetBackupVaultName": "vault", "ScheduleExpression": "cron(30 4 ? * * *)"}
    rule |= {"EnableContinuousBackup": True, "StartWindowMinutes": 60, "Lifecycle": {"DeleteAfterDays": 7}}
    plan = backup.create_backup_plan(BackupPlan={"BackupPlanName": "continuous", "Rules": [rule]})["BackupPlanId"]
    selection = {"SelectionName": "c", "IamRoleArn": role, "Resources": [ORDERS, AURORA]}
    backup.create_backup_selection(BackupPlanId=plan, BackupSelection=selection)


def named(value, names):
    """The request with the names of this world in place of the `$…`."""
    if isinstance(value, dict):
        return {key: named(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [named(inner, names) for inner in value]
    return names.get(value, value) if isinstance(value, str) else value


def methods(world):
    """Those of one answer."""
    return {rpc: method for rpc, method in world[0].methods() if not method.server_streaming}


def check(failure: Failure, reasons: dict, what: str):
    assert failure.code in CLEAR, f"{what}: {failure}"
    assert failure.info is not None, f"{what}: no ErrorInfo: {failure}"
    assert failure.info.domain == "strongroom", f"{what}: {failure.info}"
    assert f"ERROR_REASON_{failure.reason}" in reasons, f"{what}: undocumented reason {failure.reason}"
    assert len(failure.message) < 10_000, f"{what}: the message repeats the input"
    if failure.code == grpc.StatusCode.INVALID_ARGUMENT and failure.reason == "INVALID_REQUEST":
        assert failure.violations, f"{what}: no field violations"
        assert all(failure.violations.values()), f"{what}: a violation without words"


def check_request_id(failure: Failure, request, what: str):
    """Every error of a change says what to repeat it with: the request's own, or one that the server made."""
    if request.request_id in ("", ID):
        told = failure.request_id
        assert told == request.request_id or (not request.request_id and uuid.UUID(told)), f"{what}: {told!r}"


def outcome(client, rpc: str, request):
    try:
        client.send(rpc, request)
    except Failure as failure:
        return failure
    return None


def test_every_rpc_has_a_request_to_be_damaged(world):
    assert set(BASE) == set(methods(world))
    assert {rpc_of(way) for way in WAYS} == set(BASE)


def rpc_of(way: str) -> str:
    """`Service/Rpc` of a key of WAYS, which can say more."""
    return way.split(" ")[0]


@pytest.mark.parametrize("way", sorted(WAYS))
def test_the_undamaged_request_is_accepted(world, way):
    """Else the faults below would be found for a reason of their own."""
    client, sandbox, names = world
    rpc = rpc_of(way)
    fields = named(WAYS[way], names)
    if rpc not in READS:
        fields["validate_only"] = True
    state = sandbox.state()
    if rpc in IN_THE_WAY:
        failure = outcome(client, rpc, client.request(rpc, fields))
        missing = IN_THE_WAY[rpc].endswith("_NOT_FOUND")
        code = grpc.StatusCode.NOT_FOUND if missing else grpc.StatusCode.FAILED_PRECONDITION
        assert (failure.code, failure.reason) == (code, IN_THE_WAY[rpc]), failure
    else:
        answer = client.call(rpc, **fields)
        assert rpc in READS or answer["request_id"] == ID
    assert sandbox.state() == state, "a read or a validate_only has changed something"


@pytest.mark.parametrize("rpc", sorted(BASE))
def test_an_empty_request_names_every_missing_field(world, rpc):
    client, sandbox, _ = world
    state = sandbox.state()
    # A blank EnsureServiceRole is a good one; here it must not make the default role for the others to find.
    request = client.request(rpc, {"validate_only": True} if rpc in EMPTY_IS_FINE - READS else {})
    failure = outcome(client, rpc, request)
    if rpc in EMPTY_IS_FINE:
        assert (failure.reason if failure else None) == IN_THE_WAY.get(rpc), failure
        return
    assert failure is not None, "accepted"
    expected = grpc.StatusCode.NOT_FOUND if rpc in NOT_THERE_BY_DEFAULT else grpc.StatusCode.INVALID_ARGUMENT
    assert failure.code == expected, failure
    check(failure, client.enum("ErrorReason"), rpc)
    if rpc not in READS:
        check_request_id(failure, request, rpc)
    assert empty_required(rpc) <= failure.violations.keys(), f"not every fault at once: {failure}"
    assert sandbox.state() == state


@pytest.mark.parametrize("rpc", sorted(EMPTY_INSIDE))
def test_an_empty_message_inside_names_every_missing_field(world, rpc):
    client, _, _ = world
    inside = {path.partition(".")[0] for path in EMPTY_INSIDE[rpc]}
    failure = outcome(client, rpc, client.request(rpc, {name: {} for name in inside}))
    assert failure is not None, "accepted"
    check(failure, client.enum("ErrorReason"), rpc)
    assert EMPTY_INSIDE[rpc] <= failure.violations.keys(), f"not every fault at once: {failure}"


@pytest.mark.parametrize("way", sorted(WAYS))
def test_a_damaged_request_is_refused_and_nothing_is_done(world, way):
    client, sandbox, names = world
    rpc = rpc_of(way)
    reasons = client.enum("ErrorReason")
    base = client.request(rpc, named(WAYS[way], names))
    faults = []
    for path, damage, request in damaged(base):
        what = f"{way} {path} = {damage}"
        optional = may_be_taken(rpc, path, damage)
        if optional and rpc not in READS and ("/Delete" in rpc or damage == "an unknown id"):
            continue  # it would delete what the others look at, or make what they must not find
        state = None if rpc in READS else sandbox.state()
        failure = outcome(client, rpc, request)
        try:
            if failure is None:
                assert optional, f"{what}: accepted"
                assert "etag" not in path or sandbox.state() == state, f"{what}: overwritten all the same"
            elif failure.reason == "REQUEST_TOO_LARGE":
                # At the door, before anybody reads it: no request_id either.
                assert damage == "600 times" and failure.code == grpc.StatusCode.OUT_OF_RANGE, f"{what}: {failure}"
            else:
                check(failure, reasons, what)
                if rpc not in READS:
                    check_request_id(failure, request, what)
                if failure.reason == "INVALID_REQUEST":
                    about = re.split(r"[.\[]", path)[0]
                    assert any(about in field for field in failure.violations), f"{what}: about {failure.violations}"
            if state is not None and failure is not None:
                assert sandbox.state() == state, f"{what}: refused and done all the same"
        except AssertionError as fault:
            faults.append(str(fault).splitlines()[0][:400])
    assert faults == []


@pytest.mark.parametrize("rpc", sorted(BASE))
def test_bytes_that_are_no_request_are_refused(world, rpc):
    """Garbage on the wire: an invalid tag, a length beyond the end, an account that is not UTF-8."""
    client = world[0]
    send = client.channel.unary_unary(f"/strongroom.v1.{rpc}", request_serializer=bytes, response_deserializer=bytes)
    for garbage in (b"\xff\xff\xff\xff", b"\x0a\xff\x01", b"\x0a\x04\x0a\x02\xff\xfe"):
        if rpc in ("ServerService/GetServerInfo", "AccessService/WhoAmI"):
            continue  # an empty message skips unknown fields, as protobuf demands
        with pytest.raises(grpc.RpcError) as refused:
            send(garbage, timeout=30)
        assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_a_message_beyond_the_limit_is_refused(world):
    client = world[0]
    limit = int(client.call("ServerService/GetServerInfo")["limits"]["max_request_bytes"])
    with pytest.raises(Failure) as refused:
        client.call("VaultService/GetVault", vault="x" * (limit + 1))
    assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.OUT_OF_RANGE, "REQUEST_TOO_LARGE")


def test_the_server_is_as_well_as_before(world):
    client, _, _ = world
    assert client.call("VaultService/GetVault", vault="vault")["vault"]["name"] == "vault"

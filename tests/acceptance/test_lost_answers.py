"""Clients whose answer is lost, with code generated from proto/: they repeat, and it is done once."""

import json
import uuid

import grpc
import pytest
from grpc_errors import error_info


def test_a_lost_answer_is_repeated_by_the_request_id_of_the_error(channel, sandbox, aws):
    from strongroom.v1 import job_queries_pb2 as queries
    from strongroom.v1 import job_service_pb2 as job
    from strongroom.v1 import job_service_pb2_grpc

    aws.role("backup")
    aws.backup.create_backup_vault(BackupVaultName="nightly")
    jobs = job_service_pb2_grpc.JobServiceStub(channel)
    # AWS starts the job, and no answer of it arrives, however often the server itself tries.
    fault = {"service": "backup", "operation": "StartBackupJob", "rate": 1.0, "effect": "drop_after"}
    sandbox.control("POST", "faults", fault)
    start_backup = job.StartBackupRequest(resource="rdspg-fcj-labs", vault="nightly", role="backup")
    with pytest.raises(grpc.RpcError) as lost:
        jobs.StartBackup(start_backup)
    info = error_info(lost.value)
    assert (lost.value.code(), info.reason) == (grpc.StatusCode.UNAVAILABLE, "OUTCOME_UNKNOWN")
    sandbox.control("DELETE", "faults")
    start_backup.request_id = info.metadata["request_id"]
    repeated = jobs.StartBackup(start_backup)
    assert repeated.request_id == info.metadata["request_id"]
    (only,) = jobs.ListJobs(queries.ListJobsRequest()).jobs
    assert only.id == repeated.job.id


def test_a_library_that_retries_by_itself_makes_no_second_job(generated, server, sandbox, aws):
    from strongroom.v1 import job_queries_pb2 as queries
    from strongroom.v1 import job_service_pb2 as job
    from strongroom.v1 import job_service_pb2_grpc

    aws.role("backup")
    aws.backup.create_backup_vault(BackupVaultName="nightly")
    retry = {"maxAttempts": 3, "initialBackoff": "0.1s", "maxBackoff": "1s", "backoffMultiplier": 2}
    retry["retryableStatusCodes"] = ["UNAVAILABLE"]
    config = {"methodConfig": [{"name": [{"service": "strongroom.v1.JobService"}], "retryPolicy": retry}]}
    # The first attempt starts a job, and its answer is lost as often as the server tries (aws.max_attempts).
    fault = {"service": "backup", "operation": "StartBackupJob", "next": 4, "effect": "drop_after"}
    start_backup = job.StartBackupRequest(resource="rdspg-fcj-labs", vault="nightly", role="backup")
    with grpc.insecure_channel(server.address, options=[("grpc.service_config", json.dumps(config))]) as channel:
        jobs = job_service_pb2_grpc.JobServiceStub(channel)
        sandbox.control("POST", "faults", fault)
        with pytest.raises(grpc.RpcError) as lost:
            jobs.StartBackup(start_backup)
        # The library is told not to try again, for it would not have the request_id that its caller now has.
        info = error_info(lost.value)
        assert (lost.value.code(), info.reason) == (grpc.StatusCode.UNAVAILABLE, "OUTCOME_UNKNOWN")
        (only,) = jobs.ListJobs(queries.ListJobsRequest()).jobs
        start_backup.request_id = info.metadata["request_id"]
        assert jobs.StartBackup(start_backup).job.id == only.id

        start_backup.request_id = str(uuid.uuid4())
        sandbox.control("POST", "faults", fault)
        made = jobs.StartBackup(start_backup).job
        assert sandbox.control("GET", "faults")["faults"] == [], "the first attempt has been lost"
        listed = jobs.ListJobs(queries.ListJobsRequest()).jobs
        assert len(listed) == 2 and made.id in {found.id for found in listed}

"""GetVault as a team writes it in an afternoon: grpcio, a pool of threads, boto3.

    python benches/peers/service.py http://127.0.0.1:4566

Started by benches/side_by_side, which makes the stubs; tells its port on standard error.
"""

import sys
from concurrent.futures import ThreadPoolExecutor

import boto3
import grpc
from botocore.config import Config
from strongroom.v1 import vault_service_pb2, vault_service_pb2_grpc

THREADS = 32


class Vaults(vault_service_pb2_grpc.VaultServiceServicer):
    def __init__(self, endpoint):
        self.backup = boto3.client(
            "backup",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="bench",
            aws_secret_access_key="bench",
            config=Config(max_pool_connections=THREADS, retries={"mode": "standard"}),
        )

    def GetVault(self, request, context):
        try:
            vault = self.backup.describe_backup_vault(BackupVaultName=request.vault)
            tags = self.backup.list_tags(ResourceArn=vault["BackupVaultArn"])["Tags"]
        except self.backup.exceptions.ResourceNotFoundException as error:
            context.abort(grpc.StatusCode.NOT_FOUND, str(error))
        answer = vault_service_pb2.GetVaultResponse()
        answer.vault.name = vault["BackupVaultName"]
        answer.vault.arn = vault["BackupVaultArn"]
        answer.vault.recovery_point_count = vault["NumberOfRecoveryPoints"]
        answer.vault.create_time.FromDatetime(vault["CreationDate"])
        for key, value in tags.items():
            answer.vault.tags[key] = value
        return answer


def main(endpoint):
    server = grpc.server(ThreadPoolExecutor(max_workers=THREADS))
    vault_service_pb2_grpc.add_VaultServiceServicer_to_server(Vaults(endpoint), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(f"address=127.0.0.1:{port}", file=sys.stderr, flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main(*sys.argv[1:])

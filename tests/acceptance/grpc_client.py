"""A gRPC client that knows nothing but what reflection tells it."""

import grpc
from google.protobuf import descriptor_pool, json_format, message_factory
from google.rpc import error_details_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

PACKAGE = "strongroom.v1"


def told_by_server(error: grpc.RpcError):
    """What the server said, if it is that which the library tells: where its own deadline passes while the trailers arrive, it has the
    server's details beside a message of its own, and `rpc_status` takes offence."""
    try:
        return rpc_status.from_call(error)
    except ValueError:
        if error.code() is not grpc.StatusCode.DEADLINE_EXCEEDED:
            raise
        return None


class Failure(Exception):
    """An error answer with its details."""

    def __init__(self, error: grpc.RpcError):
        self.code, self.message = error.code(), error.details()
        self.info, self.violations, self.retry = None, {}, None
        status = told_by_server(error)
        for detail in status.details if status else ():
            for kind in (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.RetryInfo):
                if detail.Is(kind.DESCRIPTOR):
                    unpacked = kind()
                    detail.Unpack(unpacked)
                    self._keep(unpacked)
        super().__init__(f"{self.code.name} {self.reason}: {self.message} {self.violations or ''}")

    def _keep(self, detail):
        if isinstance(detail, error_details_pb2.ErrorInfo):
            self.info = detail
        elif isinstance(detail, error_details_pb2.BadRequest):
            self.violations = {violation.field: violation.description for violation in detail.field_violations}
        else:
            self.retry = detail.retry_delay.ToTimedelta()

    @property
    def reason(self) -> str:
        return self.info.reason if self.info else ""

    @property
    def request_id(self) -> str:
        """What to repeat a change with."""
        return self.info.metadata["request_id"] if self.info else ""


class Stream:
    """What a stream tells. A failure is a `Failure`, as of any call."""

    def __init__(self, call):
        self.call = call

    def __iter__(self):
        try:
            for message in self.call:
                yield json_format.MessageToDict(message, preserving_proto_field_name=True)
        except grpc.RpcError as error:
            raise Failure(error) from None

    def cancel(self):
        self.call.cancel()


class Client:
    """`client.call("VaultService/GetVault", vault="x")`: a dict in the proto's field names, defaults included."""

    def __init__(self, address: str):
        self.channel = grpc.insecure_channel(address, options=[("grpc.max_send_message_length", 64 << 20)])
        self.database = ProtoReflectionDescriptorDatabase(self.channel)
        self.pool = descriptor_pool.DescriptorPool(self.database)

    def close(self):
        self.channel.close()

    def methods(self):
        """Every RPC of the package: `Service/Rpc` and its descriptor."""
        for name in sorted(self.database.get_services()):
            if name.startswith(f"{PACKAGE}."):
                for method in self.pool.FindServiceByName(name).methods:
                    yield f"{method.containing_service.name}/{method.name}", method

    def enum(self, name: str) -> dict[str, int]:
        return {value.name: value.number for value in self.pool.FindEnumTypeByName(f"{PACKAGE}.{name}").values}

    def request(self, rpc: str, fields: dict):
        """The request message; unknown enum values as numbers."""
        message = message_factory.GetMessageClass(self._method(rpc).input_type)()
        return json_format.ParseDict(fields, message)

    def call(self, rpc: str, _timeout: float = 60, **fields) -> dict:
        return self.send(rpc, self.request(rpc, fields), _timeout)

    def send(self, rpc: str, request, timeout: float = 60) -> dict:
        response = message_factory.GetMessageClass(self._method(rpc).output_type)
        send = self.channel.unary_unary(
            f"/{PACKAGE}.{rpc}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=response.FromString,
        )
        try:
            answer = send(request, timeout=timeout)
        except grpc.RpcError as error:
            raise Failure(error) from None
        return json_format.MessageToDict(
            answer, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )

    def stream(self, rpc: str, _timeout: float = 60, **fields):
        """The messages of a stream as they come, as dicts; `cancel()` hangs up."""
        response = message_factory.GetMessageClass(self._method(rpc).output_type)
        begin = self.channel.unary_stream(
            f"/{PACKAGE}.{rpc}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=response.FromString,
        )
        return Stream(begin(self.request(rpc, fields), timeout=_timeout))

    def _method(self, rpc: str):
        service, _, method = rpc.partition("/")
        return self.pool.FindServiceByName(f"{PACKAGE}.{service}").methods_by_name[method]

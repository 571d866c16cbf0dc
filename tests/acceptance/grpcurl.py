"""What the documentation needs of grpcurl, for machines that have none: reflection, JSON in, JSON out.

    grpcurl [-plaintext] [-d JSON | -d @] [-H 'name: value']... [-emit-defaults] [-max-time SECONDS] HOST:PORT
            list [SERVICE] | describe [SYMBOL] | SERVICE/METHOD

Output, error format and exit codes (64 and the gRPC code on top) are grpcurl's. With GRPCURL_LOG in the environment,
each call leaves a line `METHOD CODE` in that file, by which the runners of documentation know what was called.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

# Their imports put the types of error details into the pool that Any is printed with.
from google.rpc import code_pb2, error_details_pb2, status_pb2  # noqa: F401
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase


def main() -> int:
    parser = argparse.ArgumentParser(prog="grpcurl", allow_abbrev=False)
    parser.add_argument("-plaintext", action="store_true")
    parser.add_argument("-emit-defaults", action="store_true")
    parser.add_argument("-d", default="")
    parser.add_argument("-H", action="append", default=[])
    parser.add_argument("-max-time", type=float)
    parser.add_argument("address")
    parser.add_argument("what")
    parser.add_argument("symbol", nargs="?")
    arguments = parser.parse_args()
    if not arguments.plaintext:
        parser.error("this stand-in speaks plaintext only")
    with grpc.insecure_channel(arguments.address) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        pool = descriptor_pool.DescriptorPool(database)
        if arguments.what == "list":
            return list_(database, pool, arguments.symbol)
        if arguments.what == "describe":
            return describe(database, pool, arguments.symbol)
        return call(channel, pool, arguments)


def list_(database, pool, service: str | None) -> int:
    if service is None:
        print("\n".join(sorted(database.get_services())))
    else:
        print("\n".join(sorted(method.full_name for method in pool.FindServiceByName(service).methods)))
    return 0


def describe(database, pool, symbol: str | None) -> int:
    for name in [symbol] if symbol else sorted(database.get_services()):
        file = pool.FindFileContainingSymbol(name)
        for kind, proto, found in (
            ("service", descriptor_pb2.ServiceDescriptorProto, file.services_by_name),
            ("message", descriptor_pb2.DescriptorProto, file.message_types_by_name),
            ("enum", descriptor_pb2.EnumDescriptorProto, file.enum_types_by_name),
        ):
            if (descriptor := found.get(name.rpartition(".")[2])) and descriptor.full_name == name:
                shown = proto()
                descriptor.CopyToProto(shown)
                print(f"{name} is a {kind}:\n{shown}")
    return 0


def call(channel, pool, arguments) -> int:
    service, _, name = arguments.what.replace("/", ".").rpartition(".")
    try:
        method = pool.FindServiceByName(service).methods_by_name[name]
    except KeyError:
        print(f'Error invoking method "{arguments.what}": service or method not found', file=sys.stderr)
        return 1
    body = sys.stdin.read() if arguments.d == "@" else arguments.d
    try:
        request = message_factory.GetMessageClass(method.input_type)()
        json_format.Parse(body.strip() or "{}", request, descriptor_pool=pool)
    except json_format.ParseError as wrong:
        print(f'Error invoking method "{arguments.what}": error getting request data: {wrong}', file=sys.stderr)
        return 1
    send = channel.unary_stream if method.server_streaming else channel.unary_unary
    answers = send(
        f"/{service}/{name}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
    )
    headers = [(key.strip().lower(), value.strip()) for key, _, value in (header.partition(":") for header in arguments.H)]
    code = grpc.StatusCode.OK
    try:
        answer = answers(request, timeout=arguments.max_time, metadata=headers)
        for message in answer if method.server_streaming else [answer]:
            print(as_json(message, pool, arguments.emit_defaults), flush=True)
    except grpc.RpcError as error:
        code = error.code()
        print(told(error), file=sys.stderr)
    if log := os.environ.get("GRPCURL_LOG"):
        with Path(log).open("a") as calls:
            calls.write(f"{service}/{name} {code.name}\n")
    number = code.value[0]
    return 64 + number if number else 0


def as_json(message, pool, defaults: bool) -> str:
    return json_format.MessageToJson(
        message, always_print_fields_with_no_presence=defaults, descriptor_pool=pool, ensure_ascii=False
    )


def told(error) -> str:
    """The error as grpcurl shows it, with its details."""
    lines = ["ERROR:", f"  Code: {camel(error.code().name)}", f"  Message: {error.details()}"]
    packed = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
    details = status_pb2.Status.FromString(packed).details if packed else ()
    if details:
        lines.append("  Details:")
    for number, detail in enumerate(details, 1):
        shown = json.dumps(json_format.MessageToDict(detail), indent=2, ensure_ascii=False)
        lines.append(f"  {number})\t" + shown.replace("\n", "\n    \t"))
    return "\n".join(lines)


def camel(name: str) -> str:
    """NOT_FOUND as grpc-go writes it, NotFound; and its one exception."""
    return "OK" if name == "OK" else name.title().replace("_", "").replace("Cancelled", "Canceled")


if __name__ == "__main__":
    sys.exit(main())

"""What leaves over OTLP, as a collector nobody here wrote receives it, and the official stubs after that."""

import secrets

import grpc
import pytest
from collector import Collector, Sink, attributes, certificates
from google.protobuf import message_factory
from grpc_client import PACKAGE, Client
from processes import EmbeddedSandbox, free_address


@pytest.fixture
def sink():
    sink = Sink()
    yield sink
    sink.stop()


@pytest.fixture
def serving(binary, tmp_path):
    """Starts `serve --sandbox` that sends its telemetry to an endpoint."""
    worlds = []

    def start(endpoint: str, **settings) -> EmbeddedSandbox:
        # What is not sent before is sent at the end.
        settings = {"otlp_endpoint": endpoint, "metrics_interval": "1h"} | settings
        flags = [part for key, value in settings.items() for part in ("--set", f"telemetry.{key}={value}")]
        worlds.append(EmbeddedSandbox(binary, tmp_path / "serve.log", "--log-format", "json", *flags))
        return worlds[-1]

    yield start
    for world in worlds:
        world.process.kill()


@pytest.fixture
def collector(sink, tmp_path):
    collector = Collector(tmp_path / "rotel.log", sink)
    yield collector
    assert collector.process.stop() == 0


class Traced:
    """A caller that has a trace of its own."""

    def __init__(self, address: str):
        self.client = Client(address)
        self.trace, self.span = secrets.token_hex(16), secrets.token_hex(8)

    def call(self, rpc: str, **fields) -> grpc.StatusCode:
        service, method = rpc.split("/")
        method = self.client.pool.FindServiceByName(f"{PACKAGE}.{service}").FindMethodByName(method)
        request, answer = (message_factory.GetMessageClass(kind) for kind in (method.input_type, method.output_type))
        ask = self.client.channel.unary_unary(
            f"/{PACKAGE}.{rpc}", request_serializer=request.SerializeToString, response_deserializer=answer.FromString
        )
        try:
            ask(request(**fields), timeout=30, metadata=[("traceparent", f"00-{self.trace}-{self.span}-01")])
        except grpc.RpcError as error:
            return error.code()
        return grpc.StatusCode.OK


def one(things, what):
    found = [thing for thing in things if what(thing)]
    assert len(found) == 1, found
    return found[0]


def test_a_trace_leads_from_the_client_through_the_rpc_to_the_call_to_aws(serving, collector, sink):
    world = serving(f"http://{collector.address}")
    caller = Traced(world.server.address)
    assert caller.call("VaultService/CreateVault", name="traced") is grpc.StatusCode.OK
    assert caller.call("VaultService/GetVault", vault="none") is grpc.StatusCode.NOT_FOUND
    assert world.process.stop() == 0

    spans = sink.wait(lambda: len(sink.spans(caller.trace)) >= 4 and sink.spans(caller.trace))
    rpc = one(spans, lambda span: span.name.endswith("VaultService/CreateVault"))
    assert rpc.parent_span_id.hex() == caller.span and rpc.kind == rpc.SPAN_KIND_SERVER
    aws = one(spans, lambda span: span.name.endswith("CreateBackupVault"))
    assert aws.parent_span_id == rpc.span_id and aws.kind == aws.SPAN_KIND_CLIENT
    assert attributes(aws)["aws.region"] == "us-east-1"

    lines = sink.wait(lambda: sink.lines(caller.trace))
    told = one(lines, lambda line: attributes(line).get("method", "").endswith("CreateVault"))
    assert told.span_id == rpc.span_id and told.severity_text == "INFO"
    failed = one(lines, lambda line: attributes(line).get("method", "").endswith("GetVault"))
    assert attributes(failed)["code"] == "NOT_FOUND"

    metrics = sink.wait(lambda: "rpc.server.call.duration" in sink.metrics() and sink.metrics())
    calls = {attributes(point)["rpc.method"]: point for point in metrics["rpc.server.call.duration"].histogram.data_points}
    assert calls[f"{PACKAGE}.VaultService/CreateVault"].count == 1
    assert metrics["rpc.server.call.duration"].unit == "s"
    assert {"strongroom.aws.calls", "process.uptime", "strongroom.build.info"} <= set(metrics)

    resource = sink.resources()[0]
    assert resource["service.name"] == "strongroom" and resource["service.version"] and resource["service.instance.id"]
    # Nothing of health, reflection or the exporters' own sending.
    assert all("grpc.health" not in span.name and "opentelemetry" not in span.name for span in sink.spans())

def test_what_is_sent_is_encrypted_for_a_collector_of_an_own_ca(serving, tmp_path):
    ca, certificate, key = certificates(tmp_path)
    pair = (key.read_bytes(), certificate.read_bytes())
    # The collector asks for a certificate too, and takes those of the same CA.
    sink = Sink(grpc.ssl_server_credentials([pair], ca.read_bytes(), require_client_auth=True))
    files = {"otlp_ca_file": ca, "otlp_certificate_file": certificate, "otlp_key_file": key}
    world = serving(f"https://127.0.0.1:{sink.port}", **files)
    caller = Traced(world.server.address)
    assert caller.call("VaultService/CreateVault", name="encrypted") is grpc.StatusCode.OK
    assert world.process.stop() == 0
    assert sink.spans(caller.trace) and sink.lines(caller.trace) and sink.metrics()
    sink.stop()


def test_a_collector_that_is_not_there_costs_nobody_a_call_and_is_told_about(serving):
    world = serving(f"http://{free_address()}", metrics_interval="1s")
    caller = Traced(world.server.address)
    assert caller.call("VaultService/CreateVault", name="alone") is grpc.StatusCode.OK
    world.process.wait_until(lambda: "ExportError" in world.server.log.read_text())
    assert caller.call("VaultService/GetVault", vault="alone") is grpc.StatusCode.OK
    assert world.process.stop() == 0
    told = [line for line in world.server.log.read_text().splitlines() if "PeriodicReader.ExportError" in line]
    assert len(told) == 1, "once, and not with every batch"

"""Where telemetry arrives: a sink of OTLP made of the official stubs, and a collector that passes everything on to it."""

import subprocess
import threading
from concurrent import futures
from importlib import metadata
from pathlib import Path

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from processes import Process, free_address

ARRIVAL = 30.0


class Sink:
    """Takes traces, metrics and logs, and keeps them."""

    def __init__(self, credentials: grpc.ServerCredentials | None = None):
        self.requests = {"traces": [], "metrics": [], "logs": []}
        self.came = threading.Condition()
        self.server = grpc.server(futures.ThreadPoolExecutor(4))
        services = [
            ("traces", trace_service_pb2_grpc.add_TraceServiceServicer_to_server, trace_service_pb2.ExportTraceServiceResponse),
            (
                "metrics",
                metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server,
                metrics_service_pb2.ExportMetricsServiceResponse,
            ),
            ("logs", logs_service_pb2_grpc.add_LogsServiceServicer_to_server, logs_service_pb2.ExportLogsServiceResponse),
        ]
        for signal, add, answer in services:
            add(self._taker(signal, answer), self.server)
        if credentials is None:
            self.port = self.server.add_insecure_port("127.0.0.1:0")
        else:
            self.port = self.server.add_secure_port("127.0.0.1:0", credentials)
        self.server.start()

    def _taker(self, signal, answer):
        class Taker:
            def Export(_, request, context):
                with self.came:
                    self.requests[signal].append(request)
                    self.came.notify_all()
                return answer()

        return Taker()

    def wait(self, there):
        """What `there` finds, once it finds any of it."""
        with self.came:
            if not self.came.wait_for(there, ARRIVAL):
                had = {signal: len(requests) for signal, requests in self.requests.items()}
                raise AssertionError(f"it did not arrive; batches: {had}, spans: {[span.name for span in self.spans()]}")
            return there()

    def resources(self):
        resources = [each.resource for request in self.requests["traces"] for each in request.resource_spans]
        return [attributes(resource) for resource in resources]

    def spans(self, trace: str | None = None):
        batches = (scope for request in self.requests["traces"] for each in request.resource_spans for scope in each.scope_spans)
        return [span for scope in batches for span in scope.spans if trace in (None, span.trace_id.hex())]

    def lines(self, trace: str | None = None):
        batches = (scope for request in self.requests["logs"] for each in request.resource_logs for scope in each.scope_logs)
        return [line for scope in batches for line in scope.log_records if trace in (None, line.trace_id.hex())]

    def metrics(self):
        batches = (
            scope for request in self.requests["metrics"] for each in request.resource_metrics for scope in each.scope_metrics
        )
        return {metric.name: metric for scope in batches for metric in scope.metrics}

    def stop(self):
        self.server.stop(None)


def attributes(of) -> dict[str, object]:
    """What stands in the attributes of anything that has some."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in of.attributes}


class Collector:
    """rotel between the program and the sink, batches and all."""

    def __init__(self, log: Path, sink: Sink):
        self.address = free_address()
        package = metadata.distribution("rotel")
        agent = next(Path(file.locate()) for file in package.files if file.name == "rotel-agent")
        self.process = Process(
            log,
            agent,
            "start",
            *("--otlp-grpc-endpoint", self.address),
            *("--otlp-http-endpoint", free_address()),
            *("--pid-file", log.with_suffix(".pid"), "--exporter", "otlp"),
            *("--otlp-exporter-endpoint", f"http://127.0.0.1:{sink.port}"),
        )
        self.process.wait_until(self._listens)

    def _listens(self) -> bool:
        with grpc.insecure_channel(self.address) as channel:
            try:
                grpc.channel_ready_future(channel).result(timeout=1)
            except grpc.FutureTimeoutError:
                return False
        return True


def certificates(folder: Path) -> tuple[Path, Path, Path]:
    """A CA of its own, and the certificate and key of 127.0.0.1 that it has signed."""

    def openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, cwd=folder)

    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
    openssl("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=a CA of the tests")
    openssl("req", *curve[:-2], "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=collector")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names")
    openssl("x509", "-req", "-in", "server.csr", *signed, "-out", "server.pem")
    return folder / "ca.pem", folder / "server.pem", folder / "server.key"

"""What one client may do to the others, tried on a container with no more memory than the chart gives it.

The attacks are those of tests/acceptance; what they hold of a server that runs free, they hold of this one.
"""

import contextlib

import pytest
from processes import serves
from test_floods import (  # noqa: F401 (run here too, with the flood below)
    Flood,
    never_finish,
    test_a_hundred_thousand_streams_half_open_on_one_connection,
    test_bytes_one_by_one_into_streams_that_nobody_reads,
    test_connections_that_say_nothing,
    test_frames_that_cost_nothing_to_send,
    test_messages_that_are_never_finished,
    test_streams_that_never_end,
)
from test_heavy_requests import test_what_one_client_sends_costs_little_memory  # noqa: F401 (likewise)

MIB = 2**20


@pytest.fixture
def lone(server, request, tell):
    """The container that is attacked, and whether it lives on."""
    yield server
    assert serves(server.address)
    assert server.killed_for_memory() == 0
    peak, limit = server.memory_peak() / MIB, server.memory_limit() / MIB
    tell(f"memory: {peak:.0f} of {limit:.0f} MiB at the peak of {request.node.name}")
    assert server.stop() == 0, "an attack does not hold the server when it stops"


@pytest.fixture
def flood(lone):
    return Flood(lone)


def test_with_less_memory_an_attack_ends_it(start, image, pod, tmp_path):
    """Else the limit would be none, and the attacks would prove nothing."""
    container = start(image, [*pod.flags(tmp_path), "--memory=32m"], pod.arguments)
    container.wait_until_it_serves(f"127.0.0.1:{pod.port('grpc')}")
    flood = Flood(container)
    with contextlib.suppress(OSError):
        never_finish(flood, 250_000)
    assert container.end() == 137, "killed"

"""docs/security.md: every secret is changed by the commands that the page shows, while the server runs. What it shows of policies:
test_policies.py."""

import json
from pathlib import Path

import pytest
from certificates import CLIENT, SERVER, Signer, signed
from pages import BLOCK, Page, programs, run_script
from processes import Process, free_address

SECTION = Page(Path(__file__).parents[2] / "docs/security.md").sections()["Changing every secret"]
ISSUER = {"iss": "https://id.example.com", "aud": "strongroom", "sub": "alice"}


@pytest.fixture
def folder(tmp_path):
    """The files by the names that the page has for them, the new ones in next/."""
    new = tmp_path / "next"
    new.mkdir()
    signed(tmp_path, "ca", None, None)
    for where, days in ((tmp_path, 1), (new, 2)):
        signed(where, "server", tmp_path / "ca", SERVER, days)
        signed(where, "clients", None, None)
        signed(where, "portal", where / "clients", CLIENT)
        signer = Signer(where, where.name)
        (where / "keys.json").write_text(json.dumps({"keys": [signer.published()]}))
        (where / "token").write_text(signer.token(**ISSUER))
    (tmp_path / "audit.key").write_text("0123456789abcdef0123456789abcdef\n")
    (tmp_path / "audit.key").chmod(0o600)
    return tmp_path


class Kept:
    """The server of these files, which keeps its addresses."""

    def __init__(self, binary: Path, folder: Path):
        self.binary, self.folder = binary, folder
        self.address, self.admin, self.log = free_address(), free_address(), folder / "log"
        self.process = None

    def start(self) -> None:
        files = {
            "server.tls.certificate_file": "server.pem",
            "server.tls.key_file": "server.key",
            "server.tls.client_ca_file": "clients.pem",
            "access.issuers.corp.jwks_file": "keys.json",
            "audit.path": "audit",
            "audit.hmac_key_file": "audit.key",
        }
        settings = {key: self.folder / name for key, name in files.items()} | {
            "server.tls.client_certificate": "optional",
            "server.tls.reload_interval": "1s",
            "access.issuers.corp.issuer": ISSUER["iss"],
            "access.issuers.corp.audiences": ISSUER["aud"],
        }
        words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
        where = ("--sandbox-listen", free_address(), "--listen", self.address, "--admin-listen", self.admin)
        self.log.unlink(missing_ok=True)
        self.process = Process(self.log, self.binary, "serve", "--sandbox", *where, *words)
        self.process.wait_until(lambda: "serving gRPC" in self.log.read_text())

    def restart(self) -> None:
        assert self.process.stop() == 0
        self.start()


def test_every_secret_is_changed_while_the_server_runs(binary, folder):
    kept = Kept(binary, folder)
    kept.start()
    where = {"ADMIN": f"http://{kept.admin}", "STRONGROOM_SERVER": f"https://localhost:{kept.address.rsplit(':', 1)[1]}"}
    path = programs(folder, binary)
    blocks = BLOCK.findall(SECTION)
    said = []
    try:
        for number, block in enumerate(blocks):
            done = run_script(f"set -euo pipefail\n{block}", folder, path, name=f"block {number + 1}", timeout=60, **where)
            said.append(done.stdout)
            if "audit.both" in block:
                kept.restart()
    finally:
        kept.process.kill()
    assert len(blocks) == 6
    for shown in ("spiffe://example/ns/a/sa/portal", "corp:alice"):
        assert any(shown in text for text in said), said

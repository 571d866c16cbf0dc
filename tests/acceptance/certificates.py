"""Keys, certificates and tokens, made by OpenSSL."""

import base64
import json
import subprocess
import time
from pathlib import Path

from processes import PATIENCE

SERVER = "subjectAltName=DNS:localhost,IP:127.0.0.1"
CLIENT = "subjectAltName=URI:spiffe://example/ns/a/sa/portal"


def openssl(*arguments, said=b""):
    run = subprocess.run(["openssl", *map(str, arguments)], input=said, capture_output=True, timeout=PATIENCE)
    return run.returncode, (run.stdout + run.stderr).decode(errors="replace")


def signed(folder: Path, name: str, authority: Path | None, extension: str | None, days: int = 1) -> None:
    """A key and a certificate; without an authority it is one itself."""
    key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
    by = ("-CA", f"{authority}.pem", "-CAkey", f"{authority}.key") if authority else ()
    more = ("-addext", "basicConstraints=critical,CA:false", "-addext", extension) if authority else ()
    # Each authority has a name of its own: two of one name would be one whose key has changed.
    subject = name if authority else f"{folder.name} {name}"
    code, said = openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", days),
        *("-subj", f"/CN={subject}", "-keyout", key, "-out", certificate, *by, *more),
    )
    assert code == 0, said


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


class Signer:
    """An issuer's key: what it publishes, and tokens of RS256."""

    def __init__(self, folder: Path, kid: str):
        self.kid, self.key = kid, folder / f"{kid}.rsa"
        code, said = openssl("genrsa", "-out", self.key, "2048")
        assert code == 0, said

    def published(self) -> dict:
        _, said = openssl("rsa", "-in", self.key, "-noout", "-modulus")
        modulus = bytes.fromhex(said.strip().removeprefix("Modulus="))
        return {"kty": "RSA", "use": "sig", "kid": self.kid, "n": _base64url(modulus), "e": "AQAB"}

    def token(self, **claims) -> str:
        header = {"alg": "RS256", "typ": "JWT", "kid": self.kid}
        claims = {"exp": int(time.time()) + 600} | claims
        message = ".".join(_base64url(json.dumps(part).encode()) for part in (header, claims))
        sign = ["openssl", "dgst", "-sha256", "-sign", str(self.key)]
        signature = subprocess.run(sign, input=message.encode(), capture_output=True, timeout=PATIENCE, check=True).stdout
        return f"{message}.{_base64url(signature)}"

"""Certificates made by OpenSSL's command line, as many teams make theirs: an authority, and what it signs."""

import subprocess
from pathlib import Path

_DAYS = "2"
# Without key identifiers, which OpenSSL adds unless it is told not to: from Python 3.13 on the default refuses such.
_PLAIN = "subjectKeyIdentifier=none\nauthorityKeyIdentifier=none\n"


def authority(folder: Path, name: str) -> Path:
    """Make an authority: its certificate is NAME.crt in the folder, which is given, and its key NAME.key."""
    extensions = f"basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n{_PLAIN}"
    return _signed(folder, name, extensions, by=("-signkey", str(folder / f"{name}.key")))


def certificate(folder: Path, name: str, *, by: Path, names: str = "IP:127.0.0.1,DNS:localhost") -> Path:
    """Make a certificate for these names (as in a subjectAltName), signed by an authority; its key is NAME.key."""
    signs = ("-CA", str(by), "-CAkey", str(by.with_suffix(".key")), "-CAcreateserial")
    return _signed(folder, name, f"subjectAltName={names}\n{_PLAIN}", by=signs)


def _signed(folder: Path, name: str, extensions: str, *, by: tuple[str, ...]) -> Path:
    key, asked, made = folder / f"{name}.key", folder / f"{name}.csr", folder / f"{name}.crt"
    extra = folder / f"{name}.ext"
    extra.write_text(extensions)
    new = ("-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(asked), "-subj", f"/CN={name}")
    _openssl("req", *new)
    _openssl("x509", "-req", "-in", str(asked), "-out", str(made), "-days", _DAYS, "-extfile", str(extra), *by)
    return made


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)

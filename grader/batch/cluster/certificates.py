"""The certificate of a cluster: one folder, which every machine has. Who holds its key can run code on all of them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_config_path

from grader.disk.names import visible_path
from grader.records import message
from grader.records.errors import BadLab

if TYPE_CHECKING:
    import ssl

    from distributed.security import Security

CA, CERTIFICATE, KEY = "ca.pem", "cert.pem", "key.pem"


@dataclass(frozen=True)
class Keys:
    """How the machines of a cluster know each other: by the files of a folder; not at all without one."""

    folder: Path | None

    @property
    def scheme(self) -> str:
        """Return how an address of such a cluster begins."""
        return "tls" if self.folder else "tcp"

    def security(self) -> Security:
        """Return it as Dask wants it. Raises BadLab if files are missing or do not fit together."""
        from distributed.security import Security

        if self.folder is None:
            return Security(require_encryption=False)
        if lacking := [name for name in (CA, CERTIFICATE, KEY) if not (self.folder / name).is_file()]:
            sentence = message(
                "{folder} lacks {file}. Copy this folder from the machine of 'grade scheduler', which makes one, or"
                " name another with --tls.",
                folder=visible_path(self.folder),
                file=lacking[0],
            )
            raise BadLab(sentence)
        roles = ("scheduler", "worker", "client")
        files = {f"tls_{role}_{kind}": str(self.folder / name)
                 for role in roles for kind, name in (("cert", CERTIFICATE), ("key", KEY))}  # fmt: skip
        found = Security(require_encryption=True, tls_ca_file=str(self.folder / CA), **files)
        try:
            context_of(found)
        except OSError as error:  # ssl.SSLError is one
            sentence = message(
                "The certificate in {folder} cannot be used: {why}. Copy the whole folder from the machine of 'grade"
                " scheduler' again.",
                folder=visible_path(self.folder),
                why=error.strerror or str(error),
            )
            raise BadLab(sentence) from error
        return found


def context_of(security: Security) -> ssl.SSLContext | None:
    """Return what a connection to a scheduler is opened with; None without encryption."""
    context: ssl.SSLContext | None = security.get_connection_args("client").get("ssl_context")
    return context


def keys(folder: Path | None, insecure: bool) -> Keys:
    """Return what a command line asks for; without a folder, that of this user."""
    return Keys(None if insecure else folder or user_config_path("cnn-lab-grader", appauthor=False) / "tls")


def make(folder: Path) -> bool:
    """Make a certificate, unless the folder holds files of one already. Raises BadLab."""
    if any((folder / name).exists() for name in (CA, CERTIFICATE, KEY)):
        return False
    from distributed.security import Security

    try:
        made = Security.temporary()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, text in (
            (CA, made.tls_ca_file),
            (CERTIFICATE, made.tls_scheduler_cert),
            (KEY, made.tls_scheduler_key),
        ):
            _write(folder / name, str(text))
    except ImportError as error:
        raise BadLab(message("Making a certificate needs the package {package}.", package="cryptography")) from error
    except OSError as error:
        sentence = message(
            "{folder} cannot be written: {why}. Name another folder with --tls.",
            folder=visible_path(folder),
            why=error.strerror or str(error),
        )
        raise BadLab(sentence) from error
    return True


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(text)

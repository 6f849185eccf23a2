"""Find out why a scheduler cannot be reached, before Dask tries for half a minute and says that it did."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from grader.batch.cluster.certificates import Keys, context_of
from grader.disk.names import visible_path
from grader.records import Message, message
from grader.records.errors import BadLab

PORT = 8786
PATIENCE = 10.0  # seconds


@dataclass(frozen=True)
class Address:
    """Where a scheduler is, and with which keys."""

    host: str
    port: int
    keys: Keys

    def __str__(self) -> str:
        """Return it as Dask writes it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.keys.scheme}://{host}:{self.port}"


def address(given: str, keys: Keys) -> Address:
    """Read tls://host:8786, host:8786 or host. Raises BadLab."""
    written = given if "://" in given else f"{keys.scheme}://{given}"
    try:
        parts = urlsplit(written)
        host, port = parts.hostname, parts.port or PORT
    except ValueError:
        host, port = None, 0
    if not host or parts.path.strip("/"):
        raise BadLab(message("'{address}' is no address. Write one like tls://host:8786.", address=given))
    if parts.scheme == "tcp" and keys.folder is not None:
        sentence = message(
            "{address} is not encrypted: whoever reaches it can run code there. Start the scheduler without --insecure"
            " and write tls://, or add --insecure here too.",
            address=given,
        )
        raise BadLab(sentence)
    if parts.scheme != keys.scheme:
        raise BadLab(
            message("'{address}' does not begin with {scheme}://, as it must here.", address=given, scheme=keys.scheme)
        )
    return Address(host, port, keys)


def reach(there: Address) -> None:
    """Try it once. Raises BadLab, with the reason and what to do."""
    context = context_of(there.keys.security())
    try:
        with socket.create_connection((there.host, there.port), PATIENCE) as plain:
            if context is None:
                _heard(plain, there)
            else:
                with _encrypted(plain, context, there) as secret:
                    _heard(secret, there)
    except OSError as error:
        raise BadLab(_why(error, there)) from error


def _encrypted(plain: socket.socket, context: ssl.SSLContext, there: Address) -> ssl.SSLSocket:
    try:
        return context.wrap_socket(plain, server_hostname=there.host)
    except ssl.SSLCertVerificationError as error:
        sentence = message(
            "{address} shows a certificate that is not the one in {folder} ({why}). Copy the folder of its --tls to"
            " this machine.",
            address=str(there),
            folder=visible_path(there.keys.folder or Path()),
            why=error.verify_message,
        )
        raise BadLab(sentence) from error
    except (ssl.SSLError, ConnectionError, TimeoutError) as error:
        sentence = message(
            "{address} does not answer in TLS. Is it a scheduler that was started with --insecure, or another program?",
            address=str(there),
        )
        raise BadLab(sentence) from error


def _heard(sent: socket.socket, there: Address) -> None:
    """Wait for the first word: only now is it told that our own certificate is refused."""
    try:
        if sent.recv(1):
            return
    except (ssl.SSLError, ConnectionError) as error:
        if there.keys.folder:
            sentence = message(
                "{address} refuses the certificate in {folder} ({why}). Copy the folder of its --tls to this machine.",
                address=str(there),
                folder=visible_path(there.keys.folder),
                why=getattr(error, "reason", None) or str(error),
            )
            raise BadLab(sentence) from error
    except TimeoutError:
        pass
    if there.keys.folder:
        raise BadLab(message("{address} does not answer as a scheduler does.", address=str(there)))
    sentence = message(
        "{address} does not answer as a scheduler does. If it was started without --insecure, leave that out here too.",
        address=str(there),
    )
    raise BadLab(sentence)


def _why(error: OSError, there: Address) -> Message:
    if isinstance(error, socket.gaierror):
        return message("{address}: no machine of this name is known here. Check the name.", address=str(there))
    if isinstance(error, ConnectionRefusedError):
        return message(
            "{address}: nobody listens there. Start 'grade scheduler' on that machine, or check the address.",
            address=str(there),
        )
    why = message("no answer") if isinstance(error, TimeoutError) else error.strerror or str(error)
    return message(
        "{address} cannot be reached: {why}. Check the address, the network and the firewall between both machines.",
        address=str(there),
        why=why,
    )

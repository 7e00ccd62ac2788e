"""Lab room: trustpoints: reads the PEM files that the lab file names for `crypto pki trustpoint`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from agent.base.files import read_regular_file, why_unreadable
from agent.config.model import RouterConfig
from agent.crypto.certificates import REVOCATION_CHECKS, Authority, Credential, PemError, Trust, read_authority, read_credential
from agent.lab.labfile.sections import LabFile, TrustpointSection


@dataclass(frozen=True, slots=True)
class Trustpoint:
    """One authority, with this router's key and certificate under it, if any."""

    authority: Authority
    credential: Credential | None


Trustpoints = Mapping[str, Trustpoint]


class Certificates:
    """The trustpoints of one router by its running configuration. `date` gives the lab's date."""

    def __init__(self, config: RouterConfig, trustpoints: Trustpoints, date: Callable[[], datetime]) -> None:
        self._config = config
        self._trustpoints = trustpoints
        self._date = date

    def credential(self, name: str | None, authorities: Sequence[bytes] = ()) -> Credential | None:
        """Our key and certificate, of one trustpoint or of any. If possible, it is under an authority that is asked for."""
        known = [trustpoint.credential for _, trustpoint in self._configured(name) if trustpoint.credential]
        wanted = (credential for credential in known if set(credential.issuers) & set(authorities))
        return next(wanted, known[0] if known else None)

    def trust(self, name: str | None) -> Trust:
        """The authorities of one trustpoint, or of all."""
        return Trust(tuple(self._authority(found, trustpoint) for found, trustpoint in self._configured(name)), self._date())

    def _configured(self, name: str | None) -> Iterator[tuple[str, Trustpoint]]:
        for each in self._config.crypto.trustpoints:
            if name in (None, each) and each in self._trustpoints:
                yield each, self._trustpoints[each]

    def _authority(self, name: str, trustpoint: Trustpoint) -> Authority:
        ways = self._config.crypto.trustpoints[name].revocation
        return replace(trustpoint.authority, revocation=REVOCATION_CHECKS if ways is None else ways)


# --- files ---


def read_trustpoints(lab: LabFile, folder: Path) -> tuple[dict[str, Trustpoints], list[tuple[str, str]]]:
    """The trustpoints by router, and the errors of their files, each with its key in the lab file."""
    found: dict[str, Trustpoints] = {}
    problems: list[tuple[str, str]] = []
    for router, section in lab.router.items():
        read: dict[str, Trustpoint] = {}
        for name, named in section.trustpoint.items():
            try:
                read[name] = _read(named, folder)
            except PemError as error:
                problems.append((f"router.{router}.trustpoint.{name}.{error.what}", error.right))
        found[router] = read
    return found, problems


def _read(section: TrustpointSection, folder: Path) -> Trustpoint:
    def octets(what: str, filename: str) -> bytes:
        try:
            return read_regular_file(folder / filename)
        except OSError as error:
            raise PemError(what, f"{filename}: {why_unreadable(error)}") from None

    files = {what: filename for what in ("key", "certificate", "ca", "crl") if (filename := getattr(section, what)) is not None}
    read = {what: octets(what, filename) for what, filename in files.items()}
    try:
        authority = read_authority(read["ca"], read.get("crl"))
        credential = read_credential(read["key"], read["certificate"]) if "key" in read else None
    except PemError as error:
        raise PemError(error.what, f"{files[error.what]} needs to be {error.right}") from None
    return Trustpoint(authority, credential)


def unknown_trustpoints(lab: LabFile, configs: Mapping[str, RouterConfig]) -> list[tuple[str, str]]:
    """Trustpoints of the lab file that the router's configuration does not have."""
    return [
        (f"router.{router}.trustpoint.{name}", f"is no trustpoint of {section.config}, which needs `crypto pki trustpoint {name}`")
        for router, section in lab.router.items()
        for name in section.trustpoint
        if router in configs and name not in configs[router].crypto.trustpoints
    ]

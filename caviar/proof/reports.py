"""Report files: written, read, and verified on another machine without the server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from caviar.agents.dataset_files import address_of
from caviar.errors import CaviarError
from caviar.files import writing
from caviar.proof import chain, machine
from caviar.proof.against import check_against
from caviar.proof.data import from_files
from caviar.proof.findings import Finding, compared, not_provable
from caviar.proof.verify import FORMAT, Sample, Say, Verdict, head_of, parts_of, report, verify

if TYPE_CHECKING:
    from caviar.client import Client

REPEATED = ("training it again", "proposing it again", "its stopping rule")


def verify_search(
    client: Client,
    search: int,
    sample: Sample,
    earlier: Mapping[str, Any] | None = None,
    say: Say = lambda _text: None,
) -> tuple[Verdict, dict[str, Any]]:
    """Verify a search of a server here; return verdict and report.

    Raises CaviarError when the search cannot be read.
    """
    record = client.record(search)
    verdict, data = verify(
        record,
        lambda upload: client.transport.pieces(address_of(upload)),
        sample,
        say,
        kept=client.checkpoint,
    )
    if earlier is not None:
        if earlier["record"]["search"]["created"] != record["search"]["created"]:
            raise CaviarError(f"That report is of another search than search {search} of this server")
        verdict.findings += check_against(earlier["record"], record)
        verdict.findings += _of_data(earlier["data"], data)
    made = datetime.now(UTC).isoformat(timespec="seconds")
    return verdict, report(record, verdict, data, made)


def verify_report(
    told: Mapping[str, Any], files: Sequence[Path], sample: Sample, say: Say = lambda _text: None
) -> tuple[Verdict, list[str]]:
    """Verify a report here, without any server; return verdict, and in what this machine differs.

    Where machine or code differ, what comes out otherwise here is not provable rather than wrong.
    """
    say("Checking the hash chain ...")
    changed = [
        Finding("differs", part, field, "was changed after the report was made")
        for part, field in broken(told)
    ]
    other = [
        *machine.apart(told["machine"], machine.machine()),
        *machine.apart(told["code"], machine.code()),
    ]
    record = told["record"]
    try:
        verdict, data = verify(record, from_files(files), sample, say)
        verdict.findings += _of_data(told["data"], data)
    except CaviarError:
        raise
    except Exception as error:
        if not changed:
            raise
        said = (
            f"the rest cannot be checked, as what was changed makes no sense: {type(error).__name__}: {error}"
        )
        verdict = Verdict(trials=len(record["trials"]), findings=[not_provable("report", "", said)])
    if other:
        verdict.findings = [_not_here(one) for one in verdict.findings]
    verdict.findings = [*changed, *verdict.findings]
    return verdict, other


def broken(told: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what of a report does not fit its chain, as part and field."""
    return chain.broken(parts_of(told), told["chain"])


def _not_here(found: Finding) -> Finding:
    """Return a difference that another machine or another version may have made as not provable."""
    if found.kind == "differs" and any(f", {by} gives" in found.text for by in REPEATED):
        said = f"{found.text}; this machine or its software is another kind, so that this proves nothing"
        return replace(found, kind="not provable", text=said)
    return found


def _of_data(told: Mapping[str, Any], found: Mapping[str, Any]) -> list[Finding]:
    """Compare digests of the data, as far as both are known."""
    known = {name: value for name, value in told.items() if name in found}
    return list(compared("data", found, known, "the report"))


def read_report(path: Path) -> dict[str, Any]:
    """Read a report file. Raises CaviarError when it is none."""
    try:
        told = orjson.loads(path.read_bytes())
    except OSError as error:
        raise CaviarError(f"{path} cannot be read: {error.strerror}") from None
    except orjson.JSONDecodeError as error:
        raise CaviarError(f"{path} is no report: it is not JSON ({error})") from None
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise CaviarError(f"{path} is no report of `caviar verify` ({FORMAT})")
    missing = [
        name
        for name in ("made", "code", "machine", "data", "record", "verification", "chain")
        if name not in told
    ]
    if missing:
        raise CaviarError(f"{path} is a damaged report: it lacks {', '.join(missing)}")
    return told


def write_report(path: Path, told: Mapping[str, Any]) -> None:
    """Write a report file, a line for each trial and each link. Raises CaviarError."""
    head = {name: value for name, value in told.items() if name not in ("record", "chain")}
    record = {name: value for name, value in told["record"].items() if name != "trials"}
    trials, links = (
        b",\n".join(map(orjson.dumps, many)) for many in (told["record"]["trials"], told["chain"])
    )
    with writing(path):
        path.write_bytes(
            b"".join(
                [
                    orjson.dumps(head)[:-1] + b',\n"record":' + orjson.dumps(record)[:-1],
                    b',"trials":[\n' + trials + b']},\n"chain":[\n' + links + b"]}\n",
                ]
            )
        )


__all__ = ["broken", "head_of", "read_report", "verify_report", "verify_search", "write_report"]

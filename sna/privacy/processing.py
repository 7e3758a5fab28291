"""The record of processing of a case (GDPR art. 30(1)): what is processed, why, for how long, who was given it."""

from collections.abc import Mapping

from sna.case import CaseFolder
from sna.post import Kind

# Art. 30(1)(c) and (g): the same for every case, since the store has no other columns and no other way in.
SUBJECTS = "authors of public posts, accounts that these mention, answer, quote or repost"
DATA = (
    "ids, handles and names of accounts; text, time, language, links, tags, position and counts of public posts; "
    "what follows from them (threads, interactions, roles, measures)"
)
MEASURES = (
    "files for their owner alone (0600); one hardened store without network access; expired and deleted posts hidden "
    "at once and purged from the file's bytes; keyed pseudonyms; an audit chain; secrets in the keyring"
)


def record_of_processing(folder: CaseFolder, recipients: list[str]) -> dict[str, object]:
    """Return the record of a case: its policy and what article 30(1) asks for besides; times are ISO 8601, UTC."""
    policy, duties = folder.policy, folder.policy.duties
    return {
        "case": str(folder.path),
        "case_id": policy.case_id,
        "controller": duties.controller,
        "contact": duties.contact,
        "reviewer": duties.reviewer,
        "purpose": policy.purpose,
        "legal_basis": policy.legal_basis,
        "subjects": SUBJECTS,
        "data": DATA,
        "sources": list(policy.sources),
        "criteria": list(policy.criteria),
        "start": _iso(policy.start),
        "end": _iso(policy.end),
        "keep_days": policy.keep_days,
        "keep_days_by_source": dict(duties.days_by_source),
        "keep_days_by_kind": dict(duties.days_by_kind),
        "expires_at": _iso(policy.expires_at),
        "raw_payloads_kept": duties.keep_raw,
        "pseudonymise": duties.pseudonymise,
        "recheck_hours": duties.recheck_hours,
        "recipients": recipients,
        "measures": MEASURES,
        "created_at": policy.created_at.isoformat(),
        "closed_at": policy.closed_at.isoformat() if policy.closed_at else None,
        "sealed": policy.sealed,
    }


# What article 30(1) calls each part, for the readers of the Markdown.
_PARTS: Mapping[str, tuple[str, ...]] = {
    "Controller (a)": ("controller", "contact", "reviewer"),
    "Purpose (b)": ("purpose", "legal_basis", "case_id", "case"),
    "Data subjects and data (c)": ("subjects", "data", "sources", "criteria", "start", "end"),
    "Recipients (d, e)": ("recipients", "pseudonymise"),
    "Time limits (f)": (
        "keep_days",
        "keep_days_by_source",
        "keep_days_by_kind",
        "expires_at",
        "recheck_hours",
        "raw_payloads_kept",
        "created_at",
        "closed_at",
        "sealed",
    ),
    "Security (g)": ("measures",),
}


def as_markdown(record: Mapping[str, object]) -> str:
    """Return a record of processing as a Markdown document."""
    lines = ["# Record of processing", "", "GDPR article 30(1); the letters are those of its points.", ""]
    for title, names in _PARTS.items():
        lines += [f"## {title}", ""]
        lines += [f"- {label(name)}: {_escaped(as_words(record[name]))}" for name in names]
        lines.append("")
    return "\n".join(lines)


def label(name: str) -> str:
    """Return how people read the name of a part."""
    return name.replace("_", " ")


def as_words(value: object) -> str:
    """Return a part of the record as one line of text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {days}" for name, days in value.items()) or "-"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    return str(value) if value not in (None, "") else "-"


def days_by(pairs: list[str]) -> tuple[dict[str, int], dict[str, int]]:
    """Return NAME=DAYS pairs as days by source and days by kind; raises ValueError for anything else."""
    by_source: dict[str, int] = {}
    by_kind: dict[str, int] = {}
    for pair in pairs:
        name, sign, days = pair.partition("=")
        if not sign or not name or not days.isdecimal():
            raise ValueError(pair)
        (by_kind if name in set(Kind) else by_source)[name] = int(days)
    return by_source, by_kind


def _escaped(text: str) -> str:
    line = " ".join(text.split())
    return "".join(f"\\{char}" if char in "\\`*_{}[]<>#|" else char for char in line)


def _iso(time: object) -> str | None:
    return f"{time:%Y-%m-%dT%H:%M:%S}Z" if time is not None else None

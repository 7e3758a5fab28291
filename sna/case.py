"""The case: a purpose-bound investigation in one folder, and the policy that governs it."""

import contextlib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from secrets import token_hex

import tomli_w

from sna.errors import CaseError, UsageError
from sna.post import Kind

POLICY_FILE = "case.toml"
STORE_FILE = "store.duckdb"
AUDIT_FILE = "audit.jsonl"
EXPORTS_FOLDER = "exports"
SPILL_FOLDER = "spill"

HOW_TO_MAKE_ONE = (
    "make one with `sna case new DIR --purpose ... --legal-basis ... --keep-days N`, "
    "or name one with --case DIR or SNA_CASE"
)


DEFAULT_RECHECK_HOURS = 24


@dataclass(frozen=True, slots=True)
class Duties:
    """Who answers for a case, and how it keeps and hands out what it holds.

    `days_by_source` and `days_by_kind` shorten the retention of the case; `keep_raw` keeps collected pages as they
    came; `pseudonymise` is the default of every export; `key_file` is where the case's key lies when not in the
    keyring; posts that were collected are checked for upstream deletions every `recheck_hours` (0: never).
    """

    controller: str = ""
    contact: str = ""
    reviewer: str = ""
    days_by_source: Mapping[str, int] = field(default_factory=dict)
    days_by_kind: Mapping[str, int] = field(default_factory=dict)
    keep_raw: bool = False
    pseudonymise: bool = False
    key_file: str = ""
    recheck_hours: int = DEFAULT_RECHECK_HOURS

    def check(self) -> None:
        """Raise UsageError for a retention below one day, an unknown kind of post or negative hours."""
        for name, days in {**self.days_by_source, **self.days_by_kind}.items():
            if days < 1:
                raise UsageError(f"posts must be kept for at least 1 day, not {days} (retention of {name})")
        unknown = sorted(set(self.days_by_kind) - set(Kind))
        if unknown:
            raise UsageError(f"no kind of post {unknown[0]!r}; one of {', '.join(Kind)}")
        if self.recheck_hours < 0:
            raise UsageError("the hours between checks cannot be negative; 0 asks for none")


@dataclass(frozen=True, slots=True)
class Policy:
    """Why a case exists, on what legal basis, for how many days its posts may be kept, and what it may collect.

    Where `sources` or `criteria` are named, collecting is held to them, as it is to the time from `start` to `end`
    (UTC); see collectors.criteria.
    """

    purpose: str
    legal_basis: str
    keep_days: int
    created_at: datetime
    closed_at: datetime | None = None
    sources: tuple[str, ...] = ()
    criteria: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    case_id: str = ""
    duties: Duties = field(default_factory=Duties)
    sealed: bool = False

    @property
    def expires_at(self) -> datetime | None:
        """When the retention of everything ends (UTC); None without an end.

        That is `keep_days` after `end`, or after the case was made where it looks into the past.
        """
        if self.end is None:
            return None
        made = self.created_at.astimezone(UTC).replace(tzinfo=None) if self.created_at.tzinfo else self.created_at
        return max(self.end, made) + timedelta(days=self.keep_days)

    def why_not_in(self, now: datetime) -> str | None:
        """Return why the case takes nothing in at this time (UTC), or None when it does."""
        if self.closed_at is not None and self.closed_at.astimezone(UTC).replace(tzinfo=None) <= now:
            return "is closed"
        if self.expires_at is not None and self.expires_at <= now:
            return "is past the end of its retention"
        return None


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a new case may collect: sources, criteria, and the time from `start` to `end` (UTC)."""

    sources: tuple[str, ...] = ()
    criteria: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class CaseFolder:
    """The paths of one case on disk and its policy."""

    path: Path
    policy: Policy

    @property
    def store(self) -> Path:
        """The DuckDB file."""
        return self.path / STORE_FILE

    @property
    def exports(self) -> Path:
        """Where exports go when no other place is named."""
        return self.path / EXPORTS_FOLDER

    @property
    def spill(self) -> Path:
        """Where the store puts what does not fit into memory: inside the case, so that a purge reaches it."""
        return self.path / SPILL_FOLDER


def new_case(
    path: Path,
    purpose: str,
    legal_basis: str,
    keep_days: int,
    bounds: Bounds | None = None,
    duties: Duties | None = None,
) -> CaseFolder:
    """Make the folder of a new case (0700, its files 0600) and return it; the store comes with first use.

    Raises UsageError for a blank purpose or legal basis or a retention below one day, CaseError when
    the folder already holds something or cannot be written.
    """
    if not purpose.strip() or not legal_basis.strip():
        raise UsageError("a case needs a purpose and a legal basis; give --purpose and --legal-basis some text")
    if keep_days < 1:
        raise UsageError(f"posts must be kept for at least 1 day, not {keep_days}; give --keep-days N")
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise CaseError(f"{path} is not an empty folder; choose another place for the case")
    bounds, duties = bounds or Bounds(), duties or Duties()
    duties.check()
    if bounds.start and bounds.end and bounds.start >= bounds.end:
        raise UsageError("the case would end before it starts; check --start and --end")
    policy = Policy(
        purpose.strip(),
        legal_basis.strip(),
        keep_days,
        datetime.now(UTC).replace(microsecond=0),
        sources=bounds.sources,
        criteria=bounds.criteria,
        start=bounds.start,
        end=bounds.end,
        case_id=token_hex(8),
        duties=duties,
    )
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)
        (path / EXPORTS_FOLDER).mkdir(mode=0o700)
        write_private(path / POLICY_FILE, tomli_w.dumps(_to_toml(policy)).encode())
        write_private(path / AUDIT_FILE, b"")
    except OSError as error:
        raise CaseError(f"cannot make a case in {path}: {error.strerror}") from error
    return CaseFolder(path, policy)


def find_case(path: Path | None = None) -> CaseFolder:
    """Return the case at `path`, else at `SNA_CASE`, else in the current folder.

    Raises CaseError when there is none, or when its policy is unreadable or incomplete.
    """
    named = path or (Path(os.environ["SNA_CASE"]) if os.environ.get("SNA_CASE") else None)
    folder = named or Path.cwd()
    policy_file = folder / POLICY_FILE
    if not policy_file.is_file():
        where = f"{folder} is not a case" if named else "no case here"
        raise CaseError(f"{where}; {HOW_TO_MAKE_ONE}")
    try:
        return CaseFolder(folder, _from_toml(tomllib.loads(policy_file.read_text("utf-8"))))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise CaseError(f"{policy_file} cannot be read as a policy ({error}); mend it by hand") from error


def change_policy(folder: CaseFolder, policy: Policy) -> CaseFolder:
    """Write a changed policy into the case, whole or not at all, and return the case with it."""
    try:
        write_private(folder.path / POLICY_FILE, tomli_w.dumps(_to_toml(policy)).encode())
    except OSError as error:
        raise CaseError(f"cannot write {folder.path / POLICY_FILE}: {error.strerror}") from error
    return CaseFolder(folder.path, policy)


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    part = path.with_name(path.name + ".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise


def _to_toml(policy: Policy) -> dict[str, object]:
    content: dict[str, object] = {
        "purpose": policy.purpose,
        "legal_basis": policy.legal_basis,
        "keep_days": policy.keep_days,
        "created_at": policy.created_at,
    }
    if policy.closed_at:
        content["closed_at"] = policy.closed_at
    for name, words in (("sources", policy.sources), ("criteria", policy.criteria)):
        if words:
            content[name] = list(words)
    for name, time in (("start", policy.start), ("end", policy.end)):
        if time:
            content[name] = time.replace(tzinfo=UTC)
    if policy.case_id:
        content["case_id"] = policy.case_id
    if policy.sealed:
        content["sealed"] = True
    for name in _DUTY_WORDS + _DUTY_FLAGS:
        if getattr(policy.duties, name):
            content[name] = getattr(policy.duties, name)
    if policy.duties.recheck_hours != DEFAULT_RECHECK_HOURS:
        content["recheck_hours"] = policy.duties.recheck_hours
    retention = {"sources": dict(policy.duties.days_by_source), "kinds": dict(policy.duties.days_by_kind)}
    if any(retention.values()):
        content["retention"] = {name: days for name, days in retention.items() if days}
    return content


def _from_toml(content: dict[str, object]) -> Policy:
    purpose, basis, days = content["purpose"], content["legal_basis"], content["keep_days"]
    created, closed = content["created_at"], content.get("closed_at")
    if not isinstance(purpose, str) or not purpose.strip():
        raise ValueError("purpose is blank")
    if not isinstance(basis, str) or not basis.strip():
        raise ValueError("legal_basis is blank")
    if isinstance(days, bool) or not isinstance(days, int) or days < 1:
        raise ValueError("keep_days is not a number of days")
    if not isinstance(created, datetime) or not (closed is None or isinstance(closed, datetime)):
        raise TypeError("created_at or closed_at is not a time")
    return Policy(
        purpose,
        basis,
        days,
        created,
        closed,
        _words(content, "sources"),
        _words(content, "criteria"),
        _utc_time(content, "start"),
        _utc_time(content, "end"),
        str(content.get("case_id", "")),
        _duties(content),
        content.get("sealed") is True,
    )


_DUTY_WORDS = ("controller", "contact", "reviewer", "key_file")
_DUTY_FLAGS = ("keep_raw", "pseudonymise")


def _duties(content: dict[str, object]) -> Duties:
    given: dict[str, object] = {}
    for name, kind in (*((n, str) for n in _DUTY_WORDS), *((n, bool) for n in _DUTY_FLAGS), ("recheck_hours", int)):
        if name in content:
            if not isinstance(content[name], kind):
                raise TypeError(f"{name} is no {kind.__name__}")
            given[name] = content[name]
    retention = content.get("retention", {})
    if not isinstance(retention, dict):
        raise TypeError("retention is no table")
    for part, name in (("sources", "days_by_source"), ("kinds", "days_by_kind")):
        days = retention.get(part, {})
        if not isinstance(days, dict) or not all(type(n) is int for n in days.values()):
            raise TypeError(f"retention.{part} is no table of days")
        given[name] = days
    duties = Duties(**given)  # type: ignore[arg-type]
    try:
        duties.check()
    except UsageError as error:
        raise ValueError(str(error)) from error
    return duties


def _words(content: dict[str, object], name: str) -> tuple[str, ...]:
    words = content.get(name, [])
    if not isinstance(words, list) or not all(isinstance(word, str) and word.strip() for word in words):
        raise TypeError(f"{name} is not a list of words")
    return tuple(words)


def _utc_time(content: dict[str, object], name: str) -> datetime | None:
    time = content.get(name)
    if time is None:
        return None
    if isinstance(time, datetime):
        return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
    if isinstance(time, date):
        return datetime(time.year, time.month, time.day)
    raise TypeError(f"{name} is not a time")

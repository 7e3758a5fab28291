"""What every test shares: a case in a temporary folder, the command line, and the real data where it is there."""

import gzip
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

import sna
from sna.cli import main
from sna.collectors import registry
from sna.demo import DemoResult, run_demo
from sna.post import Mention, Post

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


NOON = datetime(2026, 3, 1, 12)
HOSTILE = (
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2",
    "@SUM(A1)",
    "\t=1",
    "<script>alert(1)</script>",
    "[/foo]",
    "\x1b[31mred\x1b[0m",
    "\x9b31m",
    "\u202egnp.exe",
    "zero\u200bwidth",
    "\x00nul",
    "]]>",
    "a&b\"c'd",
    "line\nbreak\r\n",
    "\ufffe\uffff",
    "é 你好 🚋",
    " =1",
    "null",
    "\u2028",
    "",
)


@dataclass(frozen=True)
class Ran:
    """What a command gave back."""

    code: int
    out: str
    err: str

    def json(self):
        assert self.code == 0, self.err
        return json.loads(self.out)


@pytest.fixture(autouse=True)
def known_collectors() -> Iterator[None]:
    """Forget the collectors that a test, or an example in the docs, made known to this process."""
    before = dict(registry._ADDED)
    yield
    registry._ADDED.clear()
    registry._ADDED.update(before)


@pytest.fixture(autouse=True)
def keys_of_tests(tmp_path_factory, monkeypatch) -> None:
    """Keep the keys of cases out of the user's keyring and home."""
    monkeypatch.setenv("SNA_KEYS", str(tmp_path_factory.getbasetemp() / "keys"))


@pytest.fixture
def case(tmp_path: Path) -> sna.Case:
    return sna.new_case(tmp_path / "case", "a test", "consent of nobody: invented posts", 30)


@pytest.fixture(scope="session")
def demo(tmp_path_factory) -> DemoResult:
    """The fictional case as `sna demo` makes it, to be read: no test changes it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SNA_KEYS", str(tmp_path_factory.getbasetemp() / "keys"))
        return run_demo(tmp_path_factory.mktemp("lune") / "case")


@pytest.fixture(scope="session")
def lune(demo) -> sna.Case:
    """The fictional case, to be read: no test changes its posts."""
    return sna.open_case(demo.files[0].parent.parent)


@pytest.fixture
def own_lune(lune, tmp_path) -> sna.Case:
    """A copy of the fictional case in `demo-case` of the test's folder, to do with as one likes."""
    shutil.copytree(lune.folder.path, tmp_path / "demo-case")
    return sna.open_case(tmp_path / "demo-case")


@pytest.fixture
def run(monkeypatch, capsys) -> Iterator[Callable[..., Ran]]:
    """Run the command line in this process: run('status', '--json', case=case)."""

    def call(*arguments: object, case: sna.Case | None = None) -> Ran:
        monkeypatch.setattr("sys.argv", ["sna", *map(str, arguments)])
        monkeypatch.setenv("SNA_CASE", str(case.folder.path) if case else "")
        with pytest.raises(SystemExit) as stopped:
            main()
        captured = capsys.readouterr()
        return Ran(int(stopped.value.code or 0), captured.out, captured.err)

    return call


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a file of lines: dictionaries become JSON, text and bytes stay."""

    def to_bytes(line: object) -> bytes:
        if isinstance(line, bytes):
            return line
        return (line if isinstance(line, str) else json.dumps(line)).encode()

    def write_lines(*lines: object, name: str = "posts.jsonl", end: bytes = b"\n") -> Path:
        path = tmp_path / name
        path.write_bytes(b"\n".join(map(to_bytes, lines)) + (end if lines else b""))
        return path

    return write_lines


@pytest.fixture
def data() -> Callable[[str], Path]:
    """Give a folder of the real data, or skip."""

    def folder(name: str) -> Path:
        if not (DATA / name).is_dir():
            pytest.skip(f"the real data set {name} is not here; it belongs into ../shared/data beside the checkout")
        return DATA / name

    return folder


@pytest.fixture
def unwrapped(tmp_path: Path) -> Callable[[Path], Path]:
    """Write the bodies of recorded answers, which are wrapped as {method, uri, status, body}, one a line."""

    def unwrap(path: Path) -> Path:
        out = tmp_path / path.name.removesuffix(".gz")
        with gzip.open(path) as recorded:
            out.write_text("".join(json.dumps(json.loads(line)["body"]) + "\n" for line in recorded), "utf-8")
        return out

    return unwrap


def tweet(post: str, author: str = "1", **fields: object) -> dict[str, object]:
    """Return an X v2 post as the API writes it."""
    return {"id": post, "author_id": author, "created_at": "2026-03-01T12:00:00.000Z", "text": f"text {post}"} | fields


def reply(post: str, to: str, author: str = "2", **fields: object) -> dict[str, object]:
    """Return an X v2 post that answers another."""
    return tweet(post, author, referenced_tweets=[{"type": "replied_to", "id": to}], **fields)


def expire(case: sna.Case, which: str) -> None:
    """End the retention of some posts; `which` is a condition."""
    with duckdb.connect(str(case.folder.store)) as db:
        db.execute(f"UPDATE post SET expires_at = TIMESTAMP '2020-01-01' WHERE {which}")


@pytest.fixture
def town(case, write) -> sna.Case:
    """A case of sixty posts in threads, every second of them expired."""
    lines = [tweet("0", text="mark000000000 first")]
    lines += [reply(str(n), str(n // 2), str(n % 7), text=f"mark{n:09} @user{n % 5} text") for n in range(1, 60)]
    case.import_files([write(*lines)])
    expire(case, "post % 2 = 0")
    return case


@pytest.fixture
def hostile(case) -> sna.Case:
    """A case in which every text that an export can carry is hostile."""
    posts = []
    for n, text in enumerate(HOSTILE):
        posts.append(
            Post(
                "x",
                f"{n}",
                f"{n} {text}",
                text or "empty",
                text,
                NOON + timedelta(minutes=n),
                text,
                reply_to=str(n - 1) if n else None,
                conversation=text or None,
                hashtags=(text,),
                urls=(text,),
                mentions=(Mention(f"{n} {text}"), Mention(handle=text or "m")),
                lang=text,
            )
        )
    case.ingest(posts)
    return case

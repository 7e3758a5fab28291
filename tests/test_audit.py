"""The audit: who did what, in a chain that shows each kind of tampering; no handle, text or token anywhere."""

import hashlib
import json
import os
import random
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from conftest import reply, tweet

import sna
from sna.privacy.audit import append_line, parse_head, read_head, read_lines, verify_chain
from tests.worlds import x_world


@pytest.fixture
def chain(tmp_path):
    """A chain of twenty lines and its noted head."""
    (tmp_path / "audit.jsonl").touch()
    for n in range(20):
        head = append_line(tmp_path, f"command {n % 3}", {"n": n}, {"rows": n * n})
    return tmp_path, head


def rehash(lines: list[dict]) -> list[dict]:
    """Return the lines as a chain that is sound in itself: what one who knows the format would forge."""
    before, forged = "0" * 64, []
    for number, line in enumerate(lines, 1):
        content = {**{k: v for k, v in line.items() if k != "hash"}, "number": number, "before": before}
        text = json.dumps(content, ensure_ascii=False, sort_keys=True)
        before = hashlib.sha256(text.encode()).hexdigest()
        forged.append({**content, "hash": before})
    return forged


def tamper(lines: list[dict], kind: str, luck: random.Random) -> list[dict]:
    place = luck.randrange(len(lines) - 1)
    if kind == "edit":
        lines[place]["user"] = "somebody else"
    elif kind == "delete":
        del lines[place]
    elif kind == "swap":
        lines[place], lines[place + 1] = lines[place + 1], lines[place]
    elif kind == "insert":
        lines.insert(place, dict(lines[luck.randrange(len(lines))]))
    elif kind == "cut the tail":
        del lines[place + 1 :]
    else:
        lines[place]["counts"] = {"rows": -1}
        return rehash(lines)
    return lines


@pytest.mark.parametrize("kind", ["edit", "delete", "swap", "insert", "cut the tail", "rewrite"])
def test_tampering_is_found_every_time_with_the_noted_head(chain, kind):
    folder, head = chain
    sound = (folder / "audit.jsonl").read_bytes()
    for seed in range(100):
        lines = [json.loads(line) for line in sound.splitlines()]
        forged = tamper(lines, kind, random.Random(seed))
        (folder / "audit.jsonl").write_text("".join(json.dumps(line) + "\n" for line in forged))
        assert not verify_chain(folder, head).is_sound, seed
    (folder / "audit.jsonl").write_bytes(sound)
    assert verify_chain(folder, head).is_sound


def test_a_cut_tail_is_seen_with_the_head_alone(chain, run):
    folder, head = chain
    lines = (folder / "audit.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "audit.jsonl").write_bytes(b"".join(lines[:-1]))
    assert verify_chain(folder).is_sound
    assert not verify_chain(folder, head).is_sound


def test_a_head_that_was_noted_earlier_still_fits(chain):
    folder, _ = chain
    line = read_lines(folder)[6]
    assert verify_chain(folder, parse_head(f"7:{line['hash']}")).is_sound
    for text in ("", "7", "7:abc", "x:" + "0" * 64, "-1:" + "0" * 64):
        with pytest.raises(sna.UsageError):
            parse_head(text)


@pytest.mark.parametrize("junk", [b"\xff\xfe\n", b"[]\n", b"{}\n", b"null\n", b'{"hash": 1}\n', b"\n"])
def test_junk_in_the_chain_is_told_by_its_line(chain, junk):
    folder, _ = chain
    content = (folder / "audit.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "audit.jsonl").write_bytes(b"".join([*content[:5], junk, *content[5:]]))
    assert verify_chain(folder).problems[0][0] == 6


def test_33_a_line_that_was_torn_off_is_cut_and_told(chain):
    folder, head = chain
    with (folder / "audit.jsonl").open("ab") as file:
        file.write(b'{"number": 21, "at": "20')
    assert append_line(folder, "status", {}, {}).count == 21
    assert verify_chain(folder, head).is_sound
    assert read_lines(folder)[-1]["counts"] == {"torn_bytes_removed": 24}


def test_31_a_full_disk_leaves_the_chain_whole(chain, monkeypatch):
    folder, head = chain

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(sna.CaseError, match="No space left"):
        append_line(folder, "status", {}, {})
    monkeypatch.undo()
    assert verify_chain(folder, head).is_sound
    assert append_line(folder, "status", {}, {}).count == 21


def test_each_run_tells_its_head_and_verify_takes_it(case, run, write):
    ran = run("import", write(tweet("1")), case=case)
    head = ran.err.splitlines()[-1].removeprefix("audit ")
    assert str(read_head(case.folder.path / "audit.jsonl")) == head
    assert run("audit", "verify", "--head", head, case=case).code == 0
    run("status", case=case)
    assert run("audit", "verify", "--head", head, "--json", case=case).json()["sound"] is True
    (case.folder.path / "audit.jsonl").write_bytes(b"")
    assert run("audit", "verify", "--head", head, case=case).code == 1


def test_the_chain_of_custody_holds_the_hash_of_every_file_and_page(case, run, write, tmp_path):
    path = write(tweet("1"), reply("2", "1"))
    run("import", path, case=case)
    out = tmp_path / "o.gexf"
    run("graph", "export", out, case=case)
    lines = read_lines(case.folder.path)
    took = [line["files_in"] for line in lines if line["command"] == "import"][-1]
    gave = [line["files_out"] for line in lines if line["command"] == "graph export"][-1]
    assert took[0]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert gave[0]["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    shown = run("audit", "show", "--limit", "3", case=case).out
    assert all(len(line) <= 80 for line in shown.splitlines())


def test_a_failure_is_in_the_chain_too(case, run):
    assert run("threads", "show", "nothing", case=case).code == 2
    assert read_lines(case.folder.path)[-1]["counts"] == {"failed": "UsageError"}


SECRET = {
    "token": "tok3n-AAAAplanted0000secret",
    "handle": "planted_handle_q7",
    "text": "planted words of a post zx81",
}


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc").exists(), reason="reads process arguments from /proc")
def test_nothing_planted_is_in_logs_audit_receipts_or_arguments(tmp_path, write):
    """A run of the whole command line: what was planted may be in the store and in exports, and nowhere else."""
    path = write(
        tweet("1", "9", text=SECRET["text"]) | {"author": {"id": "9", "username": SECRET["handle"], "name": "N"}},
        reply("2", "1", "8", text=f"@{SECRET['handle']} {SECRET['text']}"),
        "{broken " + SECRET["text"],
        name="posts.jsonl",
    )
    case = tmp_path / "case"
    world = x_world()
    commands = [
        ["case", "new", case, "--purpose", "p", "--legal-basis", "b", "--keep-days", "9"],
        ["import", path],
        ["collect", "x", "flood", "--endpoint", world.server.address, "--limit", "50"],
        *(
            [name]
            for name in ("status", "actors", "timeline", "origins", "communities", "coordination", "methods")
        ),
        ["threads", "list"],
        ["threads", "show", "nothing"],
        ["threads", "trace", "2"],
        ["explain", "9"],
        ["language", "run"],
        ["graph", "export", tmp_path / "o.gexf"],
        ["graph", "export", tmp_path / "p.gexf", "--pseudonymise"],
        ["import", tmp_path / "absent.jsonl"],
        ["retention", "status"],
        ["retention", "check"],
        ["retention", "sync"],
        ["subject", "access", "--source", "x", "--handle", "-"],
        ["subject", "rectify", "--source", "x", "--handle", "-", "--name", "Right"],
        ["subject", "erase", "--source", "x", "--handle", "-"],
        ["subject", "list"],
        ["retention", "purge"],
        ["audit", "show"],
        ["audit", "verify"],
        ["case", "show"],
        ["case", "close"],
    ]  # fmt: skip
    env = {**os.environ, "SNA_CASE": str(case), "SNA_X_BEARER_TOKEN": SECRET["token"], "PYTHONUNBUFFERED": "1"}
    told = []
    for command in commands:
        # Nobody gives a handle but through standard input, and the token comes from the environment.
        process = subprocess.Popen(
            [sys.executable, "-m", "sna", *map(str, command)],
            env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        told.append(Path(f"/proc/{process.pid}/cmdline").read_text())
        out, err = process.communicate(SECRET["handle"] + "\n", timeout=120)
        assert "Traceback" not in err, (command, err)
        told.append(err)
        assert SECRET["token"] not in out
    world.server.close()
    told.append((case / "audit.jsonl").read_text())
    told += [receipt.read_text() for receipt in (case / "receipts").iterdir()]
    told.append((case / "case.toml").read_text())
    for name, secret in SECRET.items():
        assert not [text[-300:] for text in told if secret in text], name
    store = (case / "store.duckdb").read_bytes()
    assert not [name for name, secret in SECRET.items() if secret.encode() in store]
    assert SECRET["handle"] not in (tmp_path / "p.gexf").read_text()
    assert verify_chain(case).is_sound


@pytest.fixture
def authority(tmp_path):
    """A time stamp authority on loopback, played by OpenSSL."""
    import shutil

    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("openssl is not here to play the authority")
    folder = tmp_path / "tsa"
    folder.mkdir()
    (folder / "tsa.cnf").write_text(
        "[tsa]\ndefault_tsa=t\n[t]\nserial=" + str(folder / "serial") + "\ncrypto_device=builtin\n"
        "signer_digest=sha256\ndefault_policy=1.2.3.4\ndigests=sha256,sha512\naccuracy=secs:1\n"
        "ess_cert_id_alg=sha256\n[e]\nextendedKeyUsage=critical,timeStamping\n"
    )
    (folder / "serial").write_text("01")
    key, cert = folder / "k.pem", folder / "c.pem"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-subj", "/CN=tsa",
         "-days", "2", "-addext", "extendedKeyUsage=critical,timeStamping"],
        check=True, capture_output=True,
    )  # fmt: skip

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            (folder / "q").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            subprocess.run(
                [openssl, "ts", "-reply", "-config", folder / "tsa.cnf", "-section", "t", "-queryfile", folder / "q",
                 "-signer", cert, "-inkey", key, "-out", folder / "r"],
                check=True, capture_output=True,
            )  # fmt: skip
            self.send_response(200)
            self.end_headers()
            self.wfile.write((folder / "r").read_bytes())

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", openssl, cert
    server.shutdown()
    server.server_close()


def test_a_stamped_head_is_verified_by_openssl(case, run, authority):
    address, openssl, cert = authority
    case.ingest([sna.Post("x", "1", "a")])
    path = Path(run("audit", "stamp", address, "--json", case=case).json()["file"])
    checked = subprocess.run(
        [openssl, "ts", "-verify", "-data", path.with_suffix(".txt"), "-in", path, "-CAfile", cert],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "OK" in checked.stdout, checked.stderr
    assert run("audit", "verify", "--head", path.with_suffix(".txt").read_text(), case=case).code == 0
    ran = run("audit", "stamp", "http://127.0.0.1:9", case=case)
    assert (ran.code, ran.err.count("\n")) == (4, 1)

"""Time stamps of the audit's head by an authority (RFC 3161): proof that the chain was so long at that time."""

import urllib.error
import urllib.request
from pathlib import Path

from sna.case import AUDIT_FILE, write_private
from sna.errors import InputError, UsageError
from sna.privacy.audit import Head, read_head

STAMPS_FOLDER = "stamps"
SECONDS = 30


def stamp_head(folder: Path, authority: str) -> tuple[Path, Head]:
    """Return the file with the stamp of the audit's present head, and the head.

    The file is the authority's answer (.tsr); beside it lies the stamped text COUNT:HASH (.txt), for
    `openssl ts -verify -data` or any other tool.
    Raises UsageError without the extra `stamp`, InputError when the authority is out of reach or refuses.
    """
    try:
        from rfc3161_client import TimestampRequestBuilder, decode_timestamp_response
    except ImportError as error:
        raise UsageError("time stamps need an extra: pip install 'sna[stamp]'") from error
    if not authority.startswith(("https://", "http://")):
        raise UsageError("the authority is an address that begins with https://")
    head = read_head(folder / AUDIT_FILE)
    asked = TimestampRequestBuilder().data(str(head).encode()).build()
    request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
        authority, asked.as_bytes(), {"Content-Type": "application/timestamp-query", "User-Agent": "sna"}
    )
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            content: bytes = answer.read(1 << 20)
        decoded = decode_timestamp_response(content)
    except (OSError, ValueError, urllib.error.URLError) as error:
        raise InputError(f"the time stamp authority gave no stamp ({type(error).__name__}); try again later") from error
    if decoded.status not in (0, 1) or decoded.tst_info.message_imprint.message != asked.message_imprint.message:
        raise InputError("the time stamp authority refused, or stamped something else")
    path = folder / STAMPS_FOLDER / f"{head.count:08}.tsr"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    write_private(path, content)
    write_private(path.with_suffix(".txt"), str(head).encode())
    return path, head

"""The secret key of a case: in the keyring of the operating system, else in a private file outside the case."""

import os
import secrets
from dataclasses import replace
from pathlib import Path

from sna.case import CaseFolder, change_policy
from sna.errors import CaseError

SERVICE = "sna case key"
BYTES = 32
# Where key files go on a machine without a keyring.
FOLDER_VARIABLE = "SNA_KEYS"


def case_key(folder: CaseFolder) -> bytes:
    """Return the key of a case (32 bytes), made when first needed.

    Raises CaseError when the key was made before and cannot be found: without it, what was erased could come back.
    """
    named = folder.policy.duties.key_file
    if named == KEYRING:
        found = _from_keyring(folder)
        if found is None:
            raise CaseError("the key of this case is not in the keyring of this machine; bring it here first")
        return found
    if named and _is_made(Path(named)):
        return _read(Path(named))
    return _make(folder)


KEYRING = "keyring"


def destroy_key(folder: CaseFolder) -> bool:
    """Destroy the key of a case, so that nobody can lead its pseudonyms back; returns whether there was one."""
    named = folder.policy.duties.key_file
    if named == KEYRING:
        return _out_of_keyring(folder)
    path = Path(named) if named else None
    if path is None or not path.exists():
        return False
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
    return True


def _make(folder: CaseFolder) -> bytes:
    named, key = folder.policy.duties.key_file, secrets.token_bytes(BYTES)
    if folder.policy.closed_at is not None:
        raise CaseError("the case is closed and its key destroyed")
    case_id = folder.policy.case_id or secrets.token_hex(8)
    if not named and _into_keyring(case_id, key):
        named = KEYRING
    else:
        path = Path(named) if named else _key_folder() / f"{case_id}.key"
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if path.resolve().is_relative_to(folder.path.resolve()):
                raise CaseError(f"{path} is inside the case; the key must lie elsewhere (key_file in case.toml)")
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(key)
                file.flush()
                os.fsync(file.fileno())
        except FileExistsError:
            return _read(path)
        except OSError as error:
            raise CaseError(f"the key of the case cannot be written to {path}: {error.strerror}") from error
        named = str(path.resolve())
    duties = replace(folder.policy.duties, key_file=named)
    changed = change_policy(folder, replace(folder.policy, case_id=case_id, duties=duties))
    # The folder is a value that many share; the policy in it stands for what is on disk.
    object.__setattr__(folder, "policy", changed.policy)
    return key


def _is_made(path: Path) -> bool:
    if path.exists():
        return True
    # A key that case.toml names under sna's own folder was made by sna: it is lost, not yet to be made.
    if path.parent == _key_folder().resolve():
        raise CaseError(f"the key of this case is not at {path}; bring it there first")
    return False


def _read(path: Path) -> bytes:
    try:
        key = path.read_bytes()
        is_open = os.name == "posix" and path.stat().st_mode & 0o077
    except OSError as error:
        raise CaseError(f"the key of the case cannot be read from {path}: {error.strerror}") from error
    if is_open:
        raise CaseError(f"{path} can be read by others; give it the mode 0600")
    if len(key) < BYTES:
        raise CaseError(f"{path} is no key: shorter than {BYTES} bytes")
    return key


def _key_folder() -> Path:
    named = os.environ.get(FOLDER_VARIABLE)
    base = os.environ.get("XDG_DATA_HOME") or os.environ.get("LOCALAPPDATA") or str(Path.home() / ".local" / "share")
    return Path(named) if named else Path(base) / "sna" / "keys"


def _into_keyring(case_id: str, key: bytes) -> bool:
    import keyring
    from keyring.errors import KeyringError

    if os.environ.get(FOLDER_VARIABLE):
        return False
    try:
        keyring.set_password(SERVICE, case_id, key.hex())
    except KeyringError:
        return False
    return keyring.get_password(SERVICE, case_id) == key.hex()


def _from_keyring(folder: CaseFolder) -> bytes | None:
    import keyring
    from keyring.errors import KeyringError

    try:
        found = keyring.get_password(SERVICE, folder.policy.case_id)
    except KeyringError:
        return None
    return bytes.fromhex(found) if found else None


def _out_of_keyring(folder: CaseFolder) -> bool:
    import keyring
    from keyring.errors import KeyringError

    try:
        keyring.delete_password(SERVICE, folder.policy.case_id)
    except KeyringError:
        return False
    return True

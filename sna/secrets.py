"""Secrets: from the environment, else from the keyring of the operating system; never from arguments or files."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sna.errors import InputError, UsageError

if TYPE_CHECKING:
    from sna.collectors.base import About

SERVICE = "sna"


def secrets_of(about: "About") -> Mapping[str, str]:
    """Return the secrets of a collector by name; raises UsageError, with a hint, when a required one is missing."""
    found: dict[str, str] = {}
    for secret in about.secrets:
        value = os.environ.get(secret.variable) or _from_keyring(f"{about.name}.{secret.name}")
        if value:
            found[secret.name] = value
        elif secret.required:
            raise UsageError(
                f"{about.title} needs {secret.about}; store it with `sna secrets set {about.name}` "
                f"or set {secret.variable}"
            )
    return found


def store_secret(name: str, value: str) -> None:
    """Keep a secret in the keyring; raises InputError where this machine has none."""
    import keyring
    from keyring.errors import KeyringError

    try:
        keyring.set_password(SERVICE, name, value)
    except KeyringError as error:
        raise InputError("this machine has no keyring that can be used; set the environment variable") from error


def forget_secret(name: str) -> bool:
    """Take a secret out of the keyring; returns whether it was there."""
    import keyring
    from keyring.errors import KeyringError, PasswordDeleteError

    try:
        keyring.delete_password(SERVICE, name)
    except PasswordDeleteError:
        return False
    except KeyringError as error:
        raise InputError("this machine has no keyring that can be used; unset the environment variable") from error
    return True


def where_is(name: str, variable: str) -> str | None:
    """Return where a secret comes from, `environment` or `keyring`, or None when it is not set."""
    if os.environ.get(variable):
        return "environment"
    return "keyring" if _from_keyring(name) else None


def _from_keyring(name: str) -> str | None:
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(SERVICE, name)
    except KeyringError:
        return None

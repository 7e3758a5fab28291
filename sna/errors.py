"""The few exceptions that sna raises; the command line turns each into one line and an exit code."""


class SnaError(Exception):
    """Something that a person can understand and mend: says what, where and what to do."""

    exit_code = 4


class UsageError(SnaError):
    """A command or function was called in a way that cannot work."""

    exit_code = 2


class CaseError(SnaError):
    """The case is locked, missing, incomplete or of another version."""

    exit_code = 3


class InputError(SnaError):
    """A file or a service gave something that cannot be read at all."""

    exit_code = 4

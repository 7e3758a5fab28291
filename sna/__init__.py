"""sna: investigate public conversation - who speaks, who posted first, who interacts with whom, with the evidence."""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sna.api import Case, new_case, open_case
    from sna.case import Bounds, Duties
    from sna.errors import CaseError, InputError, SnaError, UsageError
    from sna.formats.importer import ImportPlan
    from sna.graphs.conversations import ThreadFilter
    from sna.graphs.interactions import Window
    from sna.graphs.network import Network
    from sna.post import Actor, Kind, Mention, Post, RootStatus, SeenAs

try:
    __version__ = version("sna")
except PackageNotFoundError:
    __version__ = "0"

# Loaded when first used: the compiled libraries behind them take a second to start.
_HOMES = {
    "sna.api": ("Case", "new_case", "open_case"),
    "sna.case": ("Bounds", "Duties"),
    "sna.errors": ("CaseError", "InputError", "SnaError", "UsageError"),
    "sna.formats.importer": ("ImportPlan",),
    "sna.graphs.conversations": ("ThreadFilter",),
    "sna.graphs.interactions": ("Window",),
    "sna.graphs.network": ("Network",),
    "sna.post": ("Actor", "Kind", "Mention", "Post", "RootStatus", "SeenAs"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Actor",
    "Bounds",
    "Case",
    "CaseError",
    "Duties",
    "ImportPlan",
    "InputError",
    "Kind",
    "Mention",
    "Network",
    "Post",
    "RootStatus",
    "SeenAs",
    "SnaError",
    "ThreadFilter",
    "UsageError",
    "Window",
    "__version__",
    "new_case",
    "open_case",
]


def __getattr__(name: str) -> object:
    """Return a public name from the module that defines it (PEP 562)."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'sna' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)

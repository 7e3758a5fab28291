"""sna: investigate public conversation - who speaks, who posted first, who interacts with whom, with the evidence."""

from importlib.metadata import PackageNotFoundError, version

from sna.api import Case, new_case, open_case
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

__all__ = [
    "Actor", "Case", "CaseError", "ImportPlan", "InputError", "Kind", "Mention", "Network", "Post", "RootStatus",
    "SeenAs", "SnaError", "ThreadFilter", "UsageError", "Window", "__version__", "new_case", "open_case",
]

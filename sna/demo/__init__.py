"""A fictional case: a town, a tram line, a week of talk; generated, the same every time, and run end to end."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from sna.api import Case, new_case, open_case
from sna.case import POLICY_FILE
from sna.demo.payloads import write_material
from sna.demo.story import tell_story
from sna.errors import CaseError
from sna.exports.files import Form
from sna.formats.importer import ImportPlan
from sna.graphs.status import Status
from sna.post import Tally

PURPOSE = "Demonstration: a fictional town talks about its tram"
LEGAL_BASIS = "none needed: every post and account is invented"
FORUM_COLUMNS = {
    "id": "post",
    "author": "member",
    "created_at": "written",
    "text": "message",
    "reply_to": "answers",
    "conversation": "topic",
}


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the demonstration found and wrote."""

    tally: Tally
    status: Status
    threads: pl.DataFrame
    actors: pl.DataFrame
    files: list[Path]


def run_demo(folder: Path) -> DemoResult:
    """Make the fictional case in `folder` (or run again on it), import its files, export its networks.

    Raises CaseError when the folder holds anything but an earlier demonstration.
    """
    case = _demo_case(folder)
    material = write_material(tell_story(), folder / "material")
    tally = case.import_files(material.posts)
    tally.add(case.import_files([material.forum], ImportPlan("table", FORUM_COLUMNS, "forum", "Europe/Paris")))
    tally.add(case.import_files([material.stream]))
    exports = case.folder.exports
    files = [*material.posts, material.forum, material.stream]
    files += case.export(exports / "interactions.gexf", form=Form(layout=True))[1]
    files += case.export(exports / "interactions-over-time.gexf", form=Form(dynamic=True))[1]
    files += case.export(exports / "interactions.csv")[1]
    return DemoResult(tally, case.status(), case.threads(limit=8), case.actors(limit=8), files)


def _demo_case(folder: Path) -> Case:
    if (folder / POLICY_FILE).is_file():
        case = open_case(folder)
        if case.policy.purpose != PURPOSE:
            raise CaseError(f"{folder} is a case of its own; choose another folder for the demonstration")
        return case
    return new_case(folder, PURPOSE, LEGAL_BASIS, 365)

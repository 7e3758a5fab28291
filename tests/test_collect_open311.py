"""Citizen reports: a city's endpoint in JSON and XML over real requests, and Ushahidi's exports."""

import gzip
import json
from datetime import datetime

import pytest

import sna
from sna.collectors.base import Ask, What
from sna.collectors.pace import Pace
from tests.servers import open311
from tests.servers.loopback import Answer, Loopback


@pytest.fixture
def city(data):
    with gzip.open(data("open311_sf_2011") / "requests.jsonl.gz") as lines:
        server = open311.Open311Server([json.loads(line) for line in lines], most=100)
    yield server
    server.close()


def collect(case, server, form="json", **settings):
    window = {"since": datetime(2011, 6, 27), "until": datetime(2011, 6, 29)}
    given = {"endpoint": server.address, "form": form, "timezone": "America/Los_Angeles", **settings}
    return case.collect("open311", [Ask(What.REPORTS, **window)], given, Pace(first_wait=0.01))


@pytest.mark.parametrize("form", ["json", "xml"])
def test_real_requests_come_whole_though_an_answer_shows_a_hundred(city, case, form):
    gathered = collect(case, city, form)
    status = case.status()
    assert (status.posts, status.by_kind["report"], status.actors) == (500, 500, 0)
    assert gathered.tally.quarantined == 0
    with case._reader() as store:
        low, high, west, east, closed = store.rows(
            """SELECT min(latitude), max(latitude), min(longitude), max(longitude),
                      count(*) FILTER (WHERE state = 'closed') FROM post"""
        )[0]
        assert store.rows("SELECT text, count(*) FROM post GROUP BY 1 ORDER BY 2 DESC LIMIT 1") == [
            ("Sidewalk_Cleaning", 157)
        ]
    assert (round(low, 3), round(high, 3), closed) == (37.709, 37.806, 371)
    assert (round(west, 3), round(east, 3)) == (-122.511, -122.377)


def test_the_file_says_the_same_as_the_endpoint(city, case, data, tmp_path):
    collect(case, city)
    imported = sna.new_case(tmp_path / "imported", "p", "b", 9)
    plan = sna.ImportPlan(timezone="America/Los_Angeles")
    imported.import_files([data("open311_sf_2011") / "requests.jsonl.gz"], plan)

    def told(one):
        with one._reader() as store:
            return store.rows("SELECT text, created_at, edited_at, latitude, longitude, state FROM post ORDER BY ALL")

    assert told(imported) == told(case)


def test_services_are_listed_and_a_report_is_looked_up(case, run):
    server = open311.Open311Server([open311.report(1, media_url="https://city.test/1.jpg")])
    shown = run("collect", "open311", "--endpoint", server.address, "--count", "--json", case=case).json()
    assert shown["rows"][0]["service_code"] == "033"
    ran = run(
        "collect", "open311", "1", "2", "--what", "lookup", "--endpoint", server.address, "--json", case=case
    ).json()
    assert (ran["stored"], ran["absent"]) == (1, {"not found": 1})
    server.close()


def test_someone_is_an_actor_only_where_the_endpoint_names_an_account(case):
    rows = [open311.report(1, account_id="77"), open311.report(2, first_name="Jo", email="jo@mail.test")]
    server = open311.Open311Server(rows)
    case.collect("open311", [Ask(What.REPORTS, since=datetime(2026, 11, 1))], {"endpoint": server.address})
    server.close()
    assert case.status().actors == 1
    stored = b"".join(path.read_bytes() for path in case.folder.path.rglob("*") if path.is_file())
    assert b"jo@mail.test" not in stored


def test_a_document_that_bombs_is_refused(case):
    bomb = b"<!DOCTYPE l [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><service_requests>&b;</service_requests>"
    server = Loopback(lambda request: Answer(bomb, kind="text/xml"))
    with pytest.raises(sna.InputError, match="something else than xml"):
        case.collect("open311", [Ask(What.REPORTS)], {"endpoint": server.address, "form": "xml"}, Pace(first_wait=0.01))
    server.close()


USHAHIDI_2 = """#,INCIDENT TITLE,INCIDENT DATE,DESCRIPTION,CATEGORY,LATITUDE,LONGITUDE,LAST NAME,EMAIL,SEEN,VERIFIED
"1","Road, blocked","2010-01-20 10:00:00","A tree, ""huge""
over two lines","Roads, Water, ","46.2","-4.1","Jo","jo@mail.test","YES","NO"
"2","Well","2010-01-21 11:00:00","=cmd","Water, ","46.3","-4.2","","","YES","YES"
"""

PLATFORM = """Post ID,Survey,Post Status,Created (UTC),Post Date (UTC),Contact,Title,Description,Spot.lat,Spot.lon
7,Flood,published,2026-03-01 10:00:00,2026-03-01 09:00:00,+33600000000,Cellar full,Pump wanted,46.1,-4.0
"""


def test_ushahidi_exports_come_in_as_reports_without_those_who_reported(case, run, write):
    old = write(USHAHIDI_2, name="old.csv")
    assert run("import", old, "--format", "ushahidi", case=case).code == 0
    assert case.status().quarantined == 2
    assert run("import", old, "--format", "ushahidi", "--timezone", "America/Port-au-Prince", case=case).code == 0
    assert (
        run("import", write(PLATFORM, name="new.csv"), "--format", "ushahidi", "--source", "map", case=case).code == 0
    )
    with case._reader() as store:
        rows = store.rows(
            "SELECT source, kind, created_at, text, latitude, longitude, state, actor FROM post ORDER BY created_at"
        )
    assert [row[:3] for row in rows] == [
        ("ushahidi", "report", datetime(2010, 1, 20, 15)),
        ("ushahidi", "report", datetime(2010, 1, 21, 16)),
        ("map", "report", datetime(2026, 3, 1, 9)),
    ]
    assert rows[0][3] == 'Road, blocked\n\nA tree, "huge"\nover two lines\n\nRoads, Water'
    assert rows[2][3:] == ("Cellar full\n\nPump wanted\n\nFlood", 46.1, -4.0, "published", None)
    stored = b"".join(path.read_bytes() for path in case.folder.path.rglob("*") if path.is_file())
    assert b"jo@mail.test" not in stored
    assert b"+33600000000" not in stored
    failed = run("import", write("a,b\n1,2\n", name="other.csv"), "--format", "ushahidi", case=case)
    assert (failed.code, failed.err.count("\n")) == (4, 1)

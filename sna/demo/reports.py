"""What the people of Port-Lune report to their town hall: service requests as an Open311 endpoint gives them."""

import json
import random
from datetime import UTC, datetime, timedelta

_SERVICES = (
    ("TRAM", "Tram stop", ("The shelter is broken", "The new timetable is missing", "Ramp blocked by a fence")),
    ("LIGHT", "Street light", ("Out since Monday", "Flickers all night", "Two lamps dark in a row")),
    ("ROAD", "Road works", ("Cones left on the cycle lane", "No way past on foot", "Dust in all the flats")),
    ("NOISE", "Noise", ("Drilling before six", "Generator runs all night")),
)
# Port-Lune lies where no town is: in the Bay of Biscay.
_LATITUDE, _LONGITUDE = 46.20, -4.10
_FIRST = datetime(2026, 3, 2, 6, tzinfo=UTC)


def service_requests(count: int = 36) -> str:
    """Return `count` reports of the story's week as the endpoint's JSON, the same at every call."""
    luck = random.Random(311)  # noqa: S311
    rows = []
    for number in range(count):
        code, name, texts = luck.choice(_SERVICES)
        asked = _FIRST + timedelta(minutes=luck.randrange(5 * 24 * 60))
        is_closed = luck.random() < 0.4
        rows.append(
            {
                "service_request_id": f"PL-{1001 + number}",
                "status": "closed" if is_closed else "open",
                "status_notes": "Mended" if is_closed else None,
                "service_code": code,
                "service_name": name,
                "description": luck.choice(texts),
                "requested_datetime": asked.isoformat(),
                "updated_datetime": (asked + timedelta(hours=luck.randrange(1, 30))).isoformat() if is_closed else None,
                "lat": round(_LATITUDE + luck.gauss(0, 0.008), 6),
                "long": round(_LONGITUDE + luck.gauss(0, 0.012), 6),
                "media_url": f"https://port-lune.example/media/{1001 + number}.jpg" if luck.random() < 0.3 else None,
            }
        )
    return json.dumps(rows, indent=1)

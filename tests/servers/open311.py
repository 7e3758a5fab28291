"""A stand-in for a city's Open311 endpoint, in JSON and XML, which shows no more than `most` requests an answer."""

from xml.sax.saxutils import escape

from tests.servers.loopback import Answer, Loopback, Request


def report(number: int, **fields: object) -> dict:
    return {
        "service_request_id": str(number),
        "status": "open",
        "service_code": "033",
        "service_name": "Abandoned Vehicle",
        "description": f"report {number} & <more>",
        "requested_datetime": f"2026-11-{1 + number % 20:02d}T{number % 24:02d}:00:00Z",
        "updated_datetime": None,
        "lat": 46.0 + number / 1000,
        "long": -4.0,
        "media_url": None,
        **fields,
    }


class Open311Server(Loopback):
    def __init__(self, rows: list[dict], most: int = 1000) -> None:
        self.rows, self.most = rows, most
        super().__init__(self._route)

    def _route(self, request: Request) -> Answer:
        path, _, form = request.path.rpartition(".")
        if path.endswith("/services"):
            return self._given(
                [{"service_code": "033", "service_name": "Abandoned Vehicle", "group": "street"}], form, "service"
            )
        if path.endswith("/requests"):
            start, end = request.query.get("start_date", ""), request.query.get("end_date", "9999")
            found = [r for r in self.rows if start <= self.time_of(r) < end]
            if code := request.query.get("service_code"):
                found = [r for r in found if r["service_code"] in code.split(",")]
            return self._given(found[: self.most], form, "request")
        name = path.rsplit("/", 1)[-1]
        found = [r for r in self.rows if r["service_request_id"] == name]
        return self._given(found, form, "request") if found else Answer([], 404)

    @staticmethod
    def time_of(row: dict) -> str:
        text = row["requested_datetime"].replace(" ", "T")
        return text if text.endswith("Z") else text + "Z"

    def _given(self, rows: list[dict], form: str, item: str) -> Answer:
        if form == "json":
            return Answer(rows)
        fields = "".join(
            f"<{item}>"
            + "".join(f"<{k}>{'' if v is None else escape(str(v))}</{k}>" for k, v in row.items())
            + f"</{item}>"
            for row in rows
        )
        body = f"<?xml version='1.0' encoding='utf-8'?><service_{item}s>{fields}</service_{item}s>"
        return Answer(body.encode(), kind="text/xml")

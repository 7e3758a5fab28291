"""Takes the pictures of the README from the fictional case: `python -m docs.shoot CASE` after `sna demo CASE`."""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

import sna
from tests.browser import Opened, chromium

HOME = Path(__file__).parent
PICTURES = {"report-network.png": ("#timeline", "#network"), "report-thread.png": ("#threads",)}
COLOURS = 128


def main() -> None:
    """Open the report of the case in Chromium and keep some of its panels as pictures."""
    with tempfile.TemporaryDirectory() as folder, chromium() as start:
        file = Path(folder) / "report.html"
        sna.open_case(sys.argv[1]).report(file)
        page = Opened(start(), file, viewport={"width": 1180, "height": 900}, color_scheme="light").page
        page.wait_for_timeout(500)
        for name, panels in PICTURES.items():
            shots = [Image.open(io.BytesIO(page.locator(panel).screenshot())) for panel in panels]
            sheet = Image.new("RGB", (shots[0].width, sum(shot.height for shot in shots)), "white")
            for place, shot in enumerate(shots):
                sheet.paste(shot, (0, sum(before.height for before in shots[:place])))
            sheet.quantize(COLOURS).save(HOME / name, optimize=True)


if __name__ == "__main__":
    main()

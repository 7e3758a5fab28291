"""A report in a real headless Chromium, with all that it told, asked for and failed at."""

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Dialog, Page, Route, sync_playwright
from playwright.sync_api import Error as PlaywrightError

ARTEFACTS = Path(__file__).resolve().parents[1] / "artefacts"
PANELS = (
    ["summary", "timeline", "network", "actors", "threads", "origins", "coordination", "places", "gaps", "methods"]
)  # fmt: skip
# WebGL by software, so that the network is drawn as it is on a machine with a graphics card.
_ARGUMENTS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]


@contextmanager
def chromium() -> Iterator[Callable[..., Browser]]:
    """Give what starts Chromium, which the set-up installs where it can; skips where it cannot."""
    found = subprocess.run(["sh", Path(__file__).parent / "chromium"], capture_output=True, text=True, check=False)
    if found.returncode:
        pytest.skip("Chromium is not here, and only root can install it: apt-get install chromium")
    with sync_playwright() as playwright, ExitStack() as running:

        def start(*arguments: str) -> Browser:
            path, all_arguments = found.stdout.strip(), [*_ARGUMENTS, *arguments]
            browser = playwright.chromium.launch(executable_path=path, args=all_arguments)
            running.callback(browser.close)
            return browser

        yield start


class Opened:
    """A report opened from disk: `page` to work with, `told` what the browser said or asked for beside it."""

    def __init__(self, browser: Browser, file: Path, **options: Any) -> None:
        usual: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}, "accept_downloads": True}
        self.page: Page = browser.new_context(**(usual | options)).new_page()
        self.told: list[str] = []
        self.page.on("console", lambda message: self.told.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.told.append(f"error: {error}"))
        self.page.on("dialog", self._dismiss)
        self.page.route("**/*", self._watch)
        self._address = file.as_uri()
        self.anew()

    def anew(self) -> None:
        """Open the report, or open it again as if it had not been touched."""
        self.page.goto(self._address)
        try:
            self.page.wait_for_selector("html[data-ready=yes]", state="attached", timeout=10_000)
        except PlaywrightError as error:
            raise AssertionError(f"the report did not draw itself: {self.told}") from error

    def _dismiss(self, dialog: Dialog) -> None:
        self.told.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _watch(self, route: Route) -> None:
        if route.request.url.startswith(("file:", "data:", "blob:")):
            route.continue_()
        else:
            self.told.append(f"request: {route.request.url}")
            route.abort()

    def text(self, where: str) -> str:
        return self.page.locator(where).inner_text()

    def count(self, where: str) -> int:
        return self.page.locator(where).count()

    def drawn(self) -> tuple[int, int]:
        """Return how many accounts and links the network shows, as it says itself."""
        nodes, links = re.findall(r"\d[\d,]*", self.text("#network-shown"))
        return int(nodes.replace(",", "")), int(links.rstrip(",").replace(",", ""))

    def picture(self, name: str) -> None:
        """Keep a screenshot of each panel as an artefact, to be looked at."""
        ARTEFACTS.mkdir(exist_ok=True)
        for panel in PANELS:
            self.page.locator(f"#{panel}").screenshot(path=ARTEFACTS / f"{name}-{panel}.png")

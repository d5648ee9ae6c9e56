"""A real server with real models on a free port, and a real browser in front of it.

A page that logs an error, breaks its content security policy or throws fails the test that opened it.
"""

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from lineament.app import serving, sign_in
from lineament.app.installation import Installation
from lineament.core.policy import Person
from lineament.web.site import create_site
from tests.samples import REPOSITORY, SAMPLES

SCREENSHOTS = REPOSITORY / "tests" / "screenshots"
DESKTOP = {"width": 1280, "height": 860}
PHONE = {"width": 360, "height": 780}


@dataclass(frozen=True)
class Site:
    """A running server."""

    address: str
    installation: Installation

    def link(self, who: Person | None = None) -> str:
        """Return a new sign-in link, by default the operator's."""
        who = who or sign_in.operator(self.installation)
        return f"{self.address}/sign-in/{sign_in.new_link_secret(self.installation, who)}"


@contextmanager
def _served(installation: Installation) -> Iterator[Site]:
    """Serve an installation on a free port of this machine."""
    serving.start(installation)
    app = create_site(installation, SAMPLES / "examples.toml")
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", ws="none"))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield Site(f"http://127.0.0.1:{listener.getsockname()[1]}", installation)
        server.should_exit = True
        thread.join()


@pytest.fixture
def serve() -> Iterator[Callable[[Installation], Site]]:
    """Start servers that run until every browser window is closed: see ``arrive``."""
    with ExitStack() as running:
        yield lambda installation: running.enter_context(_served(installation))


@pytest.fixture
def site(archive: Installation, serve: Callable[[Installation], Site]) -> Site:
    """A server over the collection 'archive' of seven portraits."""
    return serve(archive)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium. It is not optional: what people see is tested in what they use."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.fail("The browser tests need Chromium on the PATH; install the package 'chromium'.")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


class Visitor:
    """Somebody at a browser; ``complaints`` holds what the pages logged as errors."""

    def __init__(self, browser: Browser, viewport: dict[str, int], javascript: bool) -> None:
        self.context = browser.new_context(
            viewport=viewport, reduced_motion="reduce", java_script_enabled=javascript
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.complaints: list[str] = []
        self.page.on("console", self._logged)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _logged(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def expect_refusal(self, status: int) -> None:
        """Take back the browser's own note that the server answered with this status; there must be one."""
        note = f"Failed to load resource: the server responded with a status of {status} "
        found = [one for one in self.complaints if one.startswith(note)]
        assert found, self.complaints
        self.complaints = [one for one in self.complaints if one not in found]

    def picture(self, name: str) -> None:
        """Save what the page looks like, and see that it fits the window's width."""
        SCREENSHOTS.mkdir(exist_ok=True)
        self.page.wait_for_load_state("load")  # the style sheets, too
        wide = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{name} is {wide} px wider than the window"
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)

    def fill_in(self, *photographs: Path, purpose: str = "archive-research") -> None:
        """Fill in the form of a new search."""
        self.page.set_input_files("#photo", photographs)
        self.page.check(f"input[value={purpose}]")

    def search(self, *photographs: Path) -> None:
        """Search and wait for the result's page."""
        self.fill_in(*photographs)
        self.page.click("#submit")
        self.page.wait_for_url("**/searches/*")


@pytest.fixture
def arrive(browser: Browser, serve: Callable[[Installation], Site]) -> Iterator[Callable[..., Visitor]]:
    """Open a site in a fresh browser window, signed in unless told otherwise.

    It asks for ``serve`` so that windows close before servers stop: a page may still be loading its pictures.
    """
    came: list[Visitor] = []

    def open_site(
        site: Site,
        viewport: dict[str, int] | None = None,
        signed_in: bool = True,
        javascript: bool = True,
        who: Person | None = None,
    ) -> Visitor:
        visitor = Visitor(browser, viewport or DESKTOP, javascript)
        came.append(visitor)
        if signed_in:
            visitor.page.goto(site.link(who))
        return visitor

    yield open_site
    for visitor in came:
        visitor.context.close()
    assert [one for visitor in came for one in visitor.complaints] == []


@pytest.fixture
def visitor(site: Site, arrive: Callable[..., Visitor]) -> Visitor:
    """Somebody who has signed in and sees the first page."""
    return arrive(site)

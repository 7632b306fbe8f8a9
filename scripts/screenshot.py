"""The pictures of the page that the README and the documentation show.

    .venv/bin/python -m scripts.screenshot

It starts the service with the bundled models, opens its page in headless Chromium and writes docs/page.png and
docs/page-comparison.png, or these in the folder that is given on the command line. Port 8000 must be free, because
the pictures show the README's address. They depend on the machine's fonts; the committed ones have those of Debian's
packages fonts-inter and fonts-urw-base35.
"""

import base64
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.support import ROOT
from tests.support.browser import chromium, missing, show

FOLDER = ROOT / "docs"
# The window in CSS pixels, and the pixels of the picture for each of them.
WIDTH, HEIGHT, SCALE = 1240, 930, 1.5
# Of the kinds of names that models which learned by different guidelines see differently.
TEXT = """Last Friday the Swiss minister Karin Keller-Sutter met European bankers at the Bellevue Palace in Bern. \
UBS, she told the Neue Zürcher Zeitung, needs more capital.

The German Football Association has sold the rights to the World Cup final to ZDF and the BBC."""
COMPARED = urlencode({"text": TEXT, "model": "en", "other": "multi"})
SECONDS = 120


def main(arguments: list[str]) -> int:
    """Take the pictures. Returns 1 if there is no browser."""
    if missing():
        print(f"scripts.screenshot: {missing()}", file=sys.stderr)
        return 1
    folder = Path(arguments[0]) if arguments else FOLDER
    with running_service() as url, tempfile.TemporaryDirectory() as profile, chromium(Path(profile)) as browser:
        show(browser, WIDTH, HEIGHT, scale=SCALE)
        browser.get(url)
        wait_for_marks(browser, "sheet")
        browser.refresh()  # the first request is slow, and the page shows the time that a request took
        wait_for_marks(browser, "sheet")
        take(browser, folder / "page.png")
        show(browser, WIDTH, HEIGHT, scale=SCALE, scheme="dark")
        browser.get("about:blank")
        browser.get(f"{url}#{COMPARED}")
        wait_for_marks(browser, "other-sheet")
        take(browser, folder / "page-comparison.png")
    return 0


def take(browser: Chrome, picture: Path) -> None:
    """Write what the window shows to `picture`."""
    taken = browser.execute_cdp_cmd("Page.captureScreenshot", {"format": "png", "optimizeForSpeed": False})
    picture.write_bytes(base64.b64decode(taken["data"]))


def wait_for_marks(browser: Chrome, sheet: str) -> None:
    """Wait until a sheet of the page shows the names of its text."""
    WebDriverWait(browser, SECONDS).until(lambda _: browser.find_elements(By.CSS_SELECTOR, f"#{sheet} .mark"))


@contextmanager
def running_service() -> Iterator[str]:
    """Start a service; gives its URL."""
    command = [sys.executable, "-m", "nerve.service", "--port", "8000", "--log-level", "warning"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None
        try:
            url = re.search(r"http://\S+?/", service.stdout.readline())
            assert url, "the service did not start"
            yield url[0]
        finally:
            service.terminate()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The picture of the page that the README shows.

    .venv/bin/python -m scripts.screenshot

It starts the service with the bundled models, opens its page in headless Chromium and writes docs/page.png, or the
file that is named on the command line. Port 8000 must be free, because the picture shows the README's address. The
picture depends on the machine's fonts; the committed one has those of Debian's packages fonts-inter and
fonts-urw-base35.
"""

import base64
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.support import ROOT
from tests.support.browser import chromium, missing, show

PICTURE = ROOT / "docs" / "page.png"
# The window in CSS pixels, and the pixels of the picture for each of them.
WIDTH, HEIGHT, SCALE = 1240, 930, 1.5
SECONDS = 120


def main(arguments: list[str]) -> int:
    """Take the picture. Returns 1 if there is no browser."""
    if missing():
        print(f"scripts.screenshot: {missing()}", file=sys.stderr)
        return 1
    picture = Path(arguments[0]) if arguments else PICTURE
    with running_service() as url, tempfile.TemporaryDirectory() as profile, chromium(Path(profile)) as browser:
        show(browser, WIDTH, HEIGHT, scale=SCALE)
        browser.get(url)
        wait_for_marks(browser)
        browser.refresh()  # the first request is slow, and the page shows the time that a request took
        wait_for_marks(browser)
        taken = browser.execute_cdp_cmd("Page.captureScreenshot", {"format": "png", "optimizeForSpeed": False})
    picture.write_bytes(base64.b64decode(taken["data"]))
    return 0


def wait_for_marks(browser: Chrome) -> None:
    """Wait until the page shows the names of its text."""
    WebDriverWait(browser, SECONDS).until(lambda _: browser.find_elements(By.CLASS_NAME, "mark"))


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

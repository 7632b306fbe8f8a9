"""Headless Chromium for the tests of the page and for its picture in the README.

Debian's packages `chromium` and `chromium-driver` bring both programs. Nothing is ever downloaded for it.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium.webdriver import Chrome, ChromeOptions, ChromeService

PROGRAMS = ("chromium", "chromedriver")
FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--no-proxy-server",
    # A process for each page that is opened costs as much as the page.
    "--disable-site-isolation-trials",
)


def missing() -> str:
    """Which of the programs are not here, in words; empty if all are."""
    names = [name for name in PROGRAMS if shutil.which(name) is None]
    return f"needs {' and '.join(names)} (Debian: apt-get install chromium chromium-driver)" if names else ""


@contextmanager
def chromium(profile: Path) -> Iterator[Chrome]:
    """A browser with nothing in its cache or storage; `profile` is an empty folder."""
    program, driver = (shutil.which(name) for name in PROGRAMS)
    options = ChromeOptions()
    options.binary_location = str(program)
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # root cannot have it
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = Chrome(options=options, service=ChromeService(driver))
    try:
        yield browser
    finally:
        browser.quit()


def show(browser: Chrome, width: int, height: int, *, scale: float = 1, scheme: str = "light") -> None:
    """Give the window a size, in CSS pixels, and the system a colour scheme."""
    screen = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

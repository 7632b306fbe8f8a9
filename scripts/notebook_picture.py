"""The picture of a result in a notebook that docs/python.md shows.

    .venv/bin/python -m scripts.notebook_picture

draws what a notebook draws of a result, in headless Chromium, and writes docs/python.png, or the file that is named.
With a second argument, light or dark, it draws that colour scheme alone.
"""

import base64
import sys
import tempfile
from html import escape
from pathlib import Path

import nerve
from tests.support import ROOT
from tests.support.browser import chromium, missing, show

PICTURE = ROOT / "docs" / "python.png"
# In CSS pixels, each of them a square of 1.5 in the picture.
WIDTH, HEIGHT, SCALE = 640, 106, 1.5
CODE = 'tagger("Angela Merkel grew up in Templin and joined the CDU in 1990.")'
# JupyterLab's own colours and words for its themes.
PAGE = """<!doctype html><meta charset="utf-8">
<body data-jp-theme-light="{light}" style="margin:0;background:{ground}">
<div style="padding:14px 18px;color:{ink};font:13px/1.5 monospace">
<div style="padding:6px 10px;border:1px solid {edge};white-space:nowrap">{code}</div>
<div style="padding:10px 10px 0">{result}</div></div>"""
SCHEMES = {
    "light": {"light": "true", "ground": "#fff", "ink": "rgba(0,0,0,.87)", "edge": "#bdbdbd"},
    "dark": {"light": "false", "ground": "#111", "ink": "#fff", "edge": "#616161"},
}


def main(arguments: list[str]) -> int:
    """Draw the picture and return the exit status."""
    if missing():
        print(f"scripts.notebook_picture: {missing()}", file=sys.stderr)
        return 1
    picture = Path(arguments[0]) if arguments else PICTURE
    colours = SCHEMES[arguments[1] if len(arguments) > 1 else "light"]
    text = CODE.split('"')[1]
    html = PAGE.format(code=escape(CODE), result=nerve.load("en")(text)._repr_html_(), **colours)
    with tempfile.TemporaryDirectory() as folder, chromium(Path(folder) / "profile") as browser:
        page = Path(folder) / "page.html"
        page.write_text(html, encoding="utf-8")
        show(browser, WIDTH, HEIGHT, scale=SCALE)
        browser.get(page.as_uri())
        taken = browser.execute_cdp_cmd("Page.captureScreenshot", {"format": "png", "optimizeForSpeed": False})
    picture.write_bytes(base64.b64decode(taken["data"]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

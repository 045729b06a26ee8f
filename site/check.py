"""Looks at every page of the site in headless Chromium, narrow and wide, light and dark.

  python3 site/check.py DIRECTORY SCREENSHOTS

What fails: a picture that is not there or not shown, a page that is wider than the window, a picture with text that is
too small to read or leaves it, a link to no page or to no heading, an error on the console, and any request to another
host. Links to other sites are not followed. The screenshots are for people.
"""

from __future__ import annotations

import argparse
import functools
import shutil
import sys
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin

from browser import Browser

WIDTHS = {390: 844, 1280: 900}
SCHEMES = ("light", "dark")
# How much of a page is kept as a picture.
TALLEST = 6000
# Letters of a picture, on the narrowest screen, in pixels.
LEGIBLE = 9.0

LOOK = """
(async () => {
  await document.fonts.ready;
  const images = [...document.images];
  images.forEach(image => image.loading = 'eager');
  await Promise.all(images.map(image => image.decode().catch(() => null)));
  const page = document.documentElement;
  // mdBook's body hides what leaves it, so its width tells nothing; what is around `main` scrolls with the page.
  const inScroller = element => {
    for (let each = element.parentElement; each.tagName !== 'MAIN'; each = each.parentElement)
      if (['auto', 'scroll'].includes(getComputedStyle(each).overflowX)) return true;
    return false;
  };
  const wide = [...document.querySelectorAll('main *')].filter(each => {
    const box = each.getBoundingClientRect();
    return box.width > 0 && box.right > page.clientWidth + 1 && !inScroller(each);
  });
  return {
    images: images.map(image => ({
      source: image.currentSrc || image.src,
      broken: image.naturalWidth === 0,
      scale: image.getBoundingClientRect().width / (image.naturalWidth || 1),
    })),
    width: page.scrollWidth, room: page.clientWidth, height: page.scrollHeight,
    wide: wide.slice(0, 3).map(each => each.outerHTML.slice(0, 120)),
    ids: [...document.querySelectorAll('[id]')].map(each => each.id),
    links: [...document.querySelectorAll('a[href]')].map(each => each.href),
    theme: document.documentElement.className,
    text: document.querySelector('main').innerText.length,
  };
})()
"""

LETTERING = """
(async () => {
  const holder = document.createElement('div');
  holder.innerHTML = await (await fetch(%r)).text();
  document.body.append(holder);
  const picture = holder.querySelector('svg');
  const box = picture.viewBox.baseVal;
  const texts = [...picture.querySelectorAll('text')];
  const sizes = texts.map(each => parseFloat(getComputedStyle(each).fontSize));
  const outside = texts.filter(each => {
    const it = each.getBBox();
    return it.x < box.x || it.y < box.y || it.x + it.width > box.x + box.width || it.y + it.height > box.y + box.height;
  });
  const scale = picture.width.baseVal.value / box.width;
  const found = [Math.min(...sizes) * scale, outside.map(each => each.textContent)];
  holder.remove();
  return found;
})()
"""


class Files(SimpleHTTPRequestHandler):
    """The site's files, quietly."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name is the base class's)
        pass


def serve(directory: Path) -> tuple[ThreadingHTTPServer, str]:
    """The site on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Files, directory=str(directory)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_address[1]}/"


def complaints(events: list[dict[str, Any]], origin: str) -> list[str]:
    """What went wrong while a page was opened."""
    found = []
    for event in events:
        told, method = event.get("params", {}), event.get("method")
        if method == "Network.requestWillBeSent":
            url = told["request"]["url"]
            if not url.startswith((origin, "data:", "blob:", "about:")):
                found.append(f"asks another host: {url}")
        elif method == "Network.responseReceived" and told["response"]["status"] >= 400:
            found.append(f"{told['response']['status']} for {told['response']['url']}")
        elif method == "Network.loadingFailed" and not told.get("canceled"):
            found.append(f"not loaded: {told.get('errorText')}")
        elif method == "Runtime.exceptionThrown":
            details = told["exceptionDetails"]
            found.append(f"script: {details.get('exception', {}).get('description', details['text'])}")
        elif method == "Runtime.consoleAPICalled" and told["type"] in ("error", "assert"):
            found.append(f"console: {[each.get('value') for each in told['args']]}")
        elif method == "Log.entryAdded" and told["entry"]["level"] == "error":
            found.append(f"log: {told['entry']['text']} {told['entry'].get('url', '')}")
    return found


def look(browser: Browser, origin: str, page: str, width: int, scheme: str) -> tuple[dict[str, Any], list[str]]:
    """What a page is like, and what is wrong with it there."""
    events = browser.open(origin + page, width, WIDTHS[width], scheme)
    seen = browser.evaluate(LOOK)
    wrong = complaints([*events, *browser.events[len(events) :]], origin)
    if seen["width"] > seen["room"]:
        wrong.append(f"is {seen['width']} pixels wide")
    wrong += [f"goes beyond the page: {each}" for each in seen["wide"]]
    for image in seen["images"]:
        if image["broken"]:
            wrong.append(f"picture not shown: {image['source']}")
        # mdBook has each a second time, for when it is enlarged.
        elif image["scale"]:
            letters, outside = lettering(browser, image["source"])
            if letters * image["scale"] < LEGIBLE:
                wrong.append(f"letters of {letters * image['scale']:.1f} pixels in {image['source']}")
            wrong += [f"a text leaves {image['source']}: {each}" for each in outside]
    if (seen["theme"].find("navy") >= 0) != (scheme == "dark"):
        wrong.append(f"does not follow the {scheme} scheme: {seen['theme']}")
    if not seen["text"]:
        wrong.append("is empty")
    return seen, wrong


@functools.cache
def lettering(browser: Browser, source: str) -> tuple[float, list[str]]:
    """The smallest type in an SVG, in its own pixels, and texts that leave it; of another picture nothing is known."""
    if not source.endswith(".svg"):
        return LEGIBLE, []
    size, outside = browser.evaluate(LETTERING % source)
    return size, outside


def dead_links(pages: dict[str, dict[str, Any]], origin: str, directory: Path) -> list[str]:
    """Links to what is not in the site."""
    wrong = set()
    for page, seen in pages.items():
        for link in seen["links"]:
            address, anchor = urldefrag(urljoin(origin + page, link))
            if not address.startswith(origin):
                continue
            target = unquote(address.removeprefix(origin)) or "index.html"
            target += "index.html" if target.endswith("/") else ""
            if target in pages:
                if anchor and unquote(anchor) not in pages[target]["ids"]:
                    wrong.add(f"{page}: {target} has no #{anchor}")
            elif not (directory / target).is_file():
                wrong.add(f"{page}: no {target}")
    return sorted(wrong)


def finds(browser: Browser, origin: str) -> list[str]:
    """Whether the search finds a page."""
    browser.open(f"{origin}index.html?search=spot", 1280, 900, "light")
    until = time.monotonic() + 20
    while time.monotonic() < until:
        if browser.evaluate("document.querySelectorAll('#mdbook-searchresults li, #searchresults li').length"):
            return []
        time.sleep(0.1)
    return ["the search finds nothing about `spot`"]


def main() -> None:
    """Look at everything, and fail if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("site", type=Path)
    parser.add_argument("screenshots", type=Path)
    given = parser.parse_args()
    begun = time.monotonic()
    # Not what mdBook shows where a server has no page, and which it makes for the server's root.
    names = sorted(str(each.relative_to(given.site)) for each in given.site.rglob("*.html"))
    names = [name for name in names if name not in ("404.html", "toc.html")]
    shutil.rmtree(given.screenshots, ignore_errors=True)
    server, origin = serve(given.site)
    browser = Browser()
    pages: dict[str, dict[str, Any]] = {}
    wrong: list[str] = []
    try:
        for width in WIDTHS:
            for scheme in SCHEMES:
                for page in names:
                    pages[page], found = look(browser, origin, page, width, scheme)
                    wrong += [f"{page} ({width} px, {scheme}): {each}" for each in found]
                    shot = given.screenshots / f"{width}-{scheme}" / page.replace("/", "-").replace(".html", ".png")
                    browser.screenshot(shot, height=min(pages[page]["height"], TALLEST))
        wrong += finds(browser, origin)
    finally:
        browser.close()
        server.shutdown()
    wrong += dead_links(pages, origin, given.site)
    if wrong:
        sys.exit("\n".join(wrong))
    looks = len(names) * len(WIDTHS) * len(SCHEMES)
    print(f"{len(names)} pages looked at {looks} times in {time.monotonic() - begun:.0f} s: {given.screenshots}")


if __name__ == "__main__":
    main()

"""Looks at the page of `sgbuild report` in headless Chromium: sorted, filtered, compared; narrow, wide, light, dark.

  python3 site/report_check.py --sgbuild PROGRAM SCREENSHOTS

500 runs are put into a table of the emulator (AWS_ENDPOINT_URL), and the page is made of them. What fails: a page that
is larger or slower than it may be, wider than the window, or not usable by keyboard; rows out of order; a comparison
that is not that of `sgbuild runs --diff`; contrast that is too low; an error on the console, a violation of the page's
own policy among them; and any request. The screenshots are for people.
"""

from __future__ import annotations

import argparse
import base64
import json
import math
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
from browser import Browser
from check import SCHEMES, WIDTHS, complaints

RUNS = 500
# What the page may come to, in bytes and in milliseconds.
LARGEST = 2_000_000
SLOWEST = 1_000
IMAGE = "123456789012.dkr.ecr.us-west-2.amazonaws.com/iris"
BEGUN = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)
HOSTILE = "</script><script>document.title='broken'</script>\x1b[2J\u202e<img src=x onerror=document.title='broken'>"

REASONS = (
    "AlgorithmError: ValueError: row {number} of /opt/ml/input/data/training/{number}.csv has no label, exit code: 1",
    "AlgorithmError: MemoryError: 16384{number} bytes, exit code: 137",
    "ClientError: Data download failed: s3://iris-input/input/data/training/part-{number}.csv was not found",
    f"AlgorithmError: {HOSTILE} {{number}}",
)

# Every text and its background, as far as these are plain colours.
CONTRAST = """
(() => {
  const parse = text => text.match(/[0-9.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = element => {
    for (let each = element; each; each = each.parentElement) {
      const colour = parse(getComputedStyle(each).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const wrong = new Set();
  const texts = 'h1,h2,h3,p,dt,dd,small,caption,th,td,a,button,label,code,summary,figcaption,svg text';
  for (const element of document.querySelectorAll(texts)) {
    const style = getComputedStyle(element);
    const colour = parse(element.tagName === 'text' ? style.fill : style.color);
    const ground = behind(element.closest('svg') || element);
    const [a, b] = [light(colour), light(ground)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const name = `${element.tagName}.${element.className.baseVal ?? element.className}`;
    if (ratio < 4.5) wrong.add(`${name}: ${ratio.toFixed(1)}`);
  }
  return [...wrong];
})()
"""

# What who does not see the page needs of it.
NAMES = """
(() => {
  const wrong = [];
  for (const table of document.querySelectorAll('table')) {
    if (!table.caption) wrong.push('a table without a caption');
    for (const cell of table.tHead.rows[0].cells)
      if (cell.scope !== 'col') wrong.push(`heading ${cell.textContent} has no scope`);
  }
  for (const each of document.querySelectorAll('input, select'))
    if (!each.labels.length && !each.getAttribute('aria-label')) wrong.push(`no label: ${each.outerHTML.slice(0, 80)}`);
  for (const each of document.querySelectorAll('[aria-labelledby]')) {
    const name = each.getAttribute('aria-labelledby');
    if (!document.getElementById(name)) wrong.push(`no ${name}`);
  }
  const ids = [...document.querySelectorAll('[id]')].map(each => each.id);
  if (new Set(ids).size !== ids.length) wrong.push('an id twice');
  if (!document.documentElement.lang) wrong.push('no language');
  return wrong;
})()
"""

HEADINGS = "[...document.querySelectorAll('#table thead th')].map(each => each.textContent)"
COLUMN = (
    "[...document.querySelectorAll('#table tbody tr')].filter(row => !row.hidden).map(row => row.cells[%d].textContent)"
)
DIFFERENCES = """
[...document.querySelectorAll('#differences tbody')].flatMap(body => [...body.rows].slice(1).map(row =>
  [body.rows[0].textContent, ...[...row.cells].map(cell => cell.textContent)]))
"""


def record(number: int, chance: random.Random) -> dict[str, Any]:
    """A run as a table has it."""
    begun = BEGUN + timedelta(hours=4 * number, minutes=chance.randrange(60))
    seconds = chance.randrange(240, 4000)
    failed = chance.random() < 0.15
    spot = chance.random() < 0.3
    commit = random.Random(number // 6).randbytes(20).hex()
    lines = sorted(f"package-{each:03}==1.{(number // 25 + each) % 90}.0" for each in range(120))
    job = f"iris-classifier-{number:03}-{chance.randbytes(4).hex()}"
    told: dict[str, Any] = {
        "training_job_name": job,
        "run_id": f"run-{number}",
        "git_hash": commit + ("-dirty" if number % 17 == 0 else ""),
        "image": f"{IMAGE}@sha256:{random.Random(number // 6).randbytes(32).hex()}",
        "package": "iris_classifier",
        "version": f"1.{number // 60}.0",
        "instance_type": "ml.m5.large" if number % 9 else "ml.p3.2xlarge",
        "instance_count": 1 + number % 2,
        "volume_in_gb": 30,
        "max_runtime_seconds": 86400,
        "input_bucket": "iris-input",
        "input": "s3://iris-input/input/data/training/",
        "output": "s3://iris-models/",
        "role": "arn:aws:iam::123456789012:role/training",
        "requirements": {"digest": digest(lines), "installed": True, "lines": lines},
        "data_source": "uploaded",
        "channels": ["training"],
        "input_versions": {f"input/data/training/part-{each}.csv": f"v{number // 12}-{each}" for each in range(20)},
        "input_object_count": 20,
        "hyperparameters": {"depth": str(2 + number % 5), "learning_rate": f"0.{number % 7 + 1}"},
        "recorded_at": stamp(begun),
        "job_creation_time": stamp(begun),
        "job_end_time": stamp(begun + timedelta(seconds=seconds)),
        "job_status": "Failed" if failed else "Completed",
        "training_seconds": seconds - 60,
        "billable_seconds": (seconds - 60) // (3 if spot else 1),
        "create_training_job": {"EnableManagedSpotTraining": spot},
    }
    if failed:
        told["failure_reason"] = chance.choice(REASONS).format(number=number)
    else:
        better = 1 - math.exp(-number / 150)
        told["metrics"] = {
            "accuracy": round(0.7 + 0.27 * better + chance.uniform(-0.02, 0.02), 4),
            "loss": round(0.9 - 0.7 * better + chance.uniform(-0.05, 0.05), 4),
            "rows": 1000 + 13 * (number // 12),
        }
        told["artifact"] = f"s3://iris-models/{job}/output/model.tar.gz"
    return told


def digest(lines: list[str]) -> str:
    """What stands for a list of requirements; any name of it would do here."""
    return f"sha256:{uuid.uuid5(uuid.NAMESPACE_OID, ' '.join(lines)).hex * 2}"


def stamp(time_: datetime) -> str:
    """A time as a record has it."""
    return time_.strftime("%Y-%m-%dT%H:%M:%SZ")


@contextmanager
def table() -> Iterator[str]:
    """A table of so many runs, for as long as it is looked at."""
    name = f"report-{uuid.uuid4().hex[:8]}"
    key = "training_job_name"
    made = boto3.resource("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    made.wait_until_exists()
    chance = random.Random(16)
    try:
        with made.batch_writer() as writer:
            for number in range(RUNS):
                writer.put_item(Item=json.loads(json.dumps(record(number, chance)), parse_float=decimal))
        yield name
    finally:
        made.delete()


def decimal(text: str) -> Any:
    """DynamoDB's numbers are no floats."""
    from decimal import Decimal

    return Decimal(text)


class Page:
    """The page in a browser, with what is wrong with it."""

    def __init__(self, browser: Browser, url: str, width: int, scheme: str) -> None:
        self.browser = browser
        self.wrong: list[str] = []
        begun = time.monotonic()
        self.events = browser.open(url, width, WIDTHS[width], scheme)
        self.took = (time.monotonic() - begun) * 1000
        self.name = f"{width} px, {scheme}"

    def ask(self, expression: str) -> Any:
        """A value of the page's."""
        return self.browser.evaluate(expression)

    def must(self, holds: object, what: str) -> None:
        """Notes what does not hold."""
        if not holds:
            self.wrong.append(f"{self.name}: {what}")

    def press(self, key: str, code: int = 0, text: str = "") -> None:
        """A key, as a keyboard presses it."""
        for kind in ("keyDown", "keyUp"):
            told: dict[str, Any] = {"type": kind, "key": key, "windowsVirtualKeyCode": code}
            if kind == "keyDown" and text:
                told["text"] = text
            self.browser.ask("Input.dispatchKeyEvent", **told)

    def is_sound(self) -> None:
        """What holds whatever is done with the page."""
        told = complaints([*self.events, *self.browser.events], "file:")
        self.wrong += [f"{self.name}: {each}" for each in told]
        requests = [
            each["params"]["request"]["url"]
            for each in [*self.events, *self.browser.events]
            if each.get("method") == "Network.requestWillBeSent"
        ]
        self.must(len(set(requests)) == 1, f"asks for more than itself: {requests}")
        self.must(self.ask("document.title") == "Training runs", "a script of a stranger's has run")
        wide = self.ask("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        self.must(wide <= 0, f"is {wide} pixels too wide")
        for each in self.ask(CONTRAST):
            self.must(False, f"too little contrast: {each}")
        for each in self.ask(NAMES):
            self.must(False, each)

    def shows(self, path: Path) -> None:
        """What is in the window."""
        path.write_bytes(base64.b64decode(self.browser.ask("Page.captureScreenshot", format="png")["data"]))

    def opens_quickly(self) -> None:
        """Until it is drawn, by the browser's own clock."""
        timing = "performance.getEntriesByType('navigation')[0]"
        loaded = self.ask(f"{timing}.loadEventEnd || {timing}.domComplete")
        painted = self.ask(
            "new Promise(done => requestAnimationFrame(() => setTimeout(() => done(performance.now()), 0)))"
        )
        self.must(loaded < SLOWEST, f"takes {loaded:.0f} ms to load")
        print(f"{self.name}: loaded in {loaded:.0f} ms, open in {self.took:.0f} ms, idle at {painted:.0f} ms")

    def sorts(self) -> None:
        """By mouse and by keyboard, numbers as numbers, nothing last."""
        headings = self.ask(HEADINGS)
        for title in ("accuracy", "Duration", "Job"):
            column = headings.index(title)
            heading = f"document.querySelectorAll('#table thead th')[{column}]"
            for way in ("ascending", "descending"):
                self.ask(f"{heading}.querySelector('button').click()")
                self.must(self.ask(f"{heading}.getAttribute('aria-sort')") == way, f"{title} is not sorted {way}")
                rows = "[...document.querySelectorAll('#table tbody tr')]"
                by = f"{rows}.map(row => row.cells[{column}].dataset.by ?? '')"
                values = self.ask(by if title != "Job" else COLUMN % column)
                known = [each if title == "Job" else float(each) for each in values if each]
                self.must(known == sorted(known, reverse=way == "descending"), f"{title} is not {way}")
                self.must(all(values[: len(known)]), f"{title}: what has no value is not last")
        self.must(
            self.ask("document.querySelectorAll('[aria-sort]').length") == 1, "several columns claim to be sorted"
        )
        self.ask("document.querySelectorAll('#table thead button')[1].focus()")
        self.press("Enter", 13, "\r")
        self.must(self.ask(f"{HEADINGS}[2]") == "When", "the third column is not When")
        when = self.ask(COLUMN % 2)
        self.must(when == sorted(when), "the keyboard does not sort")
        outline = self.ask("getComputedStyle(document.activeElement).outlineStyle")
        self.must(outline == "solid", "the focus is not seen")

    def filters(self) -> None:
        """Every word must be in a row, and the status is one of its own."""
        failed = sum(each == "Failed" for each in self.ask(COLUMN % 3))
        self.ask(
            "document.getElementById('status').value = 'Failed';"
            "document.getElementById('status').dispatchEvent(new Event('change'))"
        )
        shown = self.ask(COLUMN % 3)
        self.must(shown and set(shown) == {"Failed"} and len(shown) == failed, "the status does not filter")
        self.must(
            self.ask("document.getElementById('count').textContent") == f"{failed} of {RUNS} runs", "the count is wrong"
        )
        self.ask("document.getElementById('filter').focus()")
        for letter in "memoryerror IRIS":
            self.press(letter, text=letter)
        found = self.ask(COLUMN % 1)
        self.must(found and all("MemoryError" in each for each in found), f"the words do not filter: {found[:2]}")
        self.ask(
            "document.getElementById('status').value = ''; document.getElementById('filter').value = '';"
            "document.getElementById('filter').dispatchEvent(new Event('input'))"
        )
        self.must(len(self.ask(COLUMN % 1)) == RUNS, "not everything is shown again")

    def compares(self, told: dict[str, Any]) -> None:
        """Two rows that are ticked differ as `sgbuild runs --diff` says."""
        for job in (told["a"], told["b"]):
            self.ask(f"document.querySelector('[aria-label=\"Compare {job}\"]').click()")
        shown = self.ask(DIFFERENCES)
        expected = [
            [each["kind"].capitalize(), each["name"], each["a"] or "nothing", each["b"] or "nothing"]
            for each in told["differences"]
        ]
        self.must(shown == expected, f"the comparison is another: {shown[:4]} {expected[:4]}")
        # A third takes the place of the first.
        self.ask("[...document.querySelectorAll('#table tbody input')].find(box => !box.checked).click()")
        self.must(self.ask("document.querySelectorAll('#table tbody input:checked').length") == 2, "three are ticked")
        self.must(
            self.ask("document.getElementById('a').selectedOptions[0].text").startswith(told["b"]), "the first stays"
        )

    def skips(self) -> None:
        """The first stop of the keyboard leads past the head."""
        self.ask("document.activeElement.blur(); window.scrollTo(0, 0)")
        self.press("Tab", 9)
        self.must(self.ask("document.activeElement.className") == "skip", "there is no skip link")
        self.press("Enter", 13, "\r")
        self.must(self.ask("document.activeElement.id") == "runs", "the skip link leads nowhere")


def run(program: Path, *arguments: str) -> str:
    """What sgbuild prints."""
    return subprocess.run([program, *arguments], check=True, capture_output=True, text=True).stdout


def main() -> None:
    """Make the page, look at it in every way, and fail if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sgbuild", type=Path, required=True)
    parser.add_argument("screenshots", type=Path)
    given = parser.parse_args()
    program = given.sgbuild.resolve()
    shutil.rmtree(given.screenshots, ignore_errors=True)
    given.screenshots.mkdir(parents=True)
    wrong: list[str] = []
    with table() as name, tempfile.TemporaryDirectory(prefix="sgbuild-report-") as directory:
        os.environ["SGBUILD_TABLE"] = name
        page = Path(directory, "report.html")
        begun = time.monotonic()
        run(program, "report", directory, "--output", str(page), "--price", "ml.m5.large=0.115")
        size = page.stat().st_size
        print(f"{RUNS} runs: {size / 1e6:.2f} MB, made in {time.monotonic() - begun:.1f} s")
        if size >= LARGEST:
            wrong.append(f"the page has {size} bytes")
        jobs = [each["training_job_name"] for each in json.loads(run(program, "runs", "--json", "-n", str(RUNS)))]
        told = json.loads(run(program, "runs", "--json", "--diff", jobs[400], jobs[10]))
        shutil.copy(page, given.screenshots)
        browser = Browser()
        try:
            for width in WIDTHS:
                for scheme in SCHEMES:
                    seen = Page(browser, page.as_uri(), width, scheme)
                    seen.opens_quickly()
                    browser.screenshot(given.screenshots / f"{width}-{scheme}.png", height=3200)
                    seen.skips()
                    seen.sorts()
                    seen.filters()
                    seen.compares(told)
                    seen.is_sound()
                    for part in ("compare", "failures"):
                        seen.ask(f"document.getElementById('{part}').scrollIntoView()")
                        seen.shows(given.screenshots / f"{width}-{scheme}-{part}.png")
                    wrong += seen.wrong
        finally:
            browser.close()
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"sorted, filtered, compared: {given.screenshots}")


if __name__ == "__main__":
    main()

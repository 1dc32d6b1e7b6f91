"""Headless Chromium for pages of ours, driven by its own protocol over two pipes; nothing but this machine is reached.

The protocol: https://chromedevtools.github.io/devtools-protocol/
"""

import base64
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = "/usr/bin/chromium"
WIDTHS = (1280, 480)
SCHEMES = ("light", "dark")
SECONDS = 60.0
_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"),
    *("--remote-debugging-pipe", "--no-proxy-server", "--ignore-certificate-errors", "--hide-scrollbars"),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)


class Browser:
    """One page of one browser."""

    def __init__(self, asks: int, answers: int) -> None:
        self._asks, self._answers = asks, answers
        self._number, self._read = 0, b""
        self.said: list[str] = []
        """what the console and the page's policy said"""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    _session: str | None = None

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command; its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._asks, json.dumps(message).encode("utf-8") + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self._hear(answer)

    def open(self, url: str, *, width: int = 1280, scheme: str = "light") -> None:
        """Show a page in a window of this many pixels; returns once it is there, with all that it names."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Page.navigate", url=url)
        self.until(f"document.readyState === 'complete' && location.href.startsWith({json.dumps(url)})")
        assert self.value("performance.getEntriesByType('navigation')[0].responseStatus") == 200, url

    def value(self, expression: str) -> Any:
        """Of an expression of JavaScript."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def until(self, expression: str) -> None:
        """Wait until an expression of JavaScript is true."""
        deadline = time.monotonic() + SECONDS
        while not self.value(expression):
            assert time.monotonic() < deadline, expression
            time.sleep(0.05)

    def picture(self, file: Path) -> None:
        """The whole page, as high as it is, as PNG."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        file.write_bytes(base64.b64decode(shot["data"]))

    def overflow(self) -> int:
        """Pixels by which the page is wider than its window."""
        return int(self.value("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._read:
            ready, _, _ = select.select([self._answers], [], [], SECONDS)
            assert ready, "the browser gives no answer"
            piece = os.read(self._answers, 2**20)
            assert piece, "the browser has ended"
            self._read += piece
        line, _, self._read = self._read.partition(b"\0")
        return json.loads(line)

    def _hear(self, event: dict[str, Any]) -> None:
        facts = event.get("params", {})
        if event.get("method") == "Log.entryAdded":
            self.said.append(facts["entry"]["text"])
        elif event.get("method") == "Runtime.consoleAPICalled":
            self.said.append(" ".join(str(one.get("value")) for one in facts["args"]))
        elif event.get("method") == "Runtime.exceptionThrown":
            self.said.append(str(facts["exceptionDetails"]))


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser with a profile in the folder, while it lasts; the test is skipped where there is none."""
    if shutil.which(CHROMIUM) is None:
        pytest.skip(f"{CHROMIUM} is not there: apt-get install chromium")
    (its_asks, asks), (answers, its_answers) = os.pipe(), os.pipe()
    command = [CHROMIUM, *_FLAGS, f"--user-data-dir={folder / 'profile'}", "about:blank"]
    process = subprocess.Popen(
        ["bash", "-c", f'exec "$@" 3<&{its_asks} 4>&{its_answers}', "bash", *command],
        pass_fds=(its_asks, its_answers),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=(folder / "chromium.log").open("wb"),
        env={**os.environ, "HOME": str(folder)},
    )
    os.close(its_asks)
    os.close(its_answers)
    try:
        yield Browser(asks, answers)
    finally:
        os.close(asks)
        process.terminate()
        process.wait(SECONDS)
        os.close(answers)


def pictures(seen: Browser, url: str, folder: Path, name: str, ready: Callable[[], None] = lambda: None) -> None:
    """The page at each width in each scheme, one PNG each; none of them may be wider than its window."""
    for width in WIDTHS:
        for scheme in SCHEMES:
            seen.open(url, width=width, scheme=scheme)
            ready()
            seen.picture(folder / f"{name}-{width}-{scheme}.png")
            assert seen.overflow() <= 0, (name, width)

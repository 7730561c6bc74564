"""A real headless Chromium, spoken to in its DevTools protocol over two pipes."""

import base64
import json
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from benchmarks.watcher import watched

QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,1600",
    # Nothing has a name but this machine: a page that asks elsewhere for a file goes without.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)
RENDER_SECONDS = 60
# The script has run, and has set its first focus: Chromium complains of one that comes before that.
READY = "document.readyState === 'complete' && document.activeElement !== document.body"
KEYS = {"Enter": 13, "Escape": 27, "Tab": 9}
# An element that says this and nothing else, with a place on the page where one can see it.
IS_VISIBLE = """
text => [...document.querySelectorAll("body *")].some(element => {
  const box = element.getBoundingClientRect()
  const said = (element.innerText ?? "").replaceAll("\\u200b", "").trim()
  return said === text && element.checkVisibility() && box.width > 0 && box.height > 0
})
"""
# Opens each operation of Swagger UI, tries it as it stands, and tells what came back. Only a file,
# which no page may choose, is chosen.
TRY_ALL = """
async seconds => {
  const found = async (root, selector) => {
    const end = Date.now() + 1000 * seconds
    while (Date.now() < end) {
      const element = root.querySelector(selector)
      if (element) return element
      await new Promise(requestAnimationFrame)
    }
    throw new Error(`no ${selector} in ${root.innerText}`)
  }
  const answers = {}
  for (const operation of document.querySelectorAll(".opblock")) {
    operation.querySelector(".opblock-summary-control").click()
    const pressed = await found(operation, ".try-out__btn")
    pressed.click()
    const execute = await found(operation, ".execute")
    const file = operation.querySelector("input[type=file]")
    if (file) {
      const chosen = new DataTransfer()
      chosen.items.add(new File(["The warranty is two years."], "handbook.txt"))
      file.files = chosen.files
      file.dispatchEvent(new Event("change", { bubbles: true }))
      await new Promise(requestAnimationFrame)
    }
    execute.click()
    const status = await found(operation, ".live-responses-table tbody .response-col_status")
    const method = operation.querySelector(".opblock-summary-method").innerText
    const path = operation.querySelector(".opblock-summary-path").dataset.path
    const title = operation.querySelector(".opblock-summary-description")?.innerText.trim()
    answers[`${method} ${path}`] = title ? status.innerText.trim() : "no title"
    operation.querySelector(".opblock-summary-control").click()
  }
  return answers
}
"""


class Browser:
    """One page of a browser."""

    def __init__(self, commands: IO[bytes], answers: IO[bytes]) -> None:
        self._commands = commands
        self._answers = answers
        self._sent = 0
        self._session: dict[str, str] = {}
        self.complaints: list[str] = []  # of the pages, and of the browser about them
        page = self._call("Target.createTarget", url="about:blank")
        attached = self._call("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self._session = {"sessionId": attached["sessionId"]}

    def listen(self) -> None:
        """Begins to note what pages complain of; a question of theirs is answered with yes."""
        for domain in ("Log", "Page", "Runtime"):
            self._call(f"{domain}.enable")

    def emulate(self, width: int, height: int, scale: int = 1, **media: str) -> None:
        """Makes the window of another size, and prefer what CSS calls, say, `color_scheme`."""
        size = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", **size)
        features = [
            {"name": f"prefers-{name.replace('_', '-')}", "value": value}
            for name, value in media.items()
        ]
        self._call("Emulation.setEmulatedMedia", features=features)

    def visit(self, url: str) -> None:
        assert "errorText" not in self._call("Page.navigate", url=url)

    def shows(self, text: str) -> bool:
        """Whether a part of the page with just this text becomes visible, sooner or later."""
        deadline = time.monotonic() + RENDER_SECONDS
        while time.monotonic() < deadline:
            expression = f"({IS_VISIBLE})({json.dumps(text)})"
            found = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
            if found["result"].get("value") is True:
                return True
            time.sleep(0.2)
        return False

    def value(self, expression: str) -> Any:
        """What an expression, or the promise that it is, comes to in the page."""
        answered = self._call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answered, answered["exceptionDetails"]
        return answered["result"].get("value")

    def wait(self, expression: str) -> None:
        """Returns once an expression is true in the page, or in the one that takes its place."""
        deadline = time.monotonic() + RENDER_SECONDS
        while not self._is_true(expression):
            assert time.monotonic() < deadline, f"never true: {expression}"
            time.sleep(0.02)

    def _is_true(self, expression: str) -> bool:
        try:
            return bool(self.value(f"Boolean({expression})"))
        except AssertionError as error:
            if "navigated" in str(error):
                return False
            raise

    def type(self, text: str) -> None:
        self._call("Input.insertText", text=text)

    def press(self, key: str, text: str = "", *, shift: bool = False) -> None:
        """Presses a key by its name in `KeyboardEvent.key`, and lets it go."""
        named = {
            "key": key,
            "code": key,
            "windowsVirtualKeyCode": KEYS[key],
            "modifiers": 8 * shift,
        }
        self._call("Input.dispatchKeyEvent", type="keyDown", **named, text=text)
        self._call("Input.dispatchKeyEvent", type="keyUp", **named)

    def run(self, script: str) -> None:
        """Runs a script in the page, and does not wait for what it promises."""
        answered = self._call("Runtime.evaluate", expression=f"{script}; 0")
        assert "exceptionDetails" not in answered, answered["exceptionDetails"]

    def try_all(self) -> dict[str, str]:
        """What the operations of Swagger UI answer, as they stand, in the order of the page.

        One without a title counts for none.
        """
        answers: dict[str, str] = self.value(f"({TRY_ALL})({RENDER_SECONDS})")
        return answers

    def photograph(self, path: Path) -> None:
        picture = self._call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(picture["data"]))

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        sent = self._send(method, parameters)
        while (answer := self._receive()).get("id") != sent:
            self._note(answer.get("method"), answer.get("params", {}))
        assert "result" in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def _send(self, method: str, parameters: dict[str, Any]) -> int:
        self._sent += 1
        message = {"id": self._sent, "method": method, "params": parameters, **self._session}
        self._commands.write(json.dumps(message).encode() + b"\0")
        self._commands.flush()
        return self._sent

    def _note(self, event: str | None, told: dict[str, Any]) -> None:
        match event:
            case "Page.javascriptDialogOpening":
                self._send("Page.handleJavaScriptDialog", {"accept": True})
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(told["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if told["type"] in ("assert", "error", "warning"):
                self.complaints.append(json.dumps(told["args"]))
            case "Log.entryAdded" if told["entry"]["source"] != "network":
                self.complaints.append(told["entry"]["text"])

    def _receive(self) -> dict[str, Any]:
        received = bytearray()
        while (byte := self._answers.read(1)) != b"\0":
            assert byte, "the browser has ended"
            received += byte
        message: dict[str, Any] = json.loads(received)
        return message


@contextmanager
def browsing(command: Sequence[str], profile: Path) -> Iterator[Browser]:
    """Starts a browser with a profile that is new.

    Args:
        command: what starts Chromium, and perhaps what starts it where.
        profile: a folder to make.
    """
    to_browser, commands = os.pipe()
    answers, from_browser = os.pipe()
    chromium = (*command, *QUIET, "--remote-debugging-pipe", f"--user-data-dir={profile}")
    with (
        profile.with_suffix(".log").open("wb") as log,
        os.fdopen(commands, "wb") as writer,
        os.fdopen(answers, "rb") as reader,
        subprocess.Popen(
            # DevTools listens on the third file descriptor, and answers on the fourth.
            ("bash", "-c", f'exec "$@" 3<&{to_browser} 4>&{from_browser}', "bash", *chromium),
            pass_fds=(to_browser, from_browser),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        ) as process,
        watched(process),
    ):
        os.close(to_browser)
        os.close(from_browser)
        try:
            yield Browser(writer, reader)
        finally:
            process.terminate()
            process.wait()

"""`/docs` as a person uses it: `python docs_page.py CHROMIUM ADDRESS`, by an interpreter that has Playwright.

Prints one JSON object: what was seen, and every request that the browser began, whoever in it wanted it.
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Error, Page, sync_playwright

# Nothing but this machine has an address.
OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


def main() -> None:
    program, address = sys.argv[1:]
    with TemporaryDirectory() as folder:
        log = Path(folder) / "net.json"
        seen = _open(program, address, log)
        print(json.dumps({**seen, "requests": _requests(log)}))


def _open(program: str, address: str, log: Path) -> dict[str, Any]:
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[OFFLINE, f"--log-net-log={log}"])
        page = browser.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("requestfailed", lambda request: complaints.append(f"{request.url}: {request.failure}"))
        page.set_default_timeout(15_000)
        page.goto(f"{address}/docs")
        shown: dict[str, str] = {}
        try:
            shown = _create_project(page)
        except Error as error:  # what was asked for is not on the page; why, the others may tell
            complaints.append(str(error))
        browser.close()
    return {**shown, "complaints": complaints}


def _create_project(page: Page) -> dict[str, str]:
    """By "Try it out": what the page shows then."""
    operation = page.locator("#operations-projects-create_project")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.locator("textarea.body-param__text").fill('{"name": "from a browser"}')
    operation.get_by_role("button", name="Execute").click()
    answer = operation.locator(".live-responses-table tbody .response")
    return {
        "title": page.locator(".info .title").inner_text(),
        "status": answer.locator(".response-col_status").inner_text(),
        "body": answer.locator(".highlight-code code").first.inner_text(),
    }


def _requests(log: Path) -> list[str]:
    """The addresses in Chromium's own log."""
    written = json.loads(log.read_text())
    begun = written["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
    started = (one.get("params", {}) for one in written["events"] if one["type"] == begun)
    return sorted({one["url"] for one in started if "url" in one and not one["url"].startswith("data:")})


if __name__ == "__main__":
    main()

"""The report's page in a real browser: it draws, its filters work, and nothing hostile runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from support.browser import Browser, chromium
from support.journals import a_day, server_now, some_id, write_journal

from spoolq.queue import internals
from spoolq.report import gather, page
from spoolq.rules.journal import Attempt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from spoolq import Spool

pytestmark = [
    pytest.mark.skipif(chromium() is None, reason="no chromium here; .ci/run installs it"),
    pytest.mark.timeout(300),
]
HOSTILE = "</script><img src=x onerror='window.hacked=1'><b>&lt;\u2028\"'`${1}"
CHOSEN = "document.getElementById('selected').textContent"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests here; every page is loaded anew."""
    started = Browser(tmp_path_factory.mktemp("profile"), "--window-size=1200,1600")
    yield started
    started.close()


@pytest.fixture
def opened(browser: Browser, spool: Spool, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Write the report of the spool, open it, and return its values."""

    def open_page(attempts: list[Attempt], choice: str = "") -> dict[str, Any]:
        write_journal(spool, attempts)
        values = page.values(gather.gather(internals(spool), server_now(spool) - 86400))
        (tmp_path / "report.html").write_text(page.html(values), encoding="utf-8")
        browser.complaints.clear()
        browser.requests.clear()
        browser.open(f"file://{tmp_path}/report.html{choice}")
        return values

    return open_page


def rows(browser: Browser, table: str) -> list[list[str]]:
    """The texts of a list's cells, row by row."""
    found = browser.ask(
        f"[...document.querySelectorAll('#{table} tbody tr')]"
        ".map(row => [...row.cells].map(cell => cell.textContent))"
    )
    assert isinstance(found, list)
    return found


def chosen(browser: Browser) -> int:
    """How many attempts the page says are chosen."""
    return int(browser.ask(CHOSEN).split()[0].replace(",", ""))


def test_page_draws_everything_without_a_complaint_and_fetches_nothing(
    browser: Browser, spool: Spool, opened: Callable[..., dict[str, Any]]
) -> None:
    spool.publish_many([b"waits"] * 3)
    opened(a_day(server_now(spool), 500, ["alpha-1", "beta-2"]))
    assert chosen(browser) == 500
    for chart in ("throughput", "waiting", "running", "lengths", "waits"):
        assert browser.ask(f"document.querySelectorAll('#{chart} rect').length") > 3, chart
        assert browser.ask(f"document.getElementById('{chart}').getAttribute('aria-label')")
    assert [row[0] for row in rows(browser, "workers")] == ["alpha-1", "beta-2"]
    assert rows(browser, "failures")[0][0] == "ValueError: no page #"
    assert rows(browser, "retried")
    assert "Waiting now3" in browser.ask("document.getElementById('tiles').textContent")
    assert browser.complaints == []
    assert [
        url for url in browser.requests if not url.startswith(("file:", "about:", "data:"))
    ] == []


def test_empty_spool_has_a_page_too(
    browser: Browser, opened: Callable[..., dict[str, Any]]
) -> None:
    opened([])
    assert chosen(browser) == 0
    assert rows(browser, "slowest") == [["Nothing to show for this choice."]]
    assert browser.complaints == []


def test_worker_is_chosen_by_its_name_and_by_the_box(
    browser: Browser, spool: Spool, opened: Callable[..., dict[str, Any]]
) -> None:
    opened(a_day(server_now(spool), 300, ["alpha-1", "beta-2", "gamma-3"]))
    browser.click("#workers tr[data-worker='beta-2'] button")
    assert chosen(browser) == 100
    assert {row[5] for row in rows(browser, "slowest")} == {"beta-2"}
    browser.click("#workers tr[data-worker='beta-2'] button")
    assert chosen(browser) == 300
    browser.ask("document.getElementById('worker').focus()")
    browser.press("ArrowDown", 40)
    assert browser.ask("document.getElementById('worker').value") == "0"
    assert chosen(browser) == 100
    browser.click("#reset")
    assert chosen(browser) == 300
    assert browser.complaints == []


def test_outcomes_are_chosen_by_mouse_and_keyboard(
    browser: Browser, spool: Spool, opened: Callable[..., dict[str, Any]]
) -> None:
    told = a_day(server_now(spool), 400, ["alpha-1"])
    opened(told)
    done = sum(attempt.outcome == "done" for attempt in told)
    browser.click("#outcome-done")
    assert chosen(browser) == 400 - done
    browser.press(" ", 32, " ")
    assert chosen(browser) == 400
    browser.click("#outcome-done")
    assert all("done" not in row[4] for row in rows(browser, "slowest"))
    assert browser.complaints == []


def test_time_is_chosen_by_dragging_and_by_the_keyboard(
    browser: Browser, spool: Spool, opened: Callable[..., dict[str, Any]]
) -> None:
    opened(a_day(server_now(spool), 1000, ["alpha-1"]))
    left, top, width, height = browser.place("#throughput")
    middle = top + height / 2
    browser.mouse("mousePressed", left + width * 0.3, middle)
    browser.mouse("mouseMoved", left + width * 0.5, middle)
    browser.mouse("mouseReleased", left + width * 0.5, middle)
    part = chosen(browser)
    assert 100 < part < 300
    before = int(browser.ask("document.getElementById('from').value"))
    browser.ask("document.getElementById('from').focus()")
    browser.press("ArrowRight", 39)
    assert int(browser.ask("document.getElementById('from').value")) == before + 1
    assert chosen(browser) < part
    assert browser.complaints == []


def test_lists_are_searched_and_sorted(
    browser: Browser, spool: Spool, opened: Callable[..., dict[str, Any]]
) -> None:
    now = server_now(spool)
    told = [
        Attempt("done", some_id(now - 100), 1, now - 90, now - 90 + seconds, "alpha-1")
        for seconds in (1, 30, 7)
    ]
    told.append(
        Attempt("gave_up", some_id(now - 50), 2, now - 40, now - 20, "beta-2", "disk on fire")
    )
    opened(told)
    assert [row[2] for row in rows(browser, "slowest")] == ["30 s", "20 s", "7 s", "1 s"]
    browser.click("#slowest th:nth-child(3) button")
    assert [row[2] for row in rows(browser, "slowest")] == ["1 s", "7 s", "20 s", "30 s"]
    assert browser.ask("document.activeElement.textContent") == "Took"
    browser.click("#words")
    browser.write("FIRE")
    assert [row[3:] for row in rows(browser, "retried")]
    (only,) = rows(browser, "slowest")
    assert only[0] == told[-1].id
    assert browser.complaints == []


def test_choice_is_in_the_address_and_comes_back_from_it(
    browser: Browser, spool: Spool, opened: Callable[..., dict[str, Any]]
) -> None:
    told = a_day(server_now(spool), 300, ["alpha-1", "beta-2"])
    opened(told, f"#worker=beta-2&outcomes={quote('failed,gave_up')}")
    expected = sum(a.owner == "beta-2" and a.outcome in {"failed", "gave_up"} for a in told)
    assert chosen(browser) == expected
    browser.click("#outcome-done")
    assert "done" in browser.ask("location.hash")
    assert browser.complaints == []


def test_hostile_names_are_text_and_run_nothing(
    browser: Browser, spool: Spool, opened: Callable[..., dict[str, Any]]
) -> None:
    now = server_now(spool)
    opened([Attempt("gave_up", some_id(now - 9), 2, now - 8, now - 7, HOSTILE, HOSTILE)])
    browser.click("#workers tbody button")
    assert rows(browser, "workers")[0][0] == HOSTILE
    assert HOSTILE in rows(browser, "slowest")[0]
    assert browser.ask("document.querySelectorAll('img, b').length") == 0
    assert browser.ask("typeof window.hacked") == "undefined"
    assert browser.complaints == []


def test_policy_of_the_page_lets_no_other_script_run(
    browser: Browser, spool: Spool, opened: Callable[..., dict[str, Any]]
) -> None:
    opened(a_day(server_now(spool), 10, ["alpha-1"]))
    browser.ask(
        "document.body.append(Object.assign(document.createElement('script'),"
        " {textContent: 'window.hacked = 1'}))"
    )
    assert browser.ask("typeof window.hacked") == "undefined"
    assert any("Content Security Policy" in told for told in browser.complaints)


def test_everything_has_a_name_for_those_who_do_not_see_it(
    browser: Browser, spool: Spool, opened: Callable[..., dict[str, Any]]
) -> None:
    opened(a_day(server_now(spool), 200, ["alpha-1", "beta-2"]))
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    roles = {
        "button",
        "checkbox",
        "combobox",
        "slider",
        "searchbox",
        "image",
        "img",
        "region",
        "status",
    }
    seen: set[str] = set()
    for node in nodes:
        role = node.get("role", {}).get("value")
        if role in roles and not node.get("ignored"):
            seen.add(role)
            assert role == "status" or node["name"]["value"], node
    assert seen >= {"button", "checkbox", "combobox", "slider", "searchbox", "status"}
    assert browser.ask("document.documentElement.lang") == "en"


@pytest.mark.parametrize("width", [360, 1200])
def test_page_fits_narrow_and_wide_screens(
    browser: Browser, spool: Spool, opened: Callable[..., dict[str, Any]], width: int
) -> None:
    browser.call(
        "Emulation.setDeviceMetricsOverride",
        width=width, height=800, deviceScaleFactor=1, mobile=False,
    )  # fmt: skip
    try:
        opened(a_day(server_now(spool), 200, ["alpha-1", "beta-2"]))
        assert browser.ask("document.documentElement.scrollWidth") <= width
    finally:
        browser.call("Emulation.clearDeviceMetricsOverride")


def test_live_page_renews_itself_and_keeps_the_choice(
    browser: Browser, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    from spoolq.report import web

    monkeypatch.setattr(web, "LIVE_SECONDS", 0.2)
    monkeypatch.setattr(web, "REST_SHARE", 0.0)
    now = server_now(spool)
    write_journal(spool, a_day(now - 10, 40, ["alpha-1", "beta-2"]))
    serving = web.server(web.Source(internals(spool), 86400), 0, "secret")
    thread = threading.Thread(target=serving.serve_forever)
    thread.start()
    try:
        browser.complaints.clear()
        browser.open(web.address(serving, "secret"))
        browser.until("document.getElementById('selected').textContent.startsWith('40 ')")
        browser.click("#workers tr[data-worker='beta-2'] button")
        assert chosen(browser) == 20
        write_journal(spool, a_day(now, 30, ["beta-2"]))
        browser.until("document.getElementById('selected').textContent.startsWith('50 ')")
        assert "beta-2" in browser.ask(CHOSEN)
        assert browser.complaints == []
        browser.open("about:blank#")
    finally:
        serving.shutdown()
        thread.join()
        serving.server_close()

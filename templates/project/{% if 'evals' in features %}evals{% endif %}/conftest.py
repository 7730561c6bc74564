"""Starts the service, or finds it, and reports what came of the cases."""

from collections.abc import Iterator

import httpx2
import pytest

from evals.cases import load_cases
from evals.judge import Judge
from evals.report import REPORT, Report, changes, joined, load_report
from evals.service import EvalSettings, Service, reached

REPORTED = pytest.StashKey[Report]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[REPORTED] = Report()


@pytest.fixture(scope="session")
def report(pytestconfig: pytest.Config) -> Report:
    return pytestconfig.stash[REPORTED]


@pytest.fixture(scope="session")
def service(report: Report) -> Iterator[Service]:
    settings = EvalSettings()
    try:
        with reached(settings) as service:
            report.offline = service.offline
            yield service
    except httpx2.HTTPError as error:
        pytest.exit(f"{settings.url or 'The service'} does not answer: {error}", returncode=1)


@pytest.fixture(scope="session")
def judge() -> Judge | None:
    return EvalSettings().judge()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Lets as many cases fail as `EVAL_THRESHOLD` leaves room for."""
    report = session.config.stash[REPORTED]
    only_cases = exitstatus == pytest.ExitCode.TESTS_FAILED
    only_cases = only_cases and session.testsfailed == report.counts["failed"]
    if only_cases and report.share >= EvalSettings().threshold:
        session.exitstatus = pytest.ExitCode.OK


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    report = terminalreporter.config.stash[REPORTED]
    if not report.results:
        return
    before = load_report()
    whole = joined(before, report, {case.name for case in load_cases()})
    REPORT.write_text(whole.model_dump_json(indent=2) + "\n", encoding="utf-8")
    terminalreporter.section("evals")
    for line in changes(before, report) if before else ():
        terminalreporter.write_line(line)
    counts, threshold = report.counts, EvalSettings().threshold
    terminalreporter.write_line(
        f"{counts['passed']} passed and {counts['failed']} failed, {report.share:.0%}, where "
        f"{threshold:.0%} is enough; {counts['skipped']} not asked. All of it: {REPORT}"
    )

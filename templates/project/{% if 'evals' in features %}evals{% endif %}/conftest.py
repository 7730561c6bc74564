"""Starts the service, or finds it, and reports what came of the cases."""

from collections.abc import Iterator

import httpx2
import pytest
from pydantic import ValidationError

from evals.cases import load_cases
from evals.judge import Judge
from evals.report import Report, changes, joined, keep, load_report
from evals.service import EvalSettings, Service, reached

REPORTED = pytest.StashKey[Report]()
SETTINGS = pytest.StashKey[EvalSettings]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[REPORTED] = Report()
    try:
        config.stash[SETTINGS] = EvalSettings()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = str(first["loc"][0]).upper()
        raise pytest.UsageError(f"EVAL_{name}: {first['msg']}") from None


@pytest.fixture(scope="session")
def report(pytestconfig: pytest.Config) -> Report:
    return pytestconfig.stash[REPORTED]


@pytest.fixture(scope="session")
def service(pytestconfig: pytest.Config, report: Report) -> Iterator[Service]:
    settings = pytestconfig.stash[SETTINGS]
    try:
        with reached(settings) as service:
            report.offline = service.offline
            yield service
    except httpx2.HTTPError as error:
        why = str(error).partition("\n")[0]
        pytest.exit(f"{settings.url or 'The service'} does not answer: {why}", returncode=1)


@pytest.fixture(scope="session")
def judge(pytestconfig: pytest.Config) -> Judge | None:
    return pytestconfig.stash[SETTINGS].judge()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Lets as many cases fail as `EVAL_THRESHOLD` leaves room for."""
    report = session.config.stash[REPORTED]
    if exitstatus == pytest.ExitCode.TESTS_FAILED and session.testsfailed:
        only_cases = session.testsfailed == report.counts["failed"]
        if only_cases and report.share >= session.config.stash[SETTINGS].threshold:
            session.exitstatus = pytest.ExitCode.OK


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    report, threshold = config.stash[REPORTED], config.stash[SETTINGS].threshold
    if not report.results:
        return
    before = load_report()
    whole = joined(before, report, {case.name for case in load_cases()})
    terminalreporter.section("evals")
    for line in changes(before, report) if before else ():
        terminalreporter.write_line(line)
    counts = report.counts
    terminalreporter.write_line(
        f"{counts['passed']} passed and {counts['failed']} failed, {report.share:.0%}, where "
        f"{threshold:.0%} is enough; {counts['skipped']} not asked. {keep(whole)}"
    )

import pytest

from evals.cases import Case, load_cases
from evals.checks import result_of
from evals.judge import Judge
from evals.report import Report
from evals.service import Service


@pytest.mark.eval
@pytest.mark.parametrize("case", load_cases(), ids=lambda case: case.name)
def test_case(case: Case, service: Service, judge: Judge | None, report: Report) -> None:
    result = result_of(case, service, judge)
    report.results.append(result)
    if result.outcome == "skipped":
        pytest.skip("needs a model that follows a prompt")
    assert not result.faults

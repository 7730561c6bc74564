"""Whether an answer is what a case expects."""

import json
from collections.abc import Iterator

import openai
from pydantic import ValidationError

from evals.answers import Answer
from evals.cases import Case, Expected
from evals.judge import Judge
from evals.report import Result
from evals.service import Service


def result_of(case: Case, service: Service, judge: Judge | None) -> Result:
    """Asks the service, and then the judge, where there is one and the case wants it."""
    if case.needs_model and service.offline:
        return Result(name=case.name, outcome="skipped")
    answer = service.ask(case)
    result = Result(
        name=case.name,
        faults=list(faults(case.expect, answer)),
        said=answer.said,
        seconds=round(answer.seconds, 2),
        tokens=answer.tokens,
    )
    if judge and case.expect.judge:
        judged(result, case, judge)
    if result.faults:
        result.outcome = "failed"
    return result


def judged(result: Result, case: Case, judge: Judge) -> None:
    """Adds to a result what the judge says of it."""
    asked = json.dumps(case.body, ensure_ascii=False)
    try:
        verdict = judge.verdict(case.expect.judge or "", asked, result.said)
    except openai.OpenAIError as error:
        result.faults.append(f"not judged: {error}")
        return
    result.verdict = verdict.reason
    if not verdict.passes:
        result.faults.append(f"judged: {verdict.reason}")


def faults(expected: Expected, answer: Answer) -> Iterator[str]:
    """Yields what is wrong with an answer, in words."""
    if answer.status != expected.status:
        yield f"has status {answer.status}, not {expected.status}"
    yield from (f"ends with an error: {why}" for why in answer.errors)
    if expected.form is not None:
        try:
            expected.form.model_validate(answer.value)
        except ValidationError as error:
            for fault in error.errors(include_url=False):
                place = ".".join(map(str, fault["loc"])) or "all of it"
                yield f"has not the form of {expected.form.__name__}: {place}: {fault['msg']}"
    said = answer.said.casefold()
    yield from (f"does not say {text!r}" for text in expected.says if text.casefold() not in said)
    yield from (f"says {text!r}" for text in expected.never_says if text.casefold() in said)
    yield from (f"does not call {name}" for name in expected.calls if name not in answer.called)
    yield from (f"does not cite {name}" for name in expected.cites if name not in answer.cited)
    if expected.tokens is not None and answer.tokens > expected.tokens:
        yield f"costs {answer.tokens} tokens, more than {expected.tokens}"
    if expected.seconds is not None and answer.seconds > expected.seconds:
        yield f"takes {answer.seconds:.1f} seconds, more than {expected.seconds:g}"

"""What is asked of the service, and what its answers have to be."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ImportString, JsonValue

CASES = Path(__file__).with_name("cases.jsonl")


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Expected(Strict):
    """What an answer has to be; what is not named is not checked.

    Args:
        status: the HTTP status.
        form: the Pydantic model that the JSON has to fit, as `module:name`.
        says: texts that are in it, in upper or lower case.
        never_says: texts that are not.
        calls: tools that it calls.
        cites: files that it cites.
        tokens: that it may cost, at most.
        seconds: that it may take, at most.
        judge: what has to be true of it, where a model judges (`EVAL_JUDGE_API_KEY`).
    """

    status: int = 200
    form: ImportString[type[BaseModel]] | None = None
    says: list[str] = []
    never_says: list[str] = []
    calls: list[str] = []
    cites: list[str] = []
    tokens: Annotated[int, Field(ge=0)] | None = None
    seconds: Annotated[float, Field(gt=0)] | None = None
    judge: str | None = None


class Case(Strict):
    """One request, and what its answer has to be.

    Args:
        rule: the words of a prompt without which this case fails.
        needs_model: whether the offline model, which judges nothing, is not asked.
    """

    name: str
    post: Annotated[str, Field(pattern="^/")]
    body: JsonValue
    expect: Expected
    rule: str | None = None
    needs_model: bool = False


def load_cases(path: Path = CASES) -> list[Case]:
    """Reads `cases.jsonl`: a case in each line.

    Raises:
        ValueError: one is malformed, or its name is another's; it names the line.
    """
    found: dict[str, Case] = {}
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        try:
            case = Case.model_validate_json(line)
        except ValueError as error:
            raise ValueError(f"{path.name}, line {number}: {error}") from None
        if case.name in found:
            raise ValueError(f"{path.name}, line {number}: there is a case {case.name!r} already")
        found[case.name] = case
    return list(found.values())

"""Where the time of `new --yes` goes: run as a program of its own, it prints JSON.

The imports are among what is measured, and so they stand where a run of the tool does them.
"""

import atexit
import gc
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Clock:
    """Milliseconds of each phase, and of what Jinja did meanwhile."""

    def __init__(self) -> None:
        self.milliseconds: dict[str, float] = {}
        self.jinja = 0.0
        self._depth = 0
        self._before = time.perf_counter()

    def done(self, phase: str) -> None:
        self.milliseconds[phase] = 1000 * (time.perf_counter() - self._before)
        self._before = time.perf_counter()

    def counted(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, and its time among Jinja's: of calls within others the outer's."""

        def call(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever it takes
            started = time.perf_counter()
            self._depth += 1
            try:
                return function(*arguments, **named)
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self.jinja += 1000 * (time.perf_counter() - started)

        return call


def measure() -> dict[str, float]:
    clock = Clock()
    import rich.console
    import rich.table  # noqa: F401

    from genai_scaffold.answers.sources import gather
    from genai_scaffold.cli.exits import GARBAGE
    from genai_scaffold.create.plan import plan_project
    from genai_scaffold.create.repository import make_repository
    from genai_scaffold.project.soundness import faults_of_rendering
    from genai_scaffold.template.packaged import template_version
    from genai_scaffold.template.render import load_copier, render_from, template_source

    gc.set_threshold(GARBAGE)
    clock.done("imports: Typer, rich, ours")
    planned = plan_project(gather({}, None, os.environ), "my-app")
    clock.done("answers and recommendation")
    load_copier()
    clock.done("imports: Copier, with Jinja")
    import jinja2

    environment: Any = jinja2.Environment
    template: Any = jinja2.Template
    environment.from_string = clock.counted(environment.from_string)
    environment.get_template = clock.counted(environment.get_template)
    template.render = clock.counted(template.render)
    project = Path("my-app").absolute()
    data = {**planned.answers.for_template(), "recommendation": planned.recommendation.as_dict()}
    with template_source() as source:
        render_from(source, project, {**data, "scaffold_version": template_version()})
    clock.done("Copier")
    clock.milliseconds["Copier"] -= clock.jinja
    clock.milliseconds["Jinja: compiles and renders"] = clock.jinja
    if found := faults_of_rendering(project):
        raise SystemExit(str(found))
    clock.done("verify")
    make_repository(project, project, None)
    clock.done("git: init, add, commit")
    return clock.milliseconds


if __name__ == "__main__":
    atexit.register(gc.freeze)
    print(json.dumps([measure(), time.time()]))

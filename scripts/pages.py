"""Brings the documentation up to date: `python scripts/pages.py [PAGE …]`, then read the diff.

Tables are made from the data that they show. The commands of a page are run in their order, as one
session in a fresh folder, and what they say is written below them. In a page,

- a fence `bash` is run; `bash server` is a server, which runs until the page ends;
- a fence `console` is run too, each line after `$ `, and shows what was said;
- a fence `bash elsewhere` needs what is not here, such as a cloud's own program: it is not run.

A page that says `<!-- in a checkout -->` is run in a copy of this repository.
"""

import argparse
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

import jinja2
import yaml
from typer.core import TyperOption
from typer.main import get_command

from genai_scaffold import errors
from genai_scaffold.answers import resolution
from genai_scaffold.answers.fields import Field, fields
from genai_scaffold.answers.resolution import settle
from genai_scaffold.answers.sources import ENVIRONMENT_PREFIX, from_flags
from genai_scaffold.cli.options import HOW_IT_RUNS
from genai_scaffold.cli.program import app
from genai_scaffold.cli.shared import BUG
from genai_scaffold.recommendation.criteria import load_criteria
from genai_scaffold.system.signals import SIGNALLED
from genai_scaffold.template.packaged import template_version
from genai_scaffold.template.questions import template_questions
from genai_scaffold.template.render import generated_files, render_project

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
README = ROOT / "README.md"

FENCE = re.compile(
    r"^```(?P<language>bash|console)(?: (?P<how>\w+))?\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
GENERATED = re.compile(
    r"(?P<start><!-- generated: (?P<name>[\w-]+)(?: (?P<argument>[\w-]+))? -->\n)"
    r".*?(?P<end><!-- /generated -->)",
    re.DOTALL,
)
IN_A_CHECKOUT = "<!-- in a checkout -->"

Kind: TypeAlias = Literal["run", "show", "server", "elsewhere"]
HOW: Mapping[str | None, Kind] = {None: "run", "server": "server", "elsewhere": "elsewhere"}

# The pages use one port, and no test may: another program may have it.
PORT = "8000"
COLUMNS = 88
PAGE_SECONDS = 600


# The pages, and the commands in them.


class Step(NamedTuple):
    """One command of a page, or several that are run at once.

    Args:
        line: where it stands in the page.
        commands: what a shell runs.
        kind: whether it is run, and whether what it says is shown.
    """

    line: int
    commands: str
    kind: Kind


def pages() -> list[Path]:
    """Every page, in order."""
    return [README, *sorted(DOCS.rglob("*.md"))]


def steps(page: str) -> Iterator[Step]:
    """The commands of a page, in order.

    Raises:
        ValueError: a fence is of a kind that is not known.
    """
    for fence in FENCE.finditer(page):
        line = page.count("\n", 0, fence.start()) + 1
        if fence["language"] == "console":
            for number, shown in enumerate(fence["body"].splitlines(), 1):
                if shown.startswith("$ "):
                    yield Step(line + number, shown.removeprefix("$ "), "show")
        elif fence["how"] in HOW:
            yield Step(line + 1, fence["body"], HOW[fence["how"]])
        else:
            raise ValueError(f"line {line}: no fence is called {fence['how']}")


# A session: a page's commands in one shell.


class Place(NamedTuple):
    """Where a page is run: a fresh folder, a home, and the programs that are found."""

    folder: Path
    variables: Mapping[str, str]


def place(folder: Path, page: str, programs: str, variables: Mapping[str, str]) -> Place:
    """Prepare a folder for a page.

    Args:
        folder: an empty one.
        page: its text.
        programs: the directory of `genai-scaffold`.
        variables: the environment to begin with.
    """
    home, work = folder / "home", folder / "work"
    home.mkdir(parents=True)
    (home / ".gitconfig").write_text("[user]\nname = Ada\nemail = ada@example.org\n")
    variables = {
        **variables,
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "PATH": f"{programs}{os.pathsep}{variables['PATH']}",
        "COLUMNS": str(COLUMNS),
        "NO_COLOR": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    if IN_A_CHECKOUT in page:
        copy_checkout(work)
        variables["PYTHONPATH"] = str(work / "src")
        subprocess.run(["git", "init", "-q", "-b", "main"], cwd=work, check=True)
        commit = "git add --all && git commit -q -m 'As it was'"
        subprocess.run(["sh", "-c", commit], cwd=work, check=True, env=variables)
    else:
        work.mkdir()
    return Place(work, variables)


def copy_checkout(destination: Path) -> None:
    """Copy what git tracks here, as it is now, and what is not tracked yet."""
    listed = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in names.rstrip("\0").split("\0"):
        if (ROOT / name).is_file():
            (destination / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, destination / name)


def run(page: Sequence[Step], where: Place) -> list[str]:
    """Run the commands of a page as one session; what each one said, in order.

    Raises:
        RuntimeError: one failed; its line and its words are named.
    """
    said = where.folder.with_name("said")
    said.mkdir()
    port = free_port()
    script = session(page, said).replace(PORT, port)
    with subprocess.Popen(
        ["bash", "-c", script],
        cwd=where.folder,
        env=where.variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as shell:
        try:
            code = shell.wait(PAGE_SECONDS)
        finally:
            with contextlib.suppress(ProcessLookupError):  # all of it has ended
                os.killpg(shell.pid, signal.SIGKILL)
    words = [
        path.read_text("utf-8", errors="replace") if path.exists() else None
        for path in (said / str(number) for number in range(len(page)))
    ]
    if code != 0:
        failed = max(number for number, text in enumerate(words) if text is not None)
        raise RuntimeError(
            f"line {page[failed].line}: exit code {code}\n{page[failed].commands}\n{words[failed]}"
        )
    return [scrubbed(text or "", where.folder).replace(port, PORT) for text in words]


def session(page: Sequence[Step], said: Path) -> str:
    """A page's commands as one script; the words of each go to a file of its own."""
    lines = ["set -euo pipefail"]
    for number, step in enumerate(page):
        if step.kind == "elsewhere":
            continue
        lines.append(f"exec > '{said / str(number)}' 2>&1")
        if step.kind == "server":
            lines += [f"{{ {step.commands.strip()}\n}} &", "server=$!", UNTIL_IT_ANSWERS]
        else:
            lines.append(step.commands)
    return "\n".join(lines)


UNTIL_IT_ANSWERS = (
    f"until curl --silent --fail --output /dev/null http://127.0.0.1:{PORT}/healthz; "
    "do kill -0 $server; sleep 0.2; done"
)


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        return str(bound.getsockname()[1])


def scrubbed(said: str, folder: Path) -> str:
    """What a command says on any machine, and of a template that is released."""
    released = template_version().partition(".dev")[0]
    said = said.replace(str(folder), "/home/ada").replace(template_version(), released)
    return "\n".join(line.rstrip() for line in said.splitlines())


def with_words(page: str, words: Mapping[int, str]) -> str:
    """A page that shows what its commands said, given by their lines."""

    def shown(fence: re.Match[str]) -> str:
        if fence["language"] != "console":
            return fence[0]
        line = page.count("\n", 0, fence.start()) + 1
        body = []
        for number, text in enumerate(fence["body"].splitlines(), 1):
            if text.startswith("$ "):
                body += [text, *words[line + number].splitlines()]
        return "\n".join(["```console", *body, "```"])

    return FENCE.sub(shown, page)


def transcribed(page: str, where: Place) -> str:
    """A page whose commands were run, with what they said."""
    commands = list(steps(page))
    words = run(commands, where)
    shown = {step.line: text for step, text in zip(commands, words, strict=True)}
    return with_words(page, shown)


# Tables.


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def code(*words: object) -> str:
    """Words as they are typed."""
    return ", ".join(f"`{word}`" for word in words)


def spelled(value: object) -> str:
    if isinstance(value, bool):
        return "`yes`" if value else "`no`"
    words = value if isinstance(value, tuple) else (value,)
    return code(*words) if words and words != ("",) else ""


def needs() -> str:
    """The questions of the recommendation."""
    return table(
        ["need", "flag", "answers", "default"],
        [
            [
                need.help.rstrip("."),
                code(*flags(fields()[need.name])),
                "; ".join(f"`{choice.value}`: {choice.label}" for choice in need.choices)
                if need.kind == "choice"
                else "yes or no",
                spelled(need.default),
            ]
            for need in load_criteria().needs
        ],
    )


def weighed() -> str:
    """The criteria of the recommendation."""
    loaded = load_criteria()
    return table(
        ["where", "speaks for", "points", "because"],
        [
            [
                f"`{criterion.need}` is {' or '.join(map(spelled, criterion.values))}",
                loaded.label(criterion.favours),
                "decides" if criterion.decisive else str(criterion.points),
                criterion.because,
            ]
            for criterion in loaded.criteria
        ],
    )


def flags(field: Field) -> list[str]:
    return [field.flag, f"--no-{field.flag[2:]}"] if field.kind == "boolean" else [field.flag]


def options() -> str:
    """Everything that can be answered, in each of the ways."""
    defaults = resolution.defaults()
    return table(
        ["flag", "key in a file", "variable", "values", "default"],
        [
            [
                code(*flags(field)),
                code(key),
                code(ENVIRONMENT_PREFIX + key.upper()),
                code(*field.values) if field.values else "yes or no" * (field.kind == "boolean"),
                defaults[key],
            ]
            for key, field in fields().items()
        ],
    )


def running() -> str:
    """The flags of `new` that answer nothing."""
    command = get_command(app).commands["new"]  # type: ignore[attr-defined]
    return table(
        ["flag", "what"],
        [
            [code(*option.opts[:1], *option.secondary_opts), option.help or ""]
            for option in command.params
            if isinstance(option, TyperOption) and option.rich_help_panel == HOW_IT_RUNS
        ],
    )


def commands() -> str:
    """Every command, and what it is for."""
    group = get_command(app)
    listed = group.commands  # type: ignore[attr-defined]
    return table(
        ["command", "what"],
        [
            [code(f"genai-scaffold {name}"), (command.help or "").splitlines()[0]]
            for name, command in listed.items()
        ],
    )


def exit_codes() -> str:
    """What each exit code means."""
    meanings = {
        0: "Done.",
        BUG: "A bug in genai-scaffold; the message names the log to report.",
        **{
            kind.exit_code: (kind.__doc__ or "").splitlines()[0]
            for kind in errors.ScaffoldError.__subclasses__()
        },
        SIGNALLED + signal.SIGINT: "Stopped by Ctrl-C.",
        SIGNALLED + signal.SIGQUIT: "Stopped by the quit key, `Ctrl-\\`.",
        SIGNALLED + signal.SIGTERM: "Stopped by the system.",
    }
    return table(["code", "meaning"], [[str(c), meanings[c]] for c in sorted(meanings)])


def providers() -> str:
    """Who can serve the model, and what a project is told about each."""
    asked = yaml.safe_load((ROOT / "copier.yml").read_text("utf-8"))

    def derived(key: str, provider: str) -> str:
        value: str = jinja2.Template(asked[key]["default"]).render(provider=provider)
        return value.strip()

    return table(
        ["provider", "flag", "`LLM_BASE_URL`", "`LLM_MODEL`", "`EMBEDDING_MODEL`"],
        [
            [
                label,
                code(f"--provider {value}"),
                spelled(derived("provider_base_url", value)) or "yours to set",
                spelled(derived("provider_model", value)) or "yours to set",
                spelled(derived("provider_embedding_model", value))
                or ("it has none" if value == "anthropic" else "yours to set"),
            ]
            for value, label, _ in template_questions()["provider"].choices
        ],
    )


def choices(key: str) -> str:
    """The values of one question, and how they read."""
    return table(
        ["name", "what", "more"],
        [[code(value), label, hint] for value, label, hint in template_questions()[key].choices],
    )


def deployment(target: str) -> str:
    """What the DEPLOY.md of a project says about one target; its commands need a platform."""
    said = rendered_deploy(target)
    section = said[said.index("\n## Deploy ") :].partition("\n")[2].partition("\n")[2].strip()
    return section.replace("```bash\n", "```bash elsewhere\n") + "\n"


def production(target: str) -> str:
    """What the DEPLOY.md of a project asks for, whatever the target."""
    return rendered_deploy(target).partition("\n\n")[2].partition("\n## Deploy ")[0]


def rendered_deploy(target: str) -> str:
    return deployed(target)["DEPLOY.md"]


def deployed(target: str) -> dict[str, str]:
    """The files of the project that the page on a target is about."""
    framework = "flask" if target == "mod-wsgi" else "fastapi"
    given = from_flags({"framework": framework, "deploy": [target], "name": "my-app"})
    resolved = settle(given).answers
    with tempfile.TemporaryDirectory() as folder:
        render_project(Path(folder), resolved.for_template(), {})
        return {
            path: (Path(folder) / path).read_text("utf-8") for path in generated_files(Path(folder))
        }


NAMES = re.compile(r"\bmy-app(?:-[a-z]+)*|\b[A-Z]+(?:_[A-Z]+)+\b")
FILES = re.compile(r"(?<![\w./])(?:(?:deploy|k8s)/[\w./-]+|[\w-]+\.(?:json|toml|txt|yaml)\b)")


def unknown(commands: str, files: Mapping[str, str]) -> list[str]:
    """The names, variables and files in a target's commands that a project's files do not know."""
    others = "\n".join([*files, *(files[path] for path in files if not path.endswith(".md"))])
    known = set(NAMES.findall(others))
    missing = [name for name in NAMES.findall(commands) if name not in known]
    paths = {*files, *(str(folder) for path in files for folder in Path(path).parents)}
    return missing + [path for path in FILES.findall(commands) if path.rstrip("/") not in paths]


TABLES: Mapping[str, Callable[..., str]] = {
    "needs": needs,
    "criteria": weighed,
    "options": options,
    "running": running,
    "commands": commands,
    "exit-codes": exit_codes,
    "providers": providers,
    "choices": choices,
    "deployment": deployment,
    "production": production,
}


def tabled(page: str) -> str:
    """A page with its tables made anew."""

    def made(part: re.Match[str]) -> str:
        arguments = [part["argument"]] if part["argument"] else []
        return f"{part['start']}{TABLES[part['name']](*arguments)}{part['end']}"

    return GENERATED.sub(made, page)


def main() -> None:
    parser = argparse.ArgumentParser("python scripts/pages.py")
    parser.add_argument("page", nargs="*", type=Path, help="all of them, unless some are named")
    for path in [path.resolve() for path in parser.parse_args().page] or pages():
        before = path.read_text("utf-8")
        page = tabled(before)
        with tempfile.TemporaryDirectory() as folder:
            where = place(Path(folder), page, str(Path(sys.executable).parent), os.environ)
            page = transcribed(page, where)
        path.write_text(page, "utf-8")
        print(f"{path.relative_to(ROOT)}: {'as it was' if page == before else 'changed'}")


if __name__ == "__main__":
    main()

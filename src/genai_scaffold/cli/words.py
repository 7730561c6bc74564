"""What people call commands and flags who know other programs."""

from genai_scaffold.cli.shared import PROGRAM
from genai_scaffold.errors import by_word

# What other programs call these.
SYNONYMS = by_word(
    {
        "new": "create init generate scaffold start startproject make bootstrap",
        "recommend": "suggest choose compare advise which",
        "list": "ls show options templates",
        "check": "verify validate lint test",
        "update": "upgrade sync pull refresh set config configure",
        "switch": "migrate convert change",
        "add": "install enable with deploy",
        "remove": "rm delete uninstall disable drop",
        "doctor": "diagnose status env info",
        "--help": "help /?",
        "--install-completion": "completion completions",
        "--version": "version",
    }
)
FLAG_SYNONYMS = by_word(
    {
        "--version": "-v -V --v --ver -version",
        "--help": "-help -? /?",
        "--yes": "--no-input --no-interactive --non-interactive --defaults",
        "--json": "-j",
        "--name": "--project-name --app-name",
        "--answers": "--config --config-file --from --values",
        "--provider": "--model --llm",
        "--preset": "--template --kind --type",
        "--feature": "--with --features --extra",
        "--deploy": "--target --platform --host",
        "--quiet": "--silent -s",
        "--dry-run": "--preview --pretend --simulate --noop -n",
        "--project": "--path --directory --dir --folder --in",
        "--license": "--licence",
        "--no-install": "--no-deps --no-venv",
    }
)
# What is not for this program to do, and where a project says how it is done.
GUIDES = by_word(
    {
        "a project is started by a command of its own: its README.md begins with it": "run serve "
        "dev runserver up start",
        "the dependencies of a project are its own: its README.md begins with them": "install",
        "a project's DEPLOY.md says how it gets to each target": "deploy build publish release "
        "ship",
    }
)
# How others say that the output is to be JSON.
FORMATS = frozenset({"--format", "--output", "--output-format", "-o", "-f"})
# What other programs put before the name of a flag, or of a value.
DENIALS, WISHES = ("no-", "skip-", "without-", "disable-"), ("with-", "use-", "enable-", "add-")
# What only leads to a name.
JOINING = frozenset({"with", "and", "using", "in", "on"})
FILLERS = frozenset(
    {"a", "an", "the", "new", "project", "app", "application", "called", "named", PROGRAM}
)

# What is often said by its value alone, and where a thing is.
SAID_ALONE = ("--framework", "--preset", "--provider")
PLACES = frozenset(
    {f"--{name}" for name in ("project", "path", "directory", "dir", "destination", "folder", "in")}
    | {"--output", "--output-dir", "--out", "-o"}
)
PREPOSITIONS = frozenset({"at", "in", "inside", "into", "to", "under"})

# What says nothing alone: a framework, or what a team knows.
UNCLEAR = frozenset({"flask"})

# Answers of yes or no that shape a project.
SWITCHES = frozenset({"--docs", "--validation"})

# Who says one of these of all that a project has, wants it to be as small as can be.
EVERYTHING = frozenset({"all", "everything"})
NOTHING = ("update", "--set", "feature=none", "--set", "deploy=none")

# What a flag can be given that takes any text, and is the same for everybody.
SAMPLES = {
    "--description": "A GenAI backend",
    "--author": "Your Name",
    "--name": "my-app",
    "--save-answers": "answers.yml",
    "--set": "provider=openai",
}

# What other programs have flags for, and why there is none here.
ABSENT = by_word(
    {
        "every project comes with tests": "tests test testing pytest",
        "every project is in Python": "typescript ts javascript js node npm yarn pnpm bun java go",
        "a service counts in Redis as soon as its .env names one": "redis",
        "no part of a project needs it": "celery rabbitmq kafka mongo mongodb",
        "keys belong in the project's .env": "key api-key apikey token secret openai-api-key",
        "the port is named when the service is started": "port",
        "a project takes pip or uv, whichever there is": "uv pip poetry pipenv package-manager",
        "nothing that is there is ever overwritten": "overwrite overwrite-if-exists replace force",
    }
)

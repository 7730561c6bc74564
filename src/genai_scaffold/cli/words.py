"""What people call commands and flags who know other programs."""

from genai_scaffold.errors import by_word

# What other programs call these.
SYNONYMS = by_word(
    {
        "new": "create init generate scaffold start startproject make",
        "recommend": "suggest choose compare advise which",
        "list": "ls show options templates",
        "check": "verify validate lint test",
        "update": "upgrade sync pull refresh set config configure",
        "switch": "migrate convert change",
        "add": "install enable with deploy",
        "remove": "rm delete uninstall disable drop",
        "doctor": "diagnose status env info",
        "--help": "help",
        "--version": "version",
    }
)
FLAG_SYNONYMS = by_word(
    {
        "--version": "-v -V -version",
        "--help": "-help -? /?",
        "--yes": "--no-input --no-interactive --non-interactive --defaults --force",
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
# What runs a project in other programs.
STARTERS = frozenset({"run", "serve", "dev", "runserver", "up"})
# What other programs put before the name of a flag, or of a value.
DENIALS, WISHES = ("no-", "skip-", "without-", "disable-"), ("with-", "use-", "enable-", "add-")
# What only leads to a name.
FILLERS = frozenset({"a", "an", "the", "new", "project", "app", "application", "called", "named"})

# What is often said by its value alone, and where a thing is.
SAID_ALONE = ("--framework", "--preset", "--provider")
PLACES = frozenset(
    {f"--{name}" for name in ("project", "path", "directory", "dir", "destination", "folder", "in")}
    | {"--output", "--out", "-o"}
)

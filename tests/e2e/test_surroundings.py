"""The installed tool where little is as it should be: it makes the same project everywhere."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from e2e.conftest import required
from e2e.machine import Machine
from e2e.namespaces import separated
from genai_scaffold.template.render import generated_files

pytestmark = pytest.mark.slow

NEW = ("new", "my-app", "--yes")


def contents(project: Path) -> dict[str, bytes]:
    return {path: (project / path).read_bytes() for path in generated_files(project)}


@pytest.fixture(scope="module")
def expected(
    machine: Machine, scaffold: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("undisturbed")
    machine.run(str(scaffold), *NEW, directory=folder)
    return contents(folder / "my-app")


class Surroundings(NamedTuple):
    """What is different: a shell command around the tool, and variables; None takes one away."""

    around: str = '"$@"'
    variables: Mapping[str, str | None] = {}
    apart: tuple[str, ...] = ()


SURROUNDINGS = {
    "no-network": Surroundings(apart=("network",)),
    "read-only-site-packages": Surroundings(
        'mount --bind "$TOOL" "$TOOL" && mount -o remount,ro,bind "$TOOL" && '
        '! touch "$TOOL/x" 2>/dev/null && exec "$@"',
        apart=("disks",),
    ),
    "read-only-home": Surroundings(
        'mkdir home && mount -t tmpfs -o ro tmpfs home && HOME=$PWD/home exec "$@"',
        apart=("disks",),
    ),
    "destination-on-another-disk": Surroundings(
        'mkdir my-app && mount -t tmpfs tmpfs my-app && "$@" && cp -r my-app "$COPY"',
        apart=("disks",),
    ),
    "temporary-files-on-another-disk": Surroundings(
        'mkdir tmp && mount -t tmpfs tmpfs tmp && TMPDIR=$PWD/tmp "$@"', apart=("disks",)
    ),
    "no-room-for-temporary-files": Surroundings(
        'mkdir tmp && mount -t tmpfs -o size=4k tmpfs tmp && TMPDIR=$PWD/tmp exec "$@"',
        apart=("disks",),
    ),
    "no-git": Surroundings(variables={"PATH": "/nonexistent"}),
    "git-without-identity": Surroundings(variables={"GIT_CONFIG_GLOBAL": "/dev/null"}),
    "no-home": Surroundings(variables={"HOME": None}),
    "no-variables-at-all": Surroundings('exec env -i "$@"'),
    "language-c": Surroundings(
        variables={"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    ),
    "20-columns": Surroundings(variables={"COLUMNS": "20"}),
    "private-umask": Surroundings('umask 077 && exec "$@"'),
    "closed-stdin": Surroundings('exec "$@" <&-'),
    "closed-stdout": Surroundings('exec "$@" >&-'),
    "closed-stderr": Surroundings('exec "$@" 2>&-'),
    "full-stdout": Surroundings('"$@" >/dev/full; [ $? = 4 ]'),
    "a-pipe-that-closes": Surroundings('"$@" | true'),
    "python-optimized": Surroundings(variables={"PYTHONOPTIMIZE": "2"}),
    "python-development-mode": Surroundings(variables={"PYTHONDEVMODE": "1"}),
    "settings-of-copier": Surroundings(
        "mkdir -p copier && "
        "printf 'defaults: {framework: flask, license: none, author: \"{{ 6*7 }}\"}\\n' "
        '> copier/settings.yml && COPIER_SETTINGS_PATH=$PWD/copier/settings.yml exec "$@"'
    ),
}


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_makes_the_same_project(
    name: str, expected: dict[str, bytes], machine: Machine, scaffold: Path, work: Path
) -> None:
    surroundings = SURROUNDINGS[name]
    copy = work.parent / "copy"
    variables = {
        **machine.variables,
        "TOOL": str(scaffold.parent.parent),
        "COPY": str(copy),
        **surroundings.variables,
    }
    shell = (required("sh"), "-c", surroundings.around, "sh", str(scaffold), *NEW)
    ended = subprocess.run(
        (*separated(*surroundings.apart), *shell) if surroundings.apart else shell,
        cwd=work,
        env={key: value for key, value in variables.items() if value is not None},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "Warning" not in ended.stderr
    assert contents(copy if copy.exists() else work / "my-app") == expected


@pytest.mark.parametrize("words", ["with spaces", "mit Ümläuten", "$HOME; 'quoted'"])
def test_is_installed_and_run_below_any_path(
    words: str, expected: dict[str, bytes], machine: Machine, scaffold: Path, tmp_path: Path
) -> None:
    [wheel] = (machine.folder / "wheels").glob("*.whl")
    assert scaffold.exists()
    programs = machine.environment(words, str(wheel))
    work = tmp_path / words
    work.mkdir()
    machine.run(str(programs / "genai-scaffold"), *NEW, directory=work)
    assert contents(work / "my-app") == expected


def test_of_two_processes_at_once_one_wins(
    expected: dict[str, bytes], machine: Machine, scaffold: Path, tmp_path: Path
) -> None:
    """Five times, since who is first is decided anew each time."""
    for attempt in range(5):
        work = tmp_path / str(attempt)
        work.mkdir()
        runs = [
            subprocess.Popen(
                (str(scaffold), *NEW),
                cwd=work,
                env=dict(machine.variables),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(2)
        ]
        said = [run.communicate(timeout=120)[1] for run in runs]
        assert sorted(run.returncode for run in runs) == [0, 3], said
        assert [path.name for path in work.iterdir()] == ["my-app"]
        assert contents(work / "my-app") == expected

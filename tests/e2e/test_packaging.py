"""The wheel and the sdist: what they hold, and a working tool from every installer."""

import os
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from pages.session import copy_checkout

from e2e.conftest import REPOSITORY, required
from e2e.machine import Machine
from genai_scaffold import __version__
from genai_scaffold.project.soundness import faults_of_rendering
from genai_scaffold.template.render import generated_files

pytestmark = pytest.mark.slow

TEMPLATE = "genai_scaffold/_template/"
UV = (sys.executable, "-m", "uv", "--quiet")


class Built(NamedTuple):
    """What is released, and a wheel that was not made from the sdist."""

    sdist: Path
    wheel: Path
    wheel_of_the_checkout: Path


@pytest.fixture(scope="session")
def built(machine: Machine) -> Built:
    folder = machine.folder / "built"
    build = (sys.executable, "-m", "build", "--no-isolation", str(REPOSITORY), "--outdir")
    machine.run(*build, str(folder / "release"))
    machine.run(*build, str(folder / "checkout"), "--wheel")
    [sdist], [wheel] = (folder / "release").glob("*.tar.gz"), (folder / "release").glob("*.whl")
    [direct] = (folder / "checkout").glob("*.whl")
    return Built(sdist, wheel, direct)


def contents(wheel: Path) -> dict[str, bytes]:
    """The files of a wheel; a name that stands twice is a mistake of the build."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        assert len(names) == len(set(names))
        return {name: archive.read(name) for name in names}


def tracked(*paths: str) -> dict[str, bytes]:
    """The files that git tracks below some paths of the repository."""
    command = (required("git"), "ls-files", "-z", "--", *paths)
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True).stdout
    names = listed.decode().rstrip("\0").split("\0")
    return {name: (REPOSITORY / name).read_bytes() for name in names}


def test_the_sdist_makes_the_same_wheel_as_the_checkout(built: Built) -> None:
    assert built.wheel.name == built.wheel_of_the_checkout.name
    assert contents(built.wheel) == contents(built.wheel_of_the_checkout)


def test_the_wheel_holds_the_whole_template_and_nothing_else_below_it(built: Built) -> None:
    packed = {
        name.removeprefix(TEMPLATE): content
        for name, content in contents(built.wheel).items()
        if name.startswith(TEMPLATE)
    }
    template = tracked("templates", "copier.yml")
    assert packed.keys() == template.keys()
    assert packed == template
    assert any("/." in name for name in packed), "no dotfile was looked at"


def test_the_wheel_holds_the_package_and_nothing_else(built: Built) -> None:
    packed = contents(built.wheel).keys()
    package = {name.removeprefix("src/") for name in tracked("src")}
    assert {name for name in packed if not name.startswith(TEMPLATE)} == package | {
        f"genai_scaffold-{__version__}.dist-info/{name}"
        for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")
    }


def built_again(machine: Machine, folder: Path, files: int, directories: int, time: int) -> Built:
    """Build a copy of the checkout, in a folder of its own, with other modes and times."""
    checkout = folder / "checkout"
    copy_checkout(checkout)
    for path in checkout.rglob("*"):
        os.utime(path, (time, time))
        path.chmod(directories if path.is_dir() else files)
    build = (sys.executable, "-m", "build", "--no-isolation", str(checkout), "--outdir")
    machine.run(*build, str(folder / "dist"), SOURCE_DATE_EPOCH="1893456000")
    [sdist], [wheel] = (folder / "dist").glob("*.tar.gz"), (folder / "dist").glob("*.whl")
    return Built(sdist, wheel, wheel)


def test_the_same_commit_makes_the_same_bytes(machine: Machine, tmp_path: Path) -> None:
    one = built_again(machine, tmp_path / "one", files=0o644, directories=0o755, time=1_700_000_000)
    other = built_again(
        machine, tmp_path / "another place", files=0o600, directories=0o700, time=1_800_000_000
    )
    assert one.wheel.name == other.wheel.name
    assert one.wheel.read_bytes() == other.wheel.read_bytes()
    assert one.sdist.read_bytes() == other.sdist.read_bytes()
    with zipfile.ZipFile(one.wheel) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(2030, 1, 1, 0, 0, 0)}


def with_pip(machine: Machine, folder: Path, what: str) -> Path:
    machine.run(sys.executable, "-m", "venv", str(folder))
    machine.run(str(folder / "bin/pip"), "--quiet", "install", what)
    return folder / "bin"


def with_uv(machine: Machine, folder: Path, what: str) -> Path:
    machine.run(*UV, "venv", "--python", sys.executable, str(folder))
    machine.run(*UV, "pip", "install", "--python", str(folder / "bin/python"), what)
    return folder / "bin"


def with_pipx(machine: Machine, folder: Path, what: str) -> Path:
    pipx = machine.environment("pipx", "pipx") / "pipx"
    places = {"PIPX_HOME": str(folder), "PIPX_BIN_DIR": str(folder / "bin")}
    machine.run(str(pipx), "install", "--python", sys.executable, what, directory=None, **places)
    return folder / "bin"


def with_uv_tool(machine: Machine, folder: Path, what: str) -> Path:
    places = {"UV_TOOL_DIR": str(folder), "UV_TOOL_BIN_DIR": str(folder / "bin")}
    machine.run(*UV, "tool", "install", "--python", sys.executable, what, directory=None, **places)
    return folder / "bin"


@pytest.mark.parametrize(
    ("install", "source"),
    [
        pytest.param(with_pip, "wheel", id="pip-wheel"),
        pytest.param(with_pip, "sdist", id="pip-sdist"),
        pytest.param(with_pip, "checkout", id="pip-checkout"),
        pytest.param(with_uv, "wheel", id="uv-wheel"),
        pytest.param(with_pipx, "wheel", id="pipx-wheel"),
        pytest.param(with_pipx, "checkout", id="pipx-checkout"),
        pytest.param(with_uv_tool, "wheel", id="uv-tool-wheel"),
        pytest.param(with_uv_tool, "checkout", id="uv-tool-checkout"),
    ],
)
def test_an_installer_makes_a_working_tool(
    install: Callable[[Machine, Path, str], Path],
    source: str,
    built: Built,
    machine: Machine,
    tmp_path: Path,
) -> None:
    sources = {"wheel": built.wheel, "sdist": built.sdist, "checkout": REPOSITORY}
    folder = tmp_path / "installed"
    programs = install(machine, folder, str(sources[source]))
    program = str(programs / "genai-scaffold")
    assert machine.run(program, "--version") == f"genai-scaffold {__version__}\n"
    [package] = folder.rglob("site-packages/genai_scaffold")
    before = written(package.parent)
    # Whoever installs is often not whoever runs, and keeps what is made private.
    new = ("sh", "-c", 'umask 077 && exec "$@"', "sh", program, "new", "my-app", "--yes")
    machine.run(*new, directory=tmp_path)
    assert written(package.parent) == before
    project = tmp_path / "my-app"
    assert faults_of_rendering(project) == []
    assert {".gitignore", ".env.example", ".github/workflows/ci.yml"} <= set(
        generated_files(project)
    )
    assert not list(project.rglob("__pycache__"))
    assert modes(project) <= {0o600, 0o644}


def written(site_packages: Path) -> dict[Path, tuple[int, int]]:
    """Each file with its size and time, but for what the interpreter caches of what it imports."""
    return {
        path: (path.stat().st_size, path.stat().st_mtime_ns)
        for path in site_packages.rglob("*")
        if path.is_file() and ("__pycache__" not in path.parts or TEMPLATE in path.as_posix())
    }


def modes(project: Path) -> set[int]:
    return {stat.S_IMODE((project / path).stat().st_mode) for path in generated_files(project)}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_read_only_originals_make_a_project_that_can_be_changed(
    built: Built, machine: Machine, tmp_path: Path
) -> None:
    folder = tmp_path / "installed"
    programs = with_uv(machine, folder, str(built.wheel))
    [template] = folder.rglob("genai_scaffold/_template")
    for path in template.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    machine.run(str(programs / "genai-scaffold"), "new", "my-app", "--yes", directory=tmp_path)
    assert modes(tmp_path / "my-app") == {0o644}
    for path in template.rglob("*"):
        path.chmod(0o755)

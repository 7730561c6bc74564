"""Lock files in a merge: the user's own packages survive, and a command completes the files."""

import json
import re
from pathlib import Path

import pytest
from repositories import commit, git, new, tool

from genai_scaffold.merge.requirements import merge_requirements

HEAD = "# by:\n#    uv pip compile pyproject.toml -o requirements.txt\n"


def lock(*pins: str, head: str = HEAD) -> str:
    return head + "".join(f"{pin} \\\n    --hash=sha256:{pin}\n" for pin in pins)


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged"),
    [
        pytest.param(
            lock("flask==3"), lock("flask==3", "prompt==1"), lock("flask==3", "prometheus==2"),
            lock("flask==3", "prometheus==2", "prompt==1"), id="neighbours",
        ),
        pytest.param(
            lock("click==8", "flask==3"), lock("click==8", "flask==3", "rich==1"),
            lock("fastapi==1"), lock("fastapi==1", "rich==1"), id="another-framework",
        ),
        pytest.param(
            lock("flask==3"), lock("flask==3.1", "rich==1"), lock("flask==4"),
            lock("flask==3.1", "rich==1"), id="both-changed",
        ),
        pytest.param(
            lock("flask==3", "gevent==1"), lock("flask==3"), lock("flask==4", "gevent==2"),
            lock("flask==4"), id="taken-out",
        ),
        pytest.param(
            lock("deprecated==1 ; python_version < '3.12'", "deprecated==3"),
            lock("deprecated==1 ; python_version < '3.12'", "deprecated==3", "rich==1"),
            lock("deprecated==4"), lock("deprecated==4", "rich==1"), id="one-for-each-python",
        ),
        pytest.param(
            lock("flask==3", head="# old\n-r other.txt\n"),
            lock("flask==3", "rich==1", head="# old\n-r other.txt\n"),
            lock("flask==3"), lock("flask==3", "rich==1"), id="head-of-the-template",
        ),
        pytest.param(
            lock("flask==3"), lock("flask==3", head="--index-url x\n") + "# ours\n./wheel.whl\n",
            lock("flask==4"), lock("flask==4", head="--index-url x\n") + "# ours\n./wheel.whl\n",
            id="lines-of-the-user",
        ),
        pytest.param(lock("flask==3"), "see poetry.lock\n", lock("flask==4"), None, id="no-lock"),
    ],
)  # fmt: skip
def test_each_package_is_of_whom_changed_it(
    base: str, ours: str, theirs: str, merged: str | None
) -> None:
    assert merge_requirements(base, ours, theirs) == merged


def test_a_dependency_of_the_users_is_no_conflict_with_a_feature(work: Path) -> None:
    project = new(work / "my-app")
    file = project / "requirements.txt"
    # Beside prometheus-client, where a merge of lines would have a conflict.
    own = "prompt-toolkit==3.0.52 \\\n    --hash=sha256:00\n"
    text = file.read_text("utf-8")
    pins = re.finditer(r"^\w.*==", text, re.MULTILINE)
    place = next(pin.start() for pin in pins if pin[0] > own)
    file.write_text(text[:place] + own + text[place:], "utf-8")
    commit(project)
    run = tool("add", "metrics", "--project", str(project), "--json")
    said = json.loads(run.output)
    assert (run.code, said["conflicts"]) == (0, [])
    assert own in file.read_text("utf-8")
    assert "prometheus-client==" in file.read_text("utf-8")
    assert [command.split()[-1] for command in said["compile"]] == ["requirements.txt"]
    assert git(project, "diff") == ""
    git(project, "reset", "--quiet", "--merge")
    shown = tool("add", "metrics", "--project", str(project)).output
    assert said["compile"][0] in shown
    assert shown.index("uv pip compile") < shown.index("git add requirements.txt")

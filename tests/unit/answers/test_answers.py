"""Where answers come from, which one counts, and what is said about those that cannot be used."""

import json
import re
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from conftest import Run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genai_scaffold.answers.fields import fields, needs
from genai_scaffold.answers.files import config_path, from_file, mapping_in
from genai_scaffold.answers.given import Answers, Given
from genai_scaffold.answers.resolution import resolve, sources_of, stated
from genai_scaffold.answers.sources import from_environment, from_flags
from genai_scaffold.create.plan import plan_project
from genai_scaffold.errors import ScaffoldError, UsageError
from genai_scaffold.template.questions import Value

pytestmark = pytest.mark.usefixtures("small_template")

Command = Callable[..., Run]


def given_by(source: str, **values: Value) -> dict[str, Given]:
    return {key: Given(value, source, source) for key, value in values.items()}  # type: ignore[arg-type]


def resolved(**flags: str | bool | list[str]) -> Answers:
    return plan_project(from_flags(flags)).answers


# Every answer can be given in every way.

OTHER_THAN_DEFAULT: dict[str, tuple[list[str], Value]] = {
    "framework": (["--framework", "flask"], "flask"),
    "preset": (["--preset", "prototype"], "prototype"),
    "name": (["--name", "other"], "other"),
    "description": (["--description", "An oracle"], "An oracle"),
    "author": (["--author", "Ada"], "Ada"),
    "provider": (["--provider", "ollama"], "ollama"),
    "async": (["--async", "some"], "some"),
    "docs": (["--no-docs"], False),
    "validation": (["--no-validation"], False),
    "feature": (["--feature", "ci"], ("ci",)),
    "deploy": (["--deploy", "docker", "--deploy", "heroku"], ("docker", "heroku")),
    "license": (["--license", "apache-2.0"], "apache-2.0"),
    "python": (["--python", "3.12"], "3.12"),
    "scale": (["--scale", "microservices"], "microservices"),
    "team": (["--team", "flask"], "flask"),
    "app": (["--app", "web"], "web"),
    "extensions": (["--extensions"], True),
    "hosting": (["--hosting", "wsgi"], "wsgi"),
}


def test_the_table_names_every_answer() -> None:
    assert set(OTHER_THAN_DEFAULT) == set(fields())


def plain(value: Value) -> object:
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("key", OTHER_THAN_DEFAULT)
def test_a_flag_is_honoured(key: str, run: Command) -> None:
    flags, value = OTHER_THAN_DEFAULT[key]
    document = run("new", "--yes", "--dry-run", "--json", *flags).document
    assert document["answers"][key] == {"value": plain(value), "source": "flag"}


@pytest.mark.parametrize("key", OTHER_THAN_DEFAULT)
def test_an_answers_file_is_honoured(key: str, run: Command, work: Path) -> None:
    _, value = OTHER_THAN_DEFAULT[key]
    (work / "answers.yml").write_text(yaml.safe_dump({key: plain(value)}))
    arguments = ("new", "--yes", "--dry-run", "--json", "--answers", "answers.yml")
    document = run(*arguments).document
    assert document["answers"][key] == {"value": plain(value), "source": "answers file"}


@pytest.mark.parametrize("key", OTHER_THAN_DEFAULT)
def test_a_variable_is_honoured(key: str, run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    _, value = OTHER_THAN_DEFAULT[key]
    words = ",".join(value) if isinstance(value, tuple) else str(value)
    monkeypatch.setenv(f"GENAI_SCAFFOLD_{key.upper()}", words)
    document = run("new", "--yes", "--dry-run", "--json").document
    assert document["answers"][key] == {"value": plain(value), "source": "environment"}


def config(content: str) -> None:
    path = config_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


@pytest.mark.parametrize("key", OTHER_THAN_DEFAULT)
def test_the_config_file_is_honoured(key: str, run: Command) -> None:
    _, value = OTHER_THAN_DEFAULT[key]
    config(yaml.safe_dump({key: plain(value)}))
    document = run("new", "--yes", "--dry-run", "--json").document
    assert document["answers"][key] == {"value": plain(value), "source": "config file"}


def test_a_config_file_that_cannot_be_looked_at_is_not_ignored(run: Command) -> None:
    config("")
    config_path().unlink()
    config_path().symlink_to(config_path())
    assert "Too many levels" in run("new", "--yes").errors


def test_the_first_source_that_answers_counts(
    run: Command, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = ["flag", "answers file", "environment", "config file", "default"]
    for present in range(len(sources)):
        flags = ["--license", "mit"] if present == 0 else []
        (work / "answers.yml").write_text("license: proprietary\n" if present <= 1 else "{}\n")
        monkeypatch.setenv("GENAI_SCAFFOLD_LICENSE", "none" if present <= 2 else "")
        config("license: apache-2.0\n" if present <= 3 else "")
        arguments = ("new", "--yes", "--dry-run", "--json", "--answers", "answers.yml", *flags)
        document = run(*arguments).document
        expected = ["mit", "proprietary", "none", "apache-2.0", "mit"][present]
        assert document["answers"]["license"] == {"value": expected, "source": sources[present]}


@pytest.mark.parametrize(
    ("flags", "key", "answer"),
    [
        pytest.param({}, "framework", ("fastapi", "recommendation"), id="recommended"),
        pytest.param({"framework": "auto"}, "framework", ("fastapi", "recommendation"), id="auto"),
        pytest.param({"hosting": "wsgi"}, "framework", ("flask", "recommendation"), id="wsgi"),
        pytest.param({}, "deploy", (("render", "docker"), "preset"), id="service-deploys"),
        pytest.param({"preset": "prototype"}, "deploy", (("render",), "preset"), id="prototype"),
        pytest.param({"deploy": ["none"]}, "deploy", ((), "flag"), id="no-deploy"),
        pytest.param(
            {"deploy": ["docker,heroku"]}, "deploy", (("docker", "heroku"), "flag"), id="commas"
        ),
        pytest.param({"feature": ["none"]}, "feature", ((), "flag"), id="no-feature"),
        pytest.param({"deploy": ["mod-wsgi"]}, "hosting", ("wsgi", "flag"), id="implied"),
        pytest.param({"scale": "prototype"}, "preset", ("service", "default"), id="only-suggested"),
        pytest.param(
            {"framework": "flask", "preset": "prototype"},
            "docs",
            (True, "default"),
            id="docs-of-a-flask-prototype",
        ),
    ],
)
def test_what_was_not_given_follows(
    flags: dict[str, str | list[str]], key: str, answer: tuple[object, str]
) -> None:
    assert resolved(**flags).by_key[key][:2] == answer


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        pytest.param({"validation": False}, "always validates", id="validation"),
        pytest.param({"scale": "prototype"}, "--preset prototype", id="preset"),
        pytest.param({"scale": "microservices"}, "--feature peers lets one call", id="services"),
        pytest.param({"name": "2-bots"}, "it is called app-2-bots:", id="service-name"),
        pytest.param(
            {"feature": ["metrics"]},
            "Left out: ci, pre-commit, page (name them too to keep them).",
            id="features",
        ),
        pytest.param(
            {"deploy": ["docker"]},
            "Left out: render (name it too to keep it).",
            id="deploy-target",
        ),
    ],
)
def test_what_falls_away_is_said(flags: dict[str, str | bool | list[str]], words: str) -> None:
    assert words in " ".join(resolved(**flags).notes)


def test_the_defaults_need_no_note() -> None:
    assert resolved().notes == ()
    assert resolved(name="2-bots", deploy=["none"]).notes == ()
    assert resolved(feature=["metrics", "ci", "pre-commit", "page"]).notes == ()
    features = ["peers", "ci", "pre-commit", "page"]
    assert resolved(scale="microservices", feature=features).notes == ()


def test_only_a_flag_of_new_is_told_what_it_leaves_out() -> None:
    added = {"deploy": Given(("docker", "fly"), "flag", "add fly")}
    assert resolve(added, "fastapi").notes == ()
    settings = from_environment({"GENAI_SCAFFOLD_FEATURE": "metrics"})
    assert resolve(settings, "fastapi").notes == ()


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        pytest.param(
            {"framework": "fastapi", "hosting": "wsgi"},
            ["--framework fastapi", "--hosting wsgi"],
            id="asgi-on-wsgi",
        ),
        pytest.param(
            {"framework": "fastapi", "deploy": ["render", "mod-wsgi"]},
            ["--framework fastapi", "--deploy mod-wsgi"],
            id="asgi-on-mod-wsgi",
        ),
        pytest.param(
            {"hosting": "any", "deploy": ["mod-wsgi"]},
            ["--hosting any", "--deploy mod-wsgi"],
            id="any-host-with-mod-wsgi",
        ),
        pytest.param(
            {"preset": "prototype", "feature": ["metrics"]},
            ["--feature metrics", "service preset"],
            id="metrics-of-a-prototype",
        ),
        pytest.param(
            {"deploy": ["none", "docker"]}, ["--deploy none", "docker"], id="none-and-some"
        ),
        pytest.param({"feature": ["ci", "none"]}, ["--feature none", "ci"], id="feature-and-none"),
    ],
)
def test_a_contradiction_names_both(flags: dict[str, str | list[str]], named: list[str]) -> None:
    with pytest.raises(UsageError) as refused:
        resolved(**flags)
    said = f"{refused.value.what} {refused.value.why} {refused.value.fix}"
    assert [name for name in named if name not in said] == []


def test_a_contradiction_between_sources_names_their_places(
    run: Command, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (work / "a.yml").write_text("# mine\nframework: fastapi\n")
    monkeypatch.setenv("GENAI_SCAFFOLD_HOSTING", "wsgi")
    ended = run("new", "--yes", "--answers", "a.yml")
    assert ended.code == 2
    assert "framework = fastapi (line 2 of a.yml)" in ended.errors
    assert "hosting = wsgi (GENAI_SCAFFOLD_HOSTING)" in ended.errors


@pytest.mark.parametrize(
    ("flags", "meant"),
    [
        pytest.param({"framework": "fastapy"}, "fastapi", id="framework"),
        pytest.param({"framework": "FLASK"}, "flask", id="capitals"),
        pytest.param({"provider": "opnai"}, "openai", id="provider"),
        pytest.param({"feature": ["cii"]}, "ci", id="feature"),
        pytest.param({"deploy": ["rendr"]}, "render", id="deploy"),
        pytest.param({"preset": "prototyp"}, "prototype", id="preset"),
        pytest.param({"async": "hihg"}, "high", id="need"),
        pytest.param({"python": "3.1"}, "3.1", id="python"),
    ],
)
def test_a_misspelt_value_meets_the_one_that_was_meant(
    flags: dict[str, str | list[str]], meant: str
) -> None:
    with pytest.raises(UsageError) as refused:
        resolved(**flags)
    assert f"did you mean {meant}" in refused.value.fix


@pytest.mark.parametrize("command", [("new", "--yes", "--dry-run"), ("recommend",)])
def test_a_misspelt_variable_is_noticed(
    command: tuple[str, ...], run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENAI_SCAFFOLD_FRAMEWROK", "flask")
    monkeypatch.setenv("GENAI_SCAFFOLD_VERSION", "9")
    ended = run(*command)
    assert "did you mean GENAI_SCAFFOLD_FRAMEWORK?" in ended.errors.replace("\n", " ")
    assert "VERSION" not in ended.errors


def test_recommend_asks_nothing_of_a_framework_that_is_set(run: Command) -> None:
    config("framework: fastapi\n")
    assert run("recommend", "--hosting", "wsgi", "--json").document["framework"] == "flask"


def test_a_feature_of_a_service_in_a_prototype_names_what_makes_a_service_of_it() -> None:
    given = {
        "preset": Given("prototype", "project", ".copier-answers.yml"),
        "feature": Given(("ci", "metrics"), "flag", "add metrics"),
    }
    with pytest.raises(UsageError) as refused:
        resolve(given, recommended="flask")
    assert refused.value.fix == (
        "make a service of it: "
        "`genai-scaffold update --set preset=service --set feature=ci,metrics`"
    )


def test_what_a_project_has_in_the_way_is_named_with_the_way_out() -> None:
    framework = Given("fastapi", "flag", "switch fastapi")
    deploy = Given(("mod-wsgi",), "project", ".copier-answers.yml")
    with pytest.raises(UsageError, match="deploy = mod-wsgi") as refused:
        resolve({"framework": framework, "deploy": deploy}, recommended="")
    assert "`genai-scaffold remove NAME`" in refused.value.fix


def test_a_variable_that_is_neither_yes_nor_no_is_refused(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENAI_SCAFFOLD_DOCS", "perhaps")
    ended = run("recommend")
    assert ended.code == 2
    assert "GENAI_SCAFFOLD_DOCS takes yes or no" in ended.errors


# The answers file.

FAULTS = [
    pytest.param(b"- a\n- b\n", 1, "not a list of `key: value`", id="a-list"),
    pytest.param(b"just text\n", 1, "key: value", id="text"),
    pytest.param(b"framework: flask\npreset: [a\n", 3, "", id="not-yaml"),
    pytest.param(b"framework: flask\n\tpreset: service\n", 2, "", id="tab"),
    pytest.param(b"a: &x\n", 1, "", id="unknown-anchor"),
    pytest.param(
        b"preset: service\nframewrok: flask\n", 2, "did you mean framework?", id="unknown"
    ),
    pytest.param(b"preset: service\nzzz: 1\n", 2, "the keys are preset", id="unknown-and-far"),
    pytest.param(b"preset: service\n\npreset: service\n", 3, "on line 1 already", id="duplicate"),
    pytest.param(b"? [a]\n: 1\n", 1, "not a word", id="key-is-a-list"),
    pytest.param(b"docs: 1\n", 1, "true or false", id="number-for-yes"),
    pytest.param(b'docs: "true"\n', 1, "true or false", id="text-for-yes"),
    pytest.param(b"framework: [flask]\n", 1, "this is a list", id="list-for-word"),
    pytest.param(b"framework: {a: b}\n", 1, "this is a mapping", id="mapping-for-word"),
    pytest.param(b"framework:\n", 1, "takes a word", id="nothing"),
    pytest.param(b"framework:\n", 1, "one of auto, fastapi, flask", id="what-it-takes"),
    pytest.param(b"description: 7\n", 1, "takes text", id="number-for-text"),
    pytest.param(b"description: null\n", 1, "takes text", id="null-for-text"),
    pytest.param(b"name: my-app\ndeploy:\n  - [a]\n", 3, "a list of words", id="list-in-list"),
    pytest.param(b"deploy: {render: true}\n", 1, "this is a mapping", id="mapping-for-list"),
    pytest.param(b"preset: service\nframework: fastapy\n", 2, "did you mean fastapi?", id="value"),
    pytest.param(b"deploy: [docker, rendr]\n", 1, "did you mean render?", id="value-in-list"),
    pytest.param(b"name: x\ndescription: \xff\n", 2, "not UTF-8", id="encoding"),
    pytest.param(b"name: x\ndescription: a\x01b\n", 2, "does not allow", id="control-character"),
    pytest.param(b"a: b\n---\nc: d\n", 2, "", id="two-documents"),
    pytest.param(b"[" * 5000, 1, "nested too deeply", id="deep"),
    pytest.param(b"#" * 1_000_001, 1, "too large", id="large"),
    pytest.param(b"<<: {framework: flask}\n", 1, "is not an answer's key", id="merge-key"),
    pytest.param(b"&a framework: *b\n", 1, "", id="unknown-alias"),
    pytest.param(b"docs: true\nname: json\n", 2, "try json-app instead", id="name"),
    pytest.param(b'docs: true\n\nauthor: "a\\u202eb"\n', 3, "U+202E", id="direction"),
]


@pytest.mark.parametrize(("content", "line", "words"), FAULTS)
def test_a_fault_in_an_answers_file_names_its_line(
    content: bytes, line: int, words: str, work: Path, run: Command
) -> None:
    (work / "answers.yml").write_bytes(content)
    ended = run("new", "x", "--yes", "--answers", "answers.yml")
    assert ended.code == 2
    assert f"line {line} of answers.yml" in ended.errors.casefold()
    assert words in ended.errors
    assert len(ended.errors.splitlines()) == 3
    assert not (work / "x").exists()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"# nothing\n", id="comment"),
        pytest.param(b"{}", id="empty-mapping"),
        pytest.param(b"\xef\xbb\xbfpreset: service\r\n", id="windows"),
        pytest.param(b'{\n\t"preset": "service",\n\t"docs": true\n}\n', id="json-with-tabs"),
        pytest.param(b"python: 3.13\nlicense: none\n", id="words-that-look-otherwise"),
        pytest.param(b"deploy: none\nfeature: []\n", id="no-list"),
        pytest.param(b"deploy: docker\n", id="list-of-one"),
        pytest.param(b"docs: yes\nextensions: off\n", id="yes-and-no"),
    ],
)
def test_an_answers_file_may_be_written_in_many_ways(
    content: bytes, work: Path, run: Command
) -> None:
    (work / "answers.yml").write_bytes(content)
    assert run("new", "x", "--yes", "--dry-run", "--answers", "answers.yml").code == 0


def test_json_may_write_an_emoji_as_two_escapes(run: Command) -> None:
    content = json.dumps({"description": "to the 🚀"}).encode()
    assert b"\\ud83d" in content
    arguments = ("new", "x", "--yes", "--dry-run", "--json", "--answers", "-")
    document = run(*arguments, stdin=content).document
    assert document["answers"]["description"]["value"] == "to the 🚀"


@pytest.mark.parametrize(
    ("make", "code"),
    [
        pytest.param(lambda path: None, 2, id="missing"),  # noqa: ARG005
        pytest.param(Path.mkdir, 2, id="directory"),
        pytest.param(lambda path: path.symlink_to("/dev/full"), 2, id="device"),
        pytest.param(lambda path: path.symlink_to(path), 4, id="loop"),
    ],
)
def test_an_answers_file_that_is_none(
    make: Callable[[Path], None], code: int, work: Path, run: Command
) -> None:
    make(work / "answers.yml")
    assert run("recommend", "--answers", "answers.yml").code == code


def test_saved_answers_give_the_same_project(run: Command, work: Path) -> None:
    flags = ["--framework", "flask", "--preset", "prototype", "--description", "It's: 'odd' 🚀"]
    first = run("new", "one/bot", "--yes", "--json", "--save-answers", "saved.yml", *flags).document
    second = run("new", "two/bot", "--yes", "--json", "--answers", "saved.yml", "--no-git").document
    assert first["files"] == second["files"]
    for path in first["files"]:
        assert (work / "one/bot" / path).read_bytes() == (work / "two/bot" / path).read_bytes()
    assert first["recommendation"] == second["recommendation"]


def test_saved_answers_are_not_in_the_way_of_the_project(run: Command, work: Path) -> None:
    ended = run("new", ".", "--name", "bot", "--yes", "--save-answers", "saved.yml")
    assert ended.code == 2
    assert "saved.yml is inside the project" in ended.errors
    assert list(work.iterdir()) == []


def test_saved_answers_overwrite_nothing(run: Command, work: Path) -> None:
    (work / "saved.yml").write_text("mine\n")
    ended = run("new", "x", "--yes", "--save-answers", "saved.yml")
    assert ended.code == 3
    assert (work / "saved.yml").read_text() == "mine\n"
    assert not (work / "x").exists()


def test_the_command_gives_the_same_answers_again(run: Command) -> None:
    flags = [word for words, _ in OTHER_THAN_DEFAULT.values() for word in words]
    first = run("new", "x", "--yes", "--dry-run", "--json", *flags).document
    command = shlex.split(first["command"])
    assert command[:3] == ["genai-scaffold", "new", "x"]
    second = run(*command[1:], "--dry-run", "--json").document
    assert second["answers"] == first["answers"]


def test_only_what_was_given_is_said() -> None:
    given = given_by("flag", hosting="wsgi", docs=False, provider="ollama")
    assert stated(given) == {"hosting": "wsgi", "docs": False}
    by_default = dict.fromkeys(needs(), "default")
    assert sources_of(given) == {**by_default, "hosting": "flag", "docs": "flag"}


def test_saved_answers_keep_what_was_said_and_what_was_assumed(run: Command, work: Path) -> None:
    flags = ["--app", "web", "--async", "high"]
    run("new", "one/bot", "--yes", "--quiet", "--save-answers", "saved.yml", *flags)
    saved = yaml.safe_load((work / "saved.yml").read_text())
    assert {key for key in saved if key in needs()} == {"app", "async"}
    command = run("new", "two/bot", "--yes", "--json", "--answers", "saved.yml").document["command"]
    shutil.rmtree(work / "two")
    assert run(*shlex.split(command)[1:], "--quiet").code == 0
    for path in ("docs/decision.md", ".copier-answers.yml"):
        assert (work / "one/bot" / path).read_bytes() == (work / "two/bot" / path).read_bytes()


def test_where_only_wsgi_can_run_apache_is_preselected(run: Command) -> None:
    for preset in ("service", "prototype"):
        flags = ["--hosting", "wsgi", "--preset", preset, "--yes", "--dry-run", "--json"]
        document = run("new", "bot", *flags).document
        assert document["answers"]["deploy"]["value"] == ["mod-wsgi"]
    assert run("new", "bot", "--hosting", "wsgi", "--deploy", "docker", *flags[2:]).document[
        "answers"
    ]["deploy"]["value"] == ["docker"]


@pytest.mark.parametrize(
    ("flags", "note"),
    [
        pytest.param(["--app", "web"], "counted for the framework alone: the project is", id="app"),
        pytest.param(["--extensions"], "framework alone: none is installed", id="extensions"),
        pytest.param(["--scale", "prototype"], "--preset prototype", id="scale"),
    ],
)
def test_an_answer_that_shapes_nothing_says_so(flags: list[str], note: str, run: Command) -> None:
    notes = run("new", "bot", "--yes", "--dry-run", "--json", *flags).document["notes"]
    assert any(note in said for said in notes)
    assert not run("new", "bot", "--yes", "--dry-run", "--json").document["notes"]


STRANGE = ["{", "}", ": ", "\n", "- ", "&a ", "*a", "'", '"', "|\n", "\t", "? ", "<<: ", "%", "@"]
STRANGE += ["[a]", "!!python/object:os.system ", "\ud800", "\0", "true", "none", "flask"]
WORDS = st.sampled_from([*OTHER_THAN_DEFAULT, *STRANGE])


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(WORDS | st.text(max_size=5), max_size=12).map("".join))
def test_no_answers_file_gives_a_traceback(tmp_path: Path, text: str) -> None:
    path = tmp_path / "answers.yml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    refused = None
    try:
        plan_project(from_file(str(path)))
    except ScaffoldError as error:
        refused = error
    if refused:
        assert refused.exit_code == 2
        assert "\n" not in f"{refused.what}{refused.why}{refused.fix}"


VALID = yaml.safe_dump({key: plain(value) for key, (_, value) in OTHER_THAN_DEFAULT.items()})
MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(["drop", "double", "insert", "flip"]),
        st.integers(0, 1_000_000),
        st.sampled_from([word.encode("utf-8", "surrogatepass") for word in STRANGE]),
    ),
    min_size=1,
    max_size=6,
)


def mutated(content: bytes, mutations: list[tuple[str, int, bytes]]) -> bytes:
    for kind, number, word in mutations:
        at = number % (len(content) + 1)
        match kind:
            case "drop":
                content = content[:at] + content[at + 1 + number % 20 :]
            case "double":
                content = content[:at] + content[max(at - number % 40, 0) :]
            case "insert":
                content = content[:at] + word + content[at:]
            case "flip" if at < len(content):
                content = (
                    content[:at] + bytes([content[at] ^ (1 << number % 8)]) + content[at + 1 :]
                )
    return content


@settings(
    deadline=None, max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(MUTATIONS)
def test_a_damaged_answers_file_is_used_or_its_line_is_named(
    tmp_path: Path, mutations: list[tuple[str, int, bytes]]
) -> None:
    path = tmp_path / "answers.yml"
    path.write_bytes(mutated(VALID.encode(), mutations))
    refused = None
    try:
        plan_project(from_file(str(path)))
    except ScaffoldError as error:
        refused = error
    if refused:
        assert refused.exit_code == 2
        said = f"{refused.what}, {refused.why}"
        assert re.search(r"\bline \d+ of \S+answers\.yml", said, re.IGNORECASE), said
        assert "\n" not in f"{said}{refused.fix}"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such file")
def test_a_file_without_end_is_too_large() -> None:
    with pytest.raises(UsageError) as refused:
        from_file("/dev/zero")
    assert "too large" in refused.value.why


def test_a_file_without_a_name_is_not_left_out(run: Command) -> None:
    assert run("recommend", "--answers", "").code == 2


@pytest.mark.parametrize("value", ['!!int ""', "!!bool maybe", "!!timestamp now"])
def test_a_value_that_is_not_what_it_says_is_refused(value: str) -> None:
    with pytest.raises(UsageError) as refused:
        mapping_in(f"x: {value}\n".encode(), "a.yml")
    assert "not what its tag says" in refused.value.why

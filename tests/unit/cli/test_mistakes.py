"""What newcomers type: a mistake gets three lines, and a command that works when it is pasted."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Run

from genai_scaffold.project.record import ANSWERS_FILE
from genai_scaffold.system.process import run_program

PASTED = re.compile(r"`genai-scaffold (.*)`")

MISTAKES = [
    # typed, what the first line says, the command that the last one names
    ("nwe my-app", "'nwe'", "new my-app"),
    ("New my-app", "'New'", "new my-app"),
    ("create my-app", "'create'", "new my-app"),
    ("creat my-app", "'creat'", "new my-app"),
    ("genrate my-app --yes", "'genrate'", "new my-app --yes"),
    ("upgrad --dry-run", "'upgrad'", "update --dry-run"),
    ("instal metrics", "'instal'", "add metrics"),
    ("init", "'init'", "new"),
    ("generate my-app --yes", "'generate'", "new my-app --yes"),
    ("startproject my-app", "'startproject'", "new my-app"),
    ("recomend", "'recomend'", "recommend"),
    ("compare --async high", "'compare'", "recommend --async high"),
    ("lst", "'lst'", "list"),
    ("ls", "'ls'", "list"),
    ("chek", "'chek'", "check"),
    ("verify", "'verify'", "check"),
    ("upgrade", "'upgrade'", "update"),
    ("updat --dry-run", "'updat'", "update --dry-run"),
    ("swich flask", "'swich'", "switch flask"),
    ("migrate flask", "'migrate'", "switch flask"),
    ("enable metrics", "'enable'", "add metrics"),
    ("rm metrics", "'rm'", "remove metrics"),
    ("delete docker", "'delete'", "remove docker"),
    ("docter", "'docter'", "doctor"),
    ("help", "'help'", "--help"),
    ("help new", "'help'", "new --help"),
    ("version", "'version'", "--version"),
    ("-v", "-v", "--version"),
    ("-V", "-V", "--version"),
    ("--versoin", "--versoin", "--version"),
    ("-help", "-", "--help"),
    ("new my-app --framwork flask", "--framwork", "new my-app --framework flask"),
    ("new my-app --framework", "--framework", "new my-app --framework auto"),
    ("new my-app --framework=", "", "new my-app --framework auto"),
    ("new my-app --framework fastpi", "'fastpi'", "new my-app --framework fastapi"),
    ("new my-app --framework django", "'django'", "list frameworks"),
    ("new my-app --yes=1", "--yes", "new my-app --yes"),
    ("new my-app --Yes", "--Yes", "new my-app --yes"),
    ("new my-app --no-input", "--no-input", "new my-app --yes"),
    ("new my-app --non-interactive", "--non-interactive", "new my-app --yes"),
    ("new my app --yes", "(app)", "new my-app --yes"),
    ("new My Great App --yes", "Great", "new My-Great-App --yes"),
    ("new my-app --model openai", "--model", "new my-app --provider openai"),
    ("new my-app --provider opnai", "'opnai'", "new my-app --provider openai"),
    ("new my-app --features ci", "--features", "new my-app --feature ci"),
    ("new my-app --feature metrcs", "'metrcs'", "new my-app --feature metrics"),
    ("new my-app --feature rag --yes", "'rag'", "new my-app --feature documents --yes"),
    ("add pdf", "'pdf'", "add documents"),
    ("new my-app --target docker", "--target", "new my-app --deploy docker"),
    ("new my-app --deploy k8s", "'k8s'", "new my-app --deploy kubernetes"),
    ("new my-app --template prototype", "--template", "new my-app --preset prototype"),
    ("new my-app --preset protoype", "'protoype'", "new my-app --preset prototype"),
    ("new my-app --licence mit", "--licence", "new my-app --license mit"),
    ("new my-app --license none --licence mit", "--licence", "new my-app --license mit"),
    ("new my-app in ../x", "(in ../x)", "new ../x/my-app"),
    ("new chat bot under ./x/", "under ./x/", "new x/chat-bot"),
    ("new my-app in flask", "(in flask)", "new my-app --framework flask"),
    ("new my-app on kubernetes", "(on kubernetes)", "new my-app --deploy kubernetes"),
    ("update provider --dry-run", "provider", "update --set provider=openai --dry-run"),
    ("update docs", "docs", "update --set docs=yes"),
    ("new my-app --python 3.9", "'3.9'", "new my-app --python 3.11"),
    ("new my-app --python 3.10 --yes", "'3.10'", "new my-app --python 3.11 --yes"),
    ("new my-app --dry_run", "--dry_run", "new my-app --dry-run"),
    ("new my-app --preview", "--preview", "new my-app --dry-run"),
    ("new my-app --no-doc", "--no-doc", "new my-app --no-docs"),
    ("new my-app --async many", "'many'", "new my-app --async high"),
    ("new my-app --async --docs", "'--docs'", "new my-app --async high --docs"),
    ("new my_app --zzzzzz", "--zzzzzz", "new my_app"),
    ("--zzzzzz", "--zzzzzz", "--help"),
    ("zzzzzz", "'zzzzzz'", "new zzzzzz"),
    ("switch", "Missing", "switch flask"),
    ("switch djago", "'djago'", "switch flask"),
    ("switch djago my-app", "'djago'", "switch flask my-app"),
    ("switch flask --project my-app", "--project", "switch flask my-app"),
    ("switch flask --path=my-app", "--path", "switch flask my-app"),
    ("add metrics --dir my-app --pretend", "--dir", "add metrics --project my-app --dry-run"),
    ("add", "Missing", "add metrics"),
    ("add metrcs", "'metrcs'", "add metrics"),
    ("remove", "Missing", "remove metrics"),
    ("list feature", "'feature'", "list features"),
    ("update --set provider", "provider", "update --set provider=openai"),
    ("check --jsn", "--jsn", "check --json"),
    ("my-app", "'my-app'", "new my-app"),
    ("./apps/chat --yes", "'./apps/chat'", "new ./apps/chat --yes"),
    ("new my-app --flask", "--flask", "new my-app --framework flask"),
    ("new my-app --prototype --yes", "--prototype", "new my-app --preset prototype --yes"),
    (
        "new my-app --feature metrics tracing --yes",
        "(tracing)",
        "new my-app --feature metrics --feature tracing --yes",
    ),
    ("recommend --docs no", "(no)", "recommend --no-docs"),
    ("recommend --no-extensions yes", "(yes)", "recommend --no-extensions"),
    ("recommend --async high fastapi", "(fastapi)", "recommend --async high"),
    ("recommend --wsgi", "--wsgi", "recommend --hosting wsgi"),
    ("list frameworks fastapi", "(fastapi)", "list frameworks"),
    ("list --features", "--features", "list features"),
    ("update my-app metrics", "(metrics)", "update my-app"),
    ("add --metrics tracing", "--metrics", "add metrics tracing"),
    ("switch --flask", "--flask", "switch flask"),
    ("add flask", "'flask'", "switch flask"),
    ("add ollama docker", "'ollama'", "update --set provider=ollama"),
    ("new '' my app", "my app", "new my-app"),
    ("new my-app --feature --asinc some", "(some)", "new my-app --feature ci --async some"),
    ("help '' new", "'help'", "--help"),
    ("new my-app fastapi", "(fastapi)", "new my-app --framework fastapi"),
    ("new workspace shop", "(shop)", "new shop --preset workspace"),
    ("workspace shop", "'workspace'", "new shop --preset workspace"),
    ("new my-app -f flask", "-f", "new my-app --framework flask"),
    ("new my-app --provider azure openai", "(openai)", "new my-app --provider azure"),
    ("new x --deploy docker, fly", "(fly)", "new x --deploy docker --deploy fly"),
    (
        "new my-app --deploy k8s,render --yess",
        "--yess",
        "new my-app --deploy kubernetes,render --yes",
    ),
    ("new my-app --framework djago --yess", "--yess", "new my-app --yes"),
    ("new my-app --port 9000", "--port", "new my-app"),
    ("new --path my-app --yes", "--path", "new my-app --yes"),
    ("new my-app --output ../x", "--output", "new ../x/my-app"),
    ("new my-app --async", "--async", "new my-app --async high"),
    ("recommend --async-some", "--async-some", "recommend --async some"),
    ("recommend --verbose --asynch high", "--asynch", "recommend --verbose --async high"),
    ("list provider openai", "(openai)", "list providers"),
    ("check --project my-app", "--project", "check my-app"),
    ("migrate to flask", "'migrate'", "switch flask"),
    ("switch --to flask", "--to", "switch flask"),
    ("switch --framework=flask my-app", "--framework", "switch flask my-app"),
    ("add --feature metrics", "--feature", "add metrics"),
    ("remove --deploy=docker", "--deploy", "remove docker"),
    ("deploy docker", "'deploy'", "add docker"),
    ("install metrics and tracing", "'install'", "add metrics tracing"),
    ("new my-app --lang python", "--lang", "new my-app"),
    ("new my-app --license Apache-2.0", "'Apache-2.0'", "new my-app --license apache-2.0"),
    ("new my-app --python python3.12", "'python3.12'", "new my-app --python 3.12"),
    ("new my-app --python 3", "'3'", "new my-app --python 3.13"),
    ("new my-app --py 3.12", "--py", "new my-app --python 3.12"),
    ("new my-app --async 400", "'400'", "new my-app --async high"),
    ("recommend --async 30", "'30'", "recommend --async some"),
    ("recommend --async 4", "'4'", "recommend --async none"),
    ("new my-app --async true", "'true'", "new my-app --async high"),
    ("new my-app --sync", "--sync", "new my-app --async none"),
    ("new my-app --docs=false", "--docs", "new my-app --no-docs"),
    ("new my-app --skip-git", "--skip-git", "new my-app --no-git"),
    ("new my-app --skip-install", "--skip-install", "new my-app --no-install"),
    ("new my-app --no-venv", "--no-venv", "new my-app --no-install"),
    ("new my-app --no-docker", "--no-docker", "new my-app --deploy render"),
    ("new my-app --no-ci --yes", "--no-ci", "new my-app --feature pre-commit,page --yes"),
    ("new my-app --with-docker", "--with-docker", "new my-app --deploy docker"),
    ("new my-app --use-flask", "--use-flask", "new my-app --framework flask"),
    ("new my-app --db postgres", "--db", "new my-app --feature history"),
    ("new my-app --y", "--y", "new my-app -y"),
    ("new -y my-app -d docker", "-d", "new my-app -y --deploy docker"),
    ("new my-app --author --yes", "--author", "new my-app --author 'Your Name' --yes"),
    (
        "new my-app --description A chat service --yes",
        "(chat service)",
        "new my-app --description 'A chat service' --yes",
    ),
    ("new my-app --model gpt-4o", "--model", "new my-app --provider openai"),
    ("new my-app --provider claude-opus", "'claude-opus'", "new my-app --provider anthropic"),
    ("new my-app --feature docker", "'docker'", "new my-app --deploy docker"),
    ("new my-app --hosting render", "'render'", "new my-app --deploy render"),
    ("new my-app --preset minimal", "'minimal'", "new my-app --preset prototype"),
    ("new project my-app", "(my-app)", "new my-app"),
    ("new a project called chat", "called", "new chat"),
    ("new my-app --yes other", "(other)", "new my-app --yes"),
    ("list models", "'models'", "list providers"),
    ("list target", "'target'", "list deploy"),
    ("set provider anthropic", "'set'", "update --set provider=anthropic"),
    ("update --provider anthropic", "--provider", "update --set provider=anthropic"),
    ("update --set provider=azure --plan", "--plan", "update --set provider=azure --plain"),
    ("remove fastapi", "'fastapi'", "switch flask"),
    ("switch to fastapi", "'to'", "switch fastapi"),
    ("add postgres", "'postgres'", "add history"),
    ("add metrics,trace", "'trace'", "add metrics,tracing"),
    ("recommend --users 1000", "--users", "recommend"),
    ("MyApp", "'MyApp'", "new MyApp"),
    ("--yes", "--yes", "new --yes"),
    ("new 'my chat bot' --yes", "'my chat bot'", "new my-chat-bot --yes"),
    ("new größe --yes", "'größe'", "new grosse --yes"),
    ("new apps/json/ --yes", "'json'", "new apps/json-app --yes"),
    ("new --name 'My Bot' bot", "'My Bot'", "new bot --name my-bot"),
    ("new bot --name='My Bot' --yes", "'My Bot'", "new bot --name=my-bot --yes"),
    ("new my-app —yes", "(—yes)", "new my-app --yes"),
    ("–yes new my-app", "'–yes'", "new my-app --yes"),  # noqa: RUF001 - as a web page has it
    ("--new my-app", "--new", "new my-app"),
    ("new new my-app", "(my-app)", "new my-app"),
    ("new my-app --no-async", "--no-async", "new my-app --async none"),
    ("new my-app --no-license", "--no-license", "new my-app --license none"),
    ("new my-app --no-features", "--no-features", "new my-app --feature none"),
    ("add metrics --yse", "--yse", "add metrics --yes"),
    ("update --set providr=azure", "providr", "update --set provider=azure"),
    ("update --set provider azure --yes", "provider", "update --set provider=azure --yes"),
    ("update --set 'provider = azur'", "provider = azur", "update --set provider=azure"),
    ("update --set feature=+metrics", "'+metrics'", "update --set feature=metrics"),
    ("run", "'run'", None),
    ("--no-docs new my-app", "--no-docs", "new my-app --no-docs"),
    ("new my-app --with-redis", "--with-redis", "new my-app"),
    ("new my-app --no-tests --yes", "--no-tests", "new my-app --yes"),
    ("new my-app --use-npm", "--use-npm", "new my-app"),
    ("new --typescript my-app", "--typescript", "new my-app"),
    ("new --vcs-ref main my-app --yes", "--vcs-ref", "new my-app --yes"),
    ("new my-app --api-key sk-1 --yes", "--api-key", "new my-app --yes"),
    ("new my-app -d framework=flask", "-d", "new my-app --framework flask"),
    ("new my-app --set provider=azure", "--set", "new my-app --provider azure"),
    ("new my-app PROVIDER=azure", "PROVIDER=azure", "new my-app --provider azure"),
    (
        "new my-app GENAI_SCAFFOLD_ASYNC=some",
        "GENAI_SCAFFOLD_ASYNC=some",
        "new my-app --async some",
    ),
    ("new my-app provider azure", "(provider azure)", "new my-app --provider azure"),
    ("new my-app -o apps", "-o", "new apps/my-app"),
    ("new my-app --output-dir /srv/apps", "--output-dir", "new /srv/apps/my-app"),
    ("new my-app --path ./my-app", "--path", "new ./my-app"),
    ("new my-app --config answers.yml", "--config", "new my-app --answers answers.yml"),
    ("new --project-name bot --yes", "--project-name", "new --name bot --yes"),
    ("new -bot", "-", "new bot"),
    ("new -bot --provider azure", "-", "new bot --provider azure"),
    ("new my-app -bot", "-", "new my-app"),
    ("new my-app /yes", "(/yes)", "new my-app --yes"),
    ("new “my app” --yes", "app”", "new my-app --yes"),
    ("new my–app", "'my–app'", "new my-app"),  # noqa: RUF001 - as a word processor has it
    ("new my-app −−yes", "(−−yes)", "new my-app --yes"),  # noqa: RUF001 - the same
    (
        "new my-app with fastapi and docker",
        "(with",
        "new my-app --framework fastapi --deploy docker",
    ),
    ("new https://example.com/me/json.git", "is an address", "new json-app"),
    ("new git@example.com:me/bot.git --yes", "is an address", "new bot --yes"),
    ("new /", "/ is no place", "new my-app"),
    ("new '' --yes", "no name", "new my-app --yes"),
    ("new my-app --description", "--description", "new my-app --description 'A GenAI backend'"),
    ("new my-app --answers", "--answers", "new my-app"),
    ("new my-app --app chat", "'chat'", "new my-app --app api"),
    ("new my-app --team python", "'python'", "new my-app --team typed"),
    ("new my-app --scale xl", "'xl'", "new my-app --scale service"),
    ("new my-app --framework fastapi,flask", "'fastapi,flask'", "new my-app --framework fastapi"),
    ("new my-app --deploy aws", "'aws'", "list deploy"),
    ("new my-app --license gpl", "'gpl'", "list licenses"),
    ("recommend --hosting aws", "'aws'", "list needs"),
    ("new my-app --feature none --feature ci", "contradicts ci", "new my-app --feature ci"),
    ("new my-app --git --yes --no-git", "--git contradicts", "new my-app --yes --no-git"),
    ("new x --framework flask --framework=fastapi", "more than once", "new x --framework=fastapi"),
    (
        "new x --framework fastapi --deploy mod-wsgi",
        "--framework fastapi contradicts",
        "new x --deploy mod-wsgi",
    ),
    (
        "new x --hosting=any --deploy mod-wsgi",
        "--hosting any contradicts",
        "new x --deploy mod-wsgi",
    ),
    ("new x --preset prototype --feature oidc", "--feature oidc", "new x --preset prototype"),
    ("new x --preset workspace --framework flask", "--framework flask", "new x --preset workspace"),
    ("new x --preset workspace --install --yes", "--install", "new x --preset workspace --yes"),
    ("genai-scaffold new my-app", "'genai-scaffold'", "new my-app"),
    ("create-app my-app", "'create-app'", "new my-app"),
    ("new-project", "'new-project'", "new"),
    ("list-features", "'list-features'", "list features"),
    ("add-feature metrics", "'add-feature'", "add metrics"),
    ("providers", "'providers'", "list providers"),
    ("completion bash", "'completion'", "--install-completion"),
    ("install-completion", "'install-completion'", "--install-completion"),
    ("chatbot --yes", "'chatbot'", "new chatbot --yes"),
    ("delete my-app", "'delete'", "remove --help"),
    ("''", "''", "new"),
    ("--v", "--v", "--version"),
    ("doctor --fix", "--fix", "doctor"),
    ("check --strict", "--strict", "check"),
    ("check --exclude", "--exclude", "check"),
    ("recommend --yes", "--yes", "recommend"),
    ("recommend --framework flask --async high", "--framework", "recommend --async high"),
    ("recommend --save-answers a.yml", "--save-answers", "recommend"),
    ("recommend --no-team", "--no-team", "recommend"),
    ("recommend async high", "(async high)", "recommend --async high"),
    ("switch azure", "'azure'", "update --set provider=azure"),
    ("switch --provider claude", "--provider", "update --set provider=anthropic"),
    ("switch from fastapi to flask", "(to flask)", "switch flask"),
    ("add provider azure", "'provider'", "update --set provider=azure"),
    ("add 'metrics tracing'", "'metrics tracing'", "add metrics,tracing"),
    ("add --all", "--all", "add --help"),
    ("remove --all", "--all", "update --set feature=none --set deploy=none"),
    ("remove all", "'all'", "update --set feature=none --set deploy=none"),
    ("update provider=azure", "provider=azure", "update --set provider=azure"),
    ("update --set=provider", "provider", "update --set provider=openai"),
    ("update --set model=gpt-4", "model", "update --set provider=openai"),
    ("update --set PYTHON=3.14", "PYTHON", "update --set python=3.14"),
    ("update --docs false", "--docs", "update --set docs=no"),
    ("update --to 1.2.0", "--to", "update"),
    ("new my-app other-app --yes", "(other-app)", "new my-app --yes"),
    ("new genai-scaffold my-app", "(my-app)", "new my-app"),
    ("new gh:acme/my-app my-app", "(my-app)", "new my-app"),
    ("new my-app -- --yes", "(--yes)", "new my-app --yes"),
    ("'new my-app'", "'new my-app'", "new my-app"),
    ("new 'my-app --yes'", "'my-app --yes'", "new my-app --yes"),
    ("new 'C:\\\\Users\\\\ann\\\\my-app'", "Users", "new my-app"),
    ("new my-app framework = flask", "(framework = flask)", "new my-app --framework flask"),
    ("new my-app --framework= flask", "", "new my-app --framework flask"),
    ("new my-app --force", "--force", "new my-app"),
    ("new my-app --defaults --yes", "--defaults", "new my-app --yes"),
    ("new x --provider 'azure openai'", "'azure openai'", "new x --provider azure"),
    ("new x --deploy 'google cloud run'", "'google cloud run'", "new x --deploy cloud-run"),
    ("new x --python 3.12.4", "'3.12.4'", "new x --python 3.12"),
    ("new x --feature streaming", "'streaming'", "list features"),
    ("recommend high", "(high)", "recommend --async high"),
    ("recommend fastapi flask", "(fastapi flask)", "recommend"),
    ("recommend --format json", "--format", "recommend --json"),
    ("recommend --output=json", "--output", "recommend --json"),
    ("check -j", "-j", "check --json"),
    ("recommend --version", "--version", "--version"),
    ("/?", "'/?'", "--help"),
    ("list openai", "'openai'", "list providers"),
    ("list high", "'high'", "list needs"),
    ("create docker", "'create'", "add docker"),
    ("update docker", "docker", "add docker"),
    ("switch fastapi flask", "flask", "switch flask"),
    ("update --set provider = azure", "(azure)", "update --set provider=azure"),
    ("update --set provider:azure", "provider:azure", "update --set provider=azure"),
    ("update --base", "--base", "update"),
    ("update --set 'docs = no'", "docs = no", "update --set docs=no"),
    ("add metrics --project", "--project", "add metrics"),
    ("start", "'start'", None),
    ("start --port 3000", "'start'", None),
    ("install", "'install'", None),
    ("deploy", "'deploy'", None),
    ("new x --answers=", "--answers names no file", "new x"),
    ("new x --answers missing.yml --yes", "no answers file missing.yml", "new x --yes"),
]


def asking_nothing(command: str) -> str:
    """What is said where there is no terminal: there, a command that asks does not work."""
    words = command.split()
    asks = words[0] == "new" and {"--yes", "-y", "--help"}.isdisjoint(words)
    return f"{command} --yes" if asks else command


@pytest.mark.parametrize(("typed", "what", "meant"), MISTAKES, ids=[row[0] for row in MISTAKES])
def test_a_mistake_is_named_with_what_was_meant(
    run: Callable[..., Run], work: Path, typed: str, what: str, meant: str | None
) -> None:
    ended = run(*shlex.split(typed))
    assert ended.code == 2
    said, why, fix = ended.errors.splitlines()[:3]
    assert said.startswith("error: ")
    assert what in said
    assert (why[:7], fix[:7]) == ("  why: ", "  fix: ")
    assert not list(work.iterdir())
    if meant is not None:
        [pasted] = PASTED.findall(ended.errors)
        assert pasted == asking_nothing(meant)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("new --provider Claude", "new --provider anthropic"),
        ("new --deploy docker,k8s", "new --deploy docker,kubernetes"),
        ("new --feature prometheus", "new --feature metrics"),
        ("recommend --team beginners", "recommend --team learning"),
        ("recommend --async many", "recommend --async high"),
        ("recommend --hosting asgi", "recommend --hosting any"),
        ("add otel", "add tracing"),
        ("remove apache", "remove mod-wsgi"),
    ],
)
def test_a_value_is_known_by_its_other_names(
    run: Callable[..., Run], typed: str, meant: str
) -> None:
    question = f"did you mean `genai-scaffold {asking_nothing(meant)}`?"
    assert question in run(*shlex.split(typed)).errors


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("check", "check bot"),
        ("update --dry-run", "update --dry-run bot"),
        ("switch flask", "switch flask bot"),
        ("switch bot flask", "switch flask bot"),
        ("switch bot", "switch flask bot"),
        ("add openai bot", "update bot --set provider=openai"),
        ("add flask bot", "switch flask bot"),
        ("add metrics", "add metrics --project bot"),
        ("remove ci --yes", "remove ci --yes --project bot"),
        ("add metrics bot", "add metrics --project bot"),
        ("add metrics to bot", "add metrics --project bot"),
        ("check bto", "check bot"),
        ("add metrics --project=bo", "add metrics --project bot"),
        ("switch flask bots --yes", "switch flask --yes bot"),
        ("update 1.2.0", "update bot"),
        ("add metrics --project .", "add metrics --project bot"),
        ("update --set docs=no bo", "update --set docs=no bot"),
        ("check bot/.copier-answers.yml", "check bot"),
    ],
)
def test_beside_a_project_the_command_that_is_meant_for_it_is_named(
    run: Callable[..., Run], work: Path, typed: str, meant: str
) -> None:
    (work / "bot").mkdir()
    (work / "bot" / ANSWERS_FILE).touch()
    ended = run(*shlex.split(typed))
    assert (ended.code, PASTED.findall(ended.errors)) == (2, [meant])


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("update 1.2.0", "update"),
        ("check main.py --json", "check --json"),
        ("add metrics --project bto", "add metrics"),
    ],
)
def test_in_a_project_what_names_none_is_left_out(
    run: Callable[..., Run], work: Path, typed: str, meant: str
) -> None:
    (work / ANSWERS_FILE).touch()
    (work / "main.py").touch()
    ended = run(*shlex.split(typed))
    assert (ended.code, PASTED.findall(ended.errors)) == (2, [meant])


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("new bot --yes", "new bot-2 --yes"),
        ("new ./bot/ --name shop --yes", "new bot-2 --name shop --yes"),
        ("new . --yes", "new my-app --yes"),
        ("new bot/file/shop --yes", "new bot/file-2/shop --yes"),
        ("new x --save-answers bot/a.yml --yes", "new x --save-answers bot/a-2.yml --yes"),
    ],
)
def test_where_something_is_in_the_way_a_free_place_is_named(
    run: Callable[..., Run], work: Path, typed: str, meant: str
) -> None:
    (work / "bot").mkdir()
    (work / "bot/file").touch()
    (work / "bot/a.yml").touch()
    ended = run(*shlex.split(typed))
    assert (ended.code, PASTED.findall(ended.errors)) == (3, [meant])


@pytest.mark.parametrize(
    ("typed", "meant"), [("answer.yml", "answers.yml"), (".", "answers.yml"), ("a", "a/b.json")]
)
def test_a_file_of_answers_that_is_near_is_named(
    run: Callable[..., Run], work: Path, typed: str, meant: str
) -> None:
    (work / "answers.yml").touch()
    (work / "a").mkdir()
    (work / "a/b.json").touch()
    ended = run("new", "x", "--answers", typed, "--yes")
    assert PASTED.findall(ended.errors) == [f"new x --answers {meant} --yes"]


@pytest.mark.parametrize(
    ("content", "fix"),
    [
        ("framework=flask", "write `framework: flask`"),
        ("framework flask", "write `framework: flask`"),
        ("- fastapi", "write `framework: fastapi`"),
        ("framework: [flask]", "write `framework: flask`"),
        ('docs: "no"', "write `docs: false`"),
        ("no-docs: true", "write `docs: false`"),
        ("docs: true\ndocs: false", "leave one of the two out"),
        ("framework: flask\n\tdocs: true", "put blanks in its place"),
    ],
)
def test_a_wrong_line_of_answers_is_shown_as_it_has_to_be(
    run: Callable[..., Run], work: Path, content: str, fix: str
) -> None:
    (work / "a.yml").write_text(content, encoding="utf-8")
    ended = run("new", "x", "--answers", "a.yml", "--yes")
    assert (ended.code, ended.errors.splitlines()[2]) == (2, f"  fix: {fix}")


def test_what_says_how_a_project_was_made_is_brought_back(
    run: Callable[..., Run], work: Path
) -> None:
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@b.c"]
    (work / ANSWERS_FILE).touch()
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "Start"]):
        run_program([*git, *command], directory=work)
    for command in ([], ["commit", "-qam", "Lost"]):
        (work / ANSWERS_FILE).unlink()
        if command:
            run_program([*git, *command], directory=work)
        [pasted] = re.findall("`(git .*)`", run("check").errors)
        assert run_program(shlex.split(pasted), directory=work).code == 0
        assert (work / ANSWERS_FILE).exists()


def test_of_several_projects_the_one_of_a_like_name_is_meant(
    run: Callable[..., Run], work: Path
) -> None:
    for name in ("bot", "shop"):
        (work / name).mkdir()
        (work / name / ANSWERS_FILE).touch()
    assert PASTED.findall(run("check", "sop").errors) == ["check shop"]


def test_on_a_terminal_a_command_may_ask(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genai_scaffold.cli.advice.can_ask", lambda _: True)
    assert PASTED.findall(run("create", "my-app").errors) == ["new my-app"]


def test_a_home_that_no_shell_has_named_is_named(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert PASTED.findall(run("new", "~/bot", "--yes").errors) == ["new /home/ann/bot --yes"]


def test_why_there_is_no_flag_for_what_others_have_is_said(run: Callable[..., Run]) -> None:
    assert "why: every project comes with tests" in run("new", "my-app", "--no-tests").errors
    assert "why: keys belong in the project's .env" in run("new", "x", "--api-key=sk").errors


def test_where_there_is_no_project_it_is_said_how_to_get_one(run: Callable[..., Run]) -> None:
    advice = "fix: go into a project, or create one: `genai-scaffold new my-app --yes`"
    for typed in ("add metrics", "check", "update my-app", "switch flask"):
        assert advice in run(*typed.split()).errors


def test_a_file_is_not_called_a_missing_directory(run: Callable[..., Run], work: Path) -> None:
    (work / "main.py").touch()
    assert "why: it is a file" in run("check", "main.py").errors


@pytest.mark.parametrize("meant", sorted({row[2] for row in MISTAKES if row[2]}))
def test_what_was_meant_is_understood_when_it_is_pasted(
    run: Callable[..., Run], meant: str
) -> None:
    assert "not understood" not in run(*shlex.split(meant)).errors


def test_a_value_that_stands_elsewhere_is_named_alone(run: Callable[..., Run], work: Path) -> None:
    (work / "answers.yml").write_text("provider: opnai", encoding="utf-8")
    ended = run("new", "my-app", "--yes", "--answers", "answers.yml")
    assert (
        "fix: did you mean openai? `genai-scaffold list providers` explains them all"
        in ended.errors
    )


def test_behind_an_equals_sign_a_text_may_look_like_a_flag(run: Callable[..., Run]) -> None:
    assert run("new", "my-app", "--author=--yes", "--yes", "--dry-run").code == 0


def test_the_program_alone_says_how_to_begin(run: Callable[..., Run]) -> None:
    ended = run()
    assert ended.code == 0
    assert not ended.errors
    for example in ("new ", "new my-app --yes", "recommend --async high --docs"):
        assert f"genai-scaffold {example}" in ended.output


@pytest.mark.parametrize(
    ("typed", "what"),
    [
        ("new my-app --docs --no-docs", "--docs contradicts --no-docs"),
        ("new my-app --framework flask --framework=fastapi", "--framework is given more than once"),
        ("update --base one --base two", "--base is given more than once"),
    ],
)
def test_of_a_flag_that_is_given_again_none_is_dropped(
    run: Callable[..., Run], typed: str, what: str
) -> None:
    ended = run(*shlex.split(typed))
    assert (ended.code, ended.errors.splitlines()[0]) == (2, f"error: {what}")


def test_a_flag_may_be_given_again_where_it_means_the_same(run: Callable[..., Run]) -> None:
    ended = run("new", "my-app", "--yes", "-y", "--docs", "--docs", "--dry-run", "--dry-run")
    assert ended.code == 0


@pytest.mark.parametrize(
    "how", ["--dry-run", "--git --json", "--no-install --quiet", "--save-answers mine.yml"]
)
def test_where_nobody_can_be_asked_the_command_does_what_was_wanted(
    run: Callable[..., Run], how: str
) -> None:
    ended = run("new", "my-app", "--no-docs", *how.split())
    assert f"fix: run `genai-scaffold new my-app --no-docs --yes {how}`" in ended.errors

"""Clients that were not written here find what they expect, most with no model behind it."""

import hashlib
import json
import math
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlencode

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from openai.types.responses import (
    FunctionToolParam,
    ParsedResponseFunctionToolCall,
    ResponseFunctionToolCallParam,
)
from openai.types.responses.response_input_param import FunctionCallOutput
from pydantic import BaseModel

from e2e.browser import browsing
from e2e.conftest import required
from e2e.machine import Machine
from e2e.projects import Project
from e2e.servers import Server, serving
from e2e.upstream import WORDS, Tale, listening, saying

pytestmark = pytest.mark.slow

LLM_VERSION = "0.36"
AGENTS = (
    "openai-agents==0.24.0",
    "pydantic-ai-slim[openai]==2.68.0",
    "agent-framework-openai==1.17.0",
)
CLIENTS = Path(__file__).parent / "clients"
KEY = "key-of-a-client"
KEYS = f"alice:{hashlib.sha256(KEY.encode()).hexdigest()}"
MODEL = "offline-echo"
ASK: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello world"}]
SAID = "You said: hello world"
TOOL: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
        "strict": True,
    },
}
RESPONSE_TOOL: FunctionToolParam = {
    "type": "function",
    "name": "weather",
    "parameters": TOOL["function"]["parameters"],
    "strict": True,
}


class Line(BaseModel):
    article: str
    amount: int


class Invoice(BaseModel):
    number: str
    total: float
    lines: list[Line]


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest, project: Callable[[str], Project]) -> Iterator[Server]:
    with serving(project(request.param), API_KEYS=KEYS, REQUESTS_PER_MINUTE="1000") as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=KEY, max_retries=0) as client:
        yield client


twins = pytest.mark.parametrize("server", ["fastapi", "flask"], indirect=True, scope="module")


@twins
def test_openai_lists_models(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [MODEL]


@twins
def test_openai_chats(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model=MODEL, messages=ASK, temperature=0.5)
    assert answer.choices[0].message.content == SAID


@twins
def test_openai_streams(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(
        model=MODEL, messages=ASK, stream_options={"include_usage": True}
    ) as stream:
        answer = stream.get_final_completion()
    assert answer.choices[0].message.content == SAID
    assert answer.usage is not None
    assert answer.usage.total_tokens > 0


@twins
def test_openai_calls_a_tool_and_answers_with_its_result(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model=MODEL, messages=ASK, tools=[TOOL]) as stream:
        [choice] = stream.get_final_completion().choices
    assert choice.finish_reason == "tool_calls"
    [call] = choice.message.tool_calls or []
    assert call.function.parsed_arguments == {"city": "city"}
    answer = client.chat.completions.create(
        model=MODEL,
        messages=[
            *ASK,
            {
                "role": "assistant",
                "tool_calls": [
                    {
                        "id": call.id,
                        "type": "function",
                        "function": {
                            "name": call.function.name,
                            "arguments": call.function.arguments,
                        },
                    }
                ],
            },
            {"role": "tool", "tool_call_id": call.id, "content": "sunny"},
        ],
        tools=[TOOL],
    )
    assert answer.choices[0].message.content == "You said: sunny"


@twins
def test_openai_parses_into_a_model(client: openai.OpenAI) -> None:
    answer = client.chat.completions.parse(model=MODEL, messages=ASK, response_format=Invoice)
    assert isinstance(answer.choices[0].message.parsed, Invoice)


@twins
@pytest.mark.parametrize(
    ("options", "packed"), [({}, True), ({"encoding_format": "float"}, False)], ids=["", "float"]
)
def test_openai_embeds(client: openai.OpenAI, options: dict[str, str], packed: bool) -> None:
    """It asks for base64 where it is not told otherwise."""
    response = client.embeddings.with_raw_response.create(
        model=MODEL, input=["one", "two"], extra_body=options
    )
    sent = response.http_response.json()["data"][0]["embedding"]
    assert isinstance(sent, str) == packed
    vectors = response.parse().data
    assert [len(item.embedding) for item in vectors] == [256, 256]
    assert math.isclose(math.hypot(*vectors[0].embedding), 1, rel_tol=1e-6)


@twins
def test_openai_responds(client: openai.OpenAI) -> None:
    answer = client.responses.create(model=MODEL, input="hello world", temperature=0.5)
    assert answer.output_text == SAID
    assert answer.usage is not None
    assert answer.usage.total_tokens > 0


@twins
def test_openai_streams_a_response(client: openai.OpenAI) -> None:
    with client.responses.stream(model=MODEL, input="hello world") as stream:
        said = [event.delta for event in stream if event.type == "response.output_text.delta"]
    assert "".join(said) == stream.get_final_response().output_text == SAID


@twins
def test_openai_parses_a_response_into_a_model(client: openai.OpenAI) -> None:
    answer = client.responses.parse(model=MODEL, input="an invoice", text_format=Invoice)
    assert isinstance(answer.output_parsed, Invoice)


@twins
def test_openai_goes_on_after_a_tool_of_a_response(client: openai.OpenAI) -> None:
    with client.responses.stream(model=MODEL, input="hello", tools=[RESPONSE_TOOL]) as stream:
        [call] = stream.get_final_response().output
    assert isinstance(call, ParsedResponseFunctionToolCall)
    assert call.parsed_arguments == {"city": "city"}
    result = FunctionCallOutput(type="function_call_output", call_id=call.call_id, output="sunny")
    asked = ResponseFunctionToolCallParam(
        type="function_call", call_id=call.call_id, name=call.name, arguments=call.arguments
    )
    answer = client.responses.create(model=MODEL, input=[asked, result], tools=[RESPONSE_TOOL])
    assert answer.output_text == "You said: sunny"


@twins
def test_openai_is_told_why_a_response_is_not_remembered(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="store: false") as refused:
        client.responses.create(model=MODEL, input="again", previous_response_id="resp_1")
    assert refused.value.code == "previous_response_not_found"


@twins
def test_openai_is_refused_with_another_key(client: openai.OpenAI) -> None:
    with pytest.raises(openai.AuthenticationError) as refused:
        client.with_options(api_key="guessed").models.list()
    assert refused.value.code == "invalid_api_key"


@pytest.fixture(scope="session")
def scripts(machine: Machine) -> Path:
    """The scripts of the clients for JavaScript, with what they import."""
    npm = required("npm")
    folder = machine.folder / "clients"
    shutil.copytree(CLIENTS, folder, ignore=shutil.ignore_patterns("node_modules"))
    machine.run(npm, "install", "--no-package-lock", "--no-audit", "--no-fund", directory=folder)
    return folder


OPENAI = ["openai", "openai-7"]
AI_SDK = [("ai", "@ai-sdk/openai"), ("ai-7", "@ai-sdk/openai-4")]
USE_CHAT = {"ai": "@ai-sdk/react", "ai-7": "@ai-sdk/react-4"}


def node(scripts: Path) -> str:
    """Node 22, which the AI SDK 7 wants; distributions are behind."""
    return str(scripts / "node_modules" / "node" / "bin" / "node")


@twins
@pytest.mark.parametrize(
    "command",
    [
        *(("openai.mjs", sdk) for sdk in OPENAI),
        *(("responses.mjs", sdk) for sdk in OPENAI),
        ("ai-sdk.mjs",),
        *(("use-chat.mjs", sdk) for sdk in USE_CHAT),
    ],
    ids=" ".join,
)
def test_a_client_for_javascript(
    server: Server, machine: Machine, scripts: Path, command: tuple[str, ...]
) -> None:
    script, *arguments = command
    machine.run(node(scripts), str(scripts / script), server.url, KEY, *arguments)


@twins
@pytest.mark.skipif(shutil.which("javac") is None, reason="a JDK is 260 MB, which CI goes without")
def test_the_client_of_java(server: Server, machine: Machine) -> None:
    machine.run("java", "-XX:TieredStopAtLevel=1", str(CLIENTS / "Chat.java"), server.url, KEY)


@pytest.mark.parametrize("framework", ["fastapi", "flask"])
def test_an_image_in_the_ai_sdk_reaches_the_model(
    project: Callable[[str], Project], machine: Machine, scripts: Path, framework: str
) -> None:
    with listening() as upstream:
        model = {"LLM_API_KEY": "any", "LLM_BASE_URL": upstream.url}
        with serving(project(framework), API_KEYS=KEYS, **model) as server:
            machine.run(node(scripts), str(scripts / "use-chat-files.mjs"), server.url, KEY)
        [message] = upstream.next_call().request["messages"]
        assert upstream.calls.empty()
    assert message["content"] == [
        {"type": "text", "text": "what is it?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
    ]


def calling(**before: str) -> Tale:
    """A model that says or thinks something, and calls the tool."""
    function = {"name": "weather", "arguments": '{"city": "Rome"}'}
    call = {"index": 0, "id": "call_1", "type": "function", "function": function}
    return saying(before, {"tool_calls": [call]}, reason="tool_calls")


@pytest.fixture(scope="module")
def called(request: pytest.FixtureRequest, project: Callable[[str], Project]) -> Iterator[Server]:
    """A project whose model calls a tool where it is told to."""
    with listening() as upstream:
        upstream.tales |= {
            "call": calling(),
            "think and call": calling(reasoning_content="Hm"),
            "speak and call": calling(content="Let me see"),
        }
        model = {"LLM_API_KEY": "any", "LLM_BASE_URL": upstream.url, "LLM_MODEL": MODEL}
        limits = {"API_KEYS": KEYS, "REQUESTS_PER_MINUTE": "1000"}
        with serving(project(request.param), **model, **limits) as server:
            yield server


callers = pytest.mark.parametrize("called", ["fastapi", "flask"], indirect=True, scope="module")


@callers
@pytest.mark.parametrize(("sdk", "provider"), AI_SDK)
def test_the_ai_sdk_by_responses(
    called: Server, machine: Machine, scripts: Path, sdk: str, provider: str
) -> None:
    script = str(scripts / "ai-sdk-responses.mjs")
    machine.run(node(scripts), script, called.url, KEY, sdk, provider)


@pytest.fixture(scope="module")
def remembering(
    request: pytest.FixtureRequest,
    project: Callable[[str], Project],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    file = tmp_path_factory.mktemp("database") / "app.db"
    limits = {"API_KEYS": KEYS, "REQUESTS_PER_MINUTE": "1000"}
    with serving(project(request.param), DATABASE_URL=f"sqlite:///{file}", **limits) as server:
        yield server


@pytest.mark.parametrize(
    "remembering", ["fastapi-kept-tools", "flask-kept-tools"], indirect=True, scope="module"
)
@pytest.mark.parametrize(("sdk", "provider"), AI_SDK)
def test_the_ai_sdk_takes_back_what_is_kept(
    remembering: Server, machine: Machine, scripts: Path, sdk: str, provider: str
) -> None:
    script = str(scripts / "history.mjs")
    machine.run(node(scripts), script, remembering.url, KEY, sdk, provider)


@pytest.fixture(scope="session")
def agents(machine: Machine) -> Path:
    return machine.environment("agents", *AGENTS) / "python"


@callers
@pytest.mark.parametrize(
    "script", ["openai_agents.py", "pydantic_ai_agent.py", "agent_framework_agent.py"]
)
def test_an_agent_by_responses(called: Server, machine: Machine, agents: Path, script: str) -> None:
    machine.run(str(agents), str(CLIENTS / script), called.url, KEY)


@pytest.fixture(scope="session", params=USE_CHAT)
def page(request: pytest.FixtureRequest, machine: Machine, scripts: Path) -> Iterator[str]:
    """The address of a page with `useChat`, of another origin than the service."""
    sdk, folder = request.param, scripts / f"site-{request.param}"
    bundled = ("--bundle", "--minify", f"--outfile={folder}/page.js")
    versions = (f"--alias:ai={sdk}", f"--alias:@ai-sdk/react={USE_CHAT[sdk]}")
    define = '--define:process.env.NODE_ENV="production"'
    build = (f"{scripts}/node_modules/.bin/esbuild", f"{scripts}/page.mjs", *bundled, define)
    machine.run(*build, *(versions if sdk != "ai" else ()), directory=scripts)
    (folder / "index.html").write_text("<body><script src=page.js></script>")
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as site:
        Thread(target=site.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{site.server_port}"
        site.shutdown()


TAKEN = "text, image/png, image/jpeg, image/gif, image/webp, application/pdf"
FILM = {"type": "file", "mediaType": "video/mp4", "url": "data:video/mp4;base64,AAAA"}
# What is asked, one after another; what the page shows then; and whether as an error.
SHOWN: list[tuple[dict[str, object], str, bool]] = [
    ({"text": "tell"}, "".join(WORDS), False),
    ({"text": "refuse"}, "I will not.", False),
    ({"text": "think"}, "[reasoning]", False),
    ({"text": "call"}, "[tool-weather]", False),
    ({"text": "nothing"}, "The model gave no answer", True),
    (
        {"text": "see", "files": [FILM]},
        f"The file (video/mp4) cannot be given to the model, which takes {TAKEN}",
        True,
    ),
    ({"text": "think"}, "thought", False),
]


@pytest.mark.parametrize("framework", ["fastapi", "flask"])
def test_use_chat_in_a_browser(
    project: Callable[[str], Project], page: str, framework: str, tmp_path: Path
) -> None:
    with listening() as upstream, ExitStack() as stack:
        settings = {"LLM_API_KEY": "any", "LLM_BASE_URL": upstream.url, "CORS_ORIGINS": page}
        server = stack.enter_context(serving(project(framework), API_KEYS=KEYS, **settings))
        chromium = (required("chromium"),)
        browser = stack.enter_context(browsing(chromium, tmp_path / "profile"))
        browser.visit(f"{page}?{urlencode({'server': server.url, 'key': KEY})}")
        server.wait_until_it_says('"path":"/api/chat/chat-1/stream","status":204')
        errors = 0
        for message, shown, fails in SHOWN:
            browser.run(f"chat.sendMessage({json.dumps(message)})")
            assert browser.shows(shown), message
            errors += fails
            assert browser.shows(f"errors: {errors}"), message
            assert browser.shows("error" if fails else "ready"), message


@pytest.fixture(scope="session")
def llm(machine: Machine) -> Path:
    return machine.environment("llm", f"llm=={LLM_VERSION}") / "llm"


@twins
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["hello world"], SAID, id="stream"),
        pytest.param(["--no-stream", "hello world"], SAID, id="no stream"),
        pytest.param(
            ["-T", "llm_version", "which version?"], f"You said: {LLM_VERSION}", id="tool"
        ),
        pytest.param(
            ["--schema", "number str, total float", "an invoice"],
            {"number": "number", "total": 0},
            id="schema",
        ),
    ],
)
def test_llm_on_the_command_line(
    server: Server, machine: Machine, llm: Path, arguments: list[str], said: object, tmp_path: Path
) -> None:
    model = {
        "model_id": "backend",
        "model_name": MODEL,
        "api_base": f"{server.url}/v1",
        "api_key_name": "backend",
        "supports_tools": True,
        "supports_schema": True,
    }
    models = json.dumps([model])  # which is YAML, too
    (tmp_path / "extra-openai-models.yaml").write_text(models)
    answer = machine.run(
        str(llm), "-m", "backend", "--key", KEY, *arguments, LLM_USER_PATH=str(tmp_path)
    ).strip()
    assert (answer if isinstance(said, str) else json.loads(answer)) == said

"""This service's tools for other agents, by the Model Context Protocol.

Nothing is remembered between two requests: since 2026-07-28 each says all that it needs, and
before that a session was optional.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from pydantic import ValidationError

from backend.ai.tools import Given, Outcome, Tool, ToolRun, failed, faults
from backend.ai.waiting import run_together
from backend.json_text import JSONObject
from backend.settings import Settings

STATELESS = "2026-07-28"
HANDSHAKE = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")  # the newest first
VERSION, METHOD, NAME = "mcp-protocol-version", "mcp-method", "mcp-name"
HEADERS = ("host", "origin", VERSION, METHOD, NAME)
META = "io.modelcontextprotocol/"
SERVER = {"name": "{{ project_name }}", "version": "0.1.0"}
INVALID_REQUEST, NO_SUCH_METHOD, INVALID_PARAMS = -32600, -32601, -32602
HEADER_MISMATCH, UNSUPPORTED_VERSION = -32020, -32022


class McpAnswer(NamedTuple):
    status: int
    body: JSONObject | None = None


class Refused(Exception):
    """What JSON-RPC calls an error."""

    def __init__(self, code: int, message: str, **data: Any) -> None:
        super().__init__(message)
        self.code = code
        self.error = {"code": code, "message": message, **({"data": data} if data else {})}


class McpServer:
    """Answers one client."""

    def __init__(self, tools: Sequence[Tool], given: Given) -> None:
        writes = given.settings.mcp_writes
        self._tools = {tool.name: tool for tool in tools if writes or not tool.writes}
        self._given = given

    def answer(self, message: Any, headers: Mapping[str, str]) -> McpAnswer:
        """Returns the answer to one message, which has no body where it is a notification.

        Args:
            headers: those of `HEADERS` that there are.
        """
        if status := stranger(headers, self._given.settings):
            why = "MCP_ALLOWED_ORIGINS does not name where this comes from"
            return McpAnswer(status, failure(None, Refused(INVALID_REQUEST, why)))
        message_id, stateless = None, False
        try:
            method, message_id, params = parsed(message)
            stateless = is_stateless(params, headers)
            if "id" not in message:
                return McpAnswer(HTTPStatus.ACCEPTED)
            if stateless:
                agree(method, params, headers)
            result = self._result(method, params, stateless=stateless)
        except Refused as refused:
            status = status_of(refused.code, stateless=stateless)
            return McpAnswer(status, failure(message_id, refused))
        return McpAnswer(HTTPStatus.OK, {"jsonrpc": "2.0", "id": message_id, "result": result})

    def _result(self, method: str, params: JSONObject, *, stateless: bool) -> JSONObject:
        complete = {"resultType": "complete", "_meta": {f"{META}serverInfo": SERVER}}
        fresh = {**complete, "ttlMs": 0, "cacheScope": "private"}
        match method:
            case "server/discover" if stateless:
                return {"supportedVersions": [STATELESS], "capabilities": {"tools": {}}, **fresh}
            case "initialize" if not stateless:
                wanted = params.get("protocolVersion")
                version = wanted if wanted in HANDSHAKE else HANDSHAKE[0]
                known = {"capabilities": {"tools": {}}, "serverInfo": SERVER}
                return {"protocolVersion": version, **known}
            case "ping" if not stateless:
                return {}
            case "tools/list":
                listed = [described(tool) for tool in self._tools.values()]
                return {"tools": listed, **(fresh if stateless else {})}
            case "tools/call":
                called = shown(self._call(params))
                return {**called, **(complete if stateless else {})}
        raise Refused(NO_SUCH_METHOD, "Method not found")

    def _call(self, params: JSONObject) -> Outcome:
        name, arguments = params.get("name"), params.get("arguments")
        tool = self._tools.get(name) if isinstance(name, str) else None
        if tool is None:
            raise Refused(INVALID_PARAMS, "There is no such tool")
        if not isinstance(arguments, dict | None):
            raise Refused(INVALID_PARAMS, "The arguments are no object")
        try:
            run = ToolRun(tool, tool.read(arguments or {}), self._given)
        except ValidationError as error:
            return failed(faults(error))
        run_together([run], self._given.settings.tool_timeout_seconds)
        return run.outcome


def stranger(headers: Mapping[str, str], settings: Settings) -> HTTPStatus | None:
    """Returns how a request is refused that a web page may have sent without its user's knowing.

    Such a page says its origin. And where no key is asked for, its host may by now be a name for
    this machine: so only those count that nobody else can own.
    """
    allowed = settings.mcp_allowed_origins
    if headers.get("origin", "*") not in (*allowed, "*"):
        return HTTPStatus.FORBIDDEN
    ours = [urlsplit(origin).netloc for origin in allowed]
    asks = settings.api_keys{{ ' or settings.oidc_issuer' if 'oidc' in features }}
    if asks or is_local(headers.get("host", "")) or headers["host"] in ours:
        return None
    return HTTPStatus.MISDIRECTED_REQUEST


def is_local(host: str) -> bool:
    """Whether it is an address, or a name without a dot: of this machine, or of its network."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return "." not in name.removesuffix(".localhost") or bool(ip_address(name))
    except ValueError:
        return False


def parsed(message: Any) -> tuple[str, str | int | None, JSONObject]:
    """Returns what is asked, under which id, and the details."""
    match message:
        case {"jsonrpc": "2.0", "method": str(method), **rest}:
            message_id: Any = rest.get("id", 0)
            params = rest.get("params", {})
            is_id = isinstance(message_id, str | int) and not isinstance(message_id, bool)
            if is_id and isinstance(params, dict):
                return method, message_id, params
    raise Refused(INVALID_REQUEST, "This is not one request or notification of JSON-RPC 2.0")


def is_stateless(params: JSONObject, headers: Mapping[str, str]) -> bool:
    """Whether a message is of the protocol since 2026-07-28."""
    version = headers.get(VERSION, "")
    if version in HANDSHAKE:
        return False
    if version not in (STATELESS, ""):
        served = [STATELESS, *HANDSHAKE]
        raise Refused(
            UNSUPPORTED_VERSION, "Unsupported protocol version", supported=served, requested=version
        )
    return version == STATELESS or f"{META}protocolVersion" in meta_of(params)


def agree(method: str, params: JSONObject, headers: Mapping[str, str]) -> None:
    """Checks that a message says what its headers say, by which others may have decided on it."""
    meta = meta_of(params)
    needed = [f"{META}{name}" for name in ("protocolVersion", "clientCapabilities")]
    if missing := [name for name in needed if name not in meta]:
        raise Refused(INVALID_PARAMS, f"params._meta lacks {', '.join(missing)}")
    said = {VERSION: meta[needed[0]], METHOD: method}
    if method == "tools/call":
        said[NAME] = params.get("name")
    for header, value in said.items():
        if decoded(headers.get(header, "")) != value:
            raise Refused(HEADER_MISMATCH, f"The header {header} says another thing")


def meta_of(params: JSONObject) -> JSONObject:
    meta = params.get("_meta")
    return meta if isinstance(meta, dict) else {}


def decoded(header: str) -> str:
    """Returns a header's value, which is encoded where it is not all plain ASCII."""
    match = re.fullmatch(r"=\?base64\?(.*)\?=", header)
    try:
        return base64.b64decode(match[1], validate=True).decode() if match else header
    except ValueError:
        return ""


def described(tool: Tool) -> JSONObject:
    return {
        "name": tool.name,
        "description": tool.description,
        "inputSchema": tool.parameters,
        "annotations": {"readOnlyHint": not tool.writes},
    }


def shown(outcome: Outcome) -> JSONObject:
    content = [{"type": "text", "text": outcome.text}]
    is_object = isinstance(outcome.output, dict)
    structured = {"structuredContent": outcome.output} if is_object else {}
    return {"content": content, "isError": outcome.failed, **structured}


def failure(message_id: str | int | None, refused: Refused) -> JSONObject:
    return {"jsonrpc": "2.0", "id": message_id, "error": refused.error}


def status_of(code: int, *, stateless: bool) -> HTTPStatus:
    """Returns the status of an error; before 2026-07-28, one of the method's own has none."""
    if code == NO_SUCH_METHOD:
        return HTTPStatus.NOT_FOUND if stateless else HTTPStatus.OK
    if code == INVALID_PARAMS and not stateless:
        return HTTPStatus.OK
    return HTTPStatus.BAD_REQUEST

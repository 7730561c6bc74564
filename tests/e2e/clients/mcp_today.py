"""The official SDK for MCP, of the protocol without a handshake and of those with one."""

import asyncio
import sys

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

URL, KEY = sys.argv[1:]


async def main() -> None:
    headers = {"authorization": f"Bearer {KEY}"}
    for mode, version in (("auto", "2026-07-28"), ("legacy", "2025-11-25")):
        async with httpx2.AsyncClient(headers=headers) as http:
            transport = streamable_http_client(f"{URL}/mcp", http_client=http)
            async with Client(transport, mode=mode) as client:
                assert client.protocol_version == version, client.protocol_version
                [tool] = (await client.list_tools()).tools
                assert tool.name == "show_usage"
                assert tool.annotations is not None
                assert tool.annotations.read_only_hint
                result = await client.call_tool("show_usage", {"of": "tokens"})
                assert not result.is_error
                assert result.structured_content["limit"] == 1_000_000
                wrong = await client.call_tool("show_usage", {"of": "money"})
                assert wrong.is_error


asyncio.run(main())

"""The official SDK for MCP of the major version before."""

import asyncio
import sys

from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client

URL, KEY = sys.argv[1:]


async def main() -> None:
    headers = {"authorization": f"Bearer {KEY}"}
    async with (
        streamablehttp_client(f"{URL}/mcp", headers=headers) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        assert (await session.initialize()).protocolVersion == "2025-11-25"
        [tool] = (await session.list_tools()).tools
        assert tool.name == "show_usage"
        result = await session.call_tool("show_usage", {"of": "tokens"})
        assert not result.isError
        assert result.structuredContent["limit"] == 1_000_000
        assert (await session.call_tool("show_usage", {"of": "money"})).isError


asyncio.run(main())

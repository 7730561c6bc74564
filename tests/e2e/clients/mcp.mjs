// The SDK for MCP in TypeScript, which others than its Python one's authors keep.
import assert from "node:assert/strict";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [, , url, key] = process.argv;
const client = new Client({ name: "test", version: "1" });
const requestInit = { headers: { authorization: `Bearer ${key}` } };
await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit }));
const { tools } = await client.listTools();
assert.deepEqual(tools.map(({ name }) => name), ["show_usage"]);
const result = await client.callTool({ name: "show_usage", arguments: { of: "tokens" } });
assert.equal(result.structuredContent.limit, 1_000_000);
const wrong = await client.callTool({ name: "show_usage", arguments: { of: "money" } });
assert.ok(wrong.isError);
await assert.rejects(client.callTool({ name: "send_feedback", arguments: {} }), /no such tool/);
await client.close();

// OpenAI's own client for JavaScript, by its newer API.
import assert from "node:assert/strict";
import { z } from "zod";
import { collect } from "./collect.mjs";

const [, , url, apiKey, sdk] = process.argv;
const { default: OpenAI } = await import(sdk);
const { zodTextFormat } = await import(`${sdk}/helpers/zod`);

const client = new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });
const model = "offline-echo";
const input = "hello world";
const said = "You said: hello world";
const weather = {
  type: "function",
  name: "weather",
  parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false },
  strict: true,
};

const answer = await client.responses.create({ model, input, instructions: "be brief" });
assert.equal(answer.output_text, said);
assert.ok(answer.usage.total_tokens > 0);

const events = await collect(await client.responses.create({ model, input, stream: true }));
assert.equal(events.filter(({ type }) => type === "response.output_text.delta").map(({ delta }) => delta).join(""), said);
assert.equal(events.at(-1).response.output_text ?? said, said);

const final = await client.responses.stream({ model, input }).finalResponse();
assert.equal(final.output_text, said);

const { output } = await client.responses.create({ model, input, tools: [weather] });
assert.equal(output[0].name, "weather");
const result = { type: "function_call_output", call_id: output[0].call_id, output: "sunny" };
const second = await client.responses.create({
  model,
  tools: [weather],
  input: [{ role: "user", content: input }, ...output, result],
});
assert.equal(second.output_text, "You said: sunny");

const invoice = z.object({ number: z.string(), total: z.number() });
const parsed = await client.responses.parse({ model, input, text: { format: zodTextFormat(invoice, "invoice") } });
assert.deepEqual(Object.keys(parsed.output_parsed), ["number", "total"]);

await assert.rejects(client.responses.create({ model, input, previous_response_id: answer.id }), /store: false/);

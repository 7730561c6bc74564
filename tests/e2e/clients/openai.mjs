// OpenAI's own client for JavaScript.
import assert from "node:assert/strict";
import { z } from "zod";
import { collect } from "./collect.mjs";

const [, , url, apiKey, sdk] = process.argv;
const { default: OpenAI } = await import(sdk);
const { zodResponseFormat } = await import(`${sdk}/helpers/zod`);

const client = new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });
const model = "offline-echo";
const messages = [{ role: "user", content: "hello world" }];
const said = "You said: hello world";
const weather = {
  type: "function",
  function: {
    name: "weather",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};

const models = await client.models.list();
assert.deepEqual(models.data.map(({ id }) => id), [model]);

const answer = await client.chat.completions.create({ model, messages });
assert.equal(answer.choices[0].message.content, said);

const stream = await client.chat.completions.create({
  model,
  messages,
  stream: true,
  stream_options: { include_usage: true },
});
const chunks = await collect(stream);
assert.equal(chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta.content ?? "")).join(""), said);
assert.ok(chunks.at(-1).usage.total_tokens > 0);

const called = await client.chat.completions.create({ model, messages, tools: [weather] });
assert.equal(called.choices[0].finish_reason, "tool_calls");
assert.equal(called.choices[0].message.tool_calls[0].function.name, "weather");

const runner = client.chat.completions.runTools({
  model,
  messages,
  tools: [{ ...weather, function: { ...weather.function, parse: JSON.parse, function: ({ city }) => `sunny in ${city}` } }],
});
assert.equal(await runner.finalContent(), "You said: sunny in city");

const invoice = z.object({ number: z.string(), total: z.number() });
const parsed = await client.chat.completions.parse({
  model,
  messages,
  response_format: zodResponseFormat(invoice, "invoice"),
});
assert.deepEqual(Object.keys(parsed.choices[0].message.parsed), ["number", "total"]);

const embedded = await client.embeddings.create({ model, input: ["one", "two"] });
assert.equal(embedded.data.length, 2);
assert.ok(Math.abs(Math.hypot(...embedded.data[0].embedding) - 1) < 1e-6);

const stranger = new OpenAI({ baseURL: `${url}/v1`, apiKey: "guessed", maxRetries: 0 });
await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);

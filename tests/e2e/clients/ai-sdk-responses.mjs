// The AI SDK, with its provider for OpenAI, which speaks the Responses API.
import assert from "node:assert/strict";
import { z } from "zod";
import { collect } from "./collect.mjs";

const [, , url, apiKey, sdk, provider] = process.argv;
const { generateText, Output, stepCountIs, streamText, tool } = await import(sdk);
const { createOpenAI } = await import(provider);

const model = createOpenAI({ baseURL: `${url}/v1`, apiKey })("offline-echo");
const notStored = { openai: { store: false } };
const weather = tool({
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `sunny in ${city}`,
});

const { text, usage } = await generateText({ model, prompt: "hello world" });
assert.equal(text, "Once upon a time");
assert.ok(usage.totalTokens > 0);

const stream = streamText({ model, prompt: "hello world" });
assert.deepEqual(await collect(stream.textStream), ["Once", " upon", " a", " time"]);
assert.equal(await stream.finishReason, "stop");

// As it comes, the SDK sends what the model said as a reference: only thoughts may be left out.
for (const [prompt, providerOptions] of [["call", undefined], ["think and call", undefined], ["speak and call", notStored]]) {
  const loop = streamText({ model, prompt, providerOptions, tools: { weather }, stopWhen: stepCountIs(5) });
  const steps = await loop.steps;
  assert.deepEqual(steps.map(({ finishReason }) => finishReason), ["tool-calls", "stop"], prompt);
  assert.equal(steps[0].toolResults[0].output, "sunny in Rome");
  assert.equal(await loop.text, "Once upon a time");
}

const first = { role: "user", content: "hello world" };
const again = { role: "user", content: "and again" };
const { response } = await generateText({ model, messages: [first] });
const messages = [first, ...response.messages, again];
const second = await generateText({ model, messages, providerOptions: notStored });
assert.equal(second.text, "Once upon a time");
await assert.rejects(generateText({ model, messages, maxRetries: 0 }), /store: false/);

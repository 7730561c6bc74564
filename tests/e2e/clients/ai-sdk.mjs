// The AI SDK, with its provider for whatever speaks OpenAI's API.
import assert from "node:assert/strict";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { embed, generateObject, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import { collect } from "./collect.mjs";

const provider = createOpenAICompatible({
  name: "backend",
  baseURL: `${process.argv[2]}/v1`,
  apiKey: process.argv[3],
  includeUsage: true,
  supportsStructuredOutputs: true,
});
const model = provider("offline-echo");
const prompt = "hello world";
const said = "You said: hello world";
const weather = tool({
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `sunny in ${city}`,
});

const { text, usage } = await generateText({ model, prompt });
assert.equal(text, said);
assert.ok(usage.totalTokens > 0);

const stream = streamText({ model, prompt });
const parts = await collect(stream.textStream);
assert.equal(parts.join(""), said);
assert.ok(parts.length > 1);
assert.equal(await stream.finishReason, "stop");
assert.ok((await stream.usage).totalTokens > 0);

for (const run of [generateText, streamText]) {
  const loop = await run({ model, prompt, tools: { weather }, stopWhen: stepCountIs(5) });
  const steps = await loop.steps;
  assert.deepEqual(steps.map(({ finishReason }) => finishReason), ["tool-calls", "stop"]);
  assert.equal(steps[0].toolResults[0].output, "sunny in city");
  assert.match(await loop.text, /sunny in city/);
}

const invoice = z.object({ number: z.string(), total: z.number() });
const { object } = await generateObject({ model, prompt, schema: invoice });
assert.deepEqual(Object.keys(object), ["number", "total"]);

const { embedding } = await embed({ model: provider.embeddingModel("offline-echo"), value: prompt });
assert.ok(Math.abs(Math.hypot(...embedding) - 1) < 1e-6);

// The AI SDK where the service remembers: its provider for OpenAI, and the messages of its pages.
import assert from "node:assert/strict";

const [, , url, apiKey, sdk, provider] = process.argv;
const { generateText, readUIMessageStream, uiMessageChunkSchema, parseJsonEventStream, validateUIMessages } = await import(sdk);
const { createOpenAI } = await import(provider);

// As it comes, it sends what the model said as a reference to what it believes to be kept.
const model = createOpenAI({ baseURL: `${url}/v1`, apiKey })("offline-echo");
const messages = [{ role: "user", content: "hello" }];
for (const text of ["hello", "and again"]) {
  if (messages.length > 1) messages.push({ role: "user", content: text });
  const { text: said, response } = await generateText({ model, messages, maxRetries: 0 });
  assert.ok(said.startsWith(`You said: ${text}`), said);
  messages.push(...response.messages);
}

// What is kept is what a page was shown, and the SDK takes it back.
const id = `${sdk} ${provider}`;
const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" };
const user = (id, text) => ({ id, role: "user", parts: [{ type: "text", text }] });

async function ask(messages) {
  const response = await fetch(`${url}/api/chat`, { method: "POST", headers, body: JSON.stringify({ id, messages }) });
  assert.equal(response.status, 200, await response.clone().text());
  const chunks = parseJsonEventStream({ stream: response.body, schema: uiMessageChunkSchema });
  const stream = chunks.pipeThrough(new TransformStream({
    transform({ success, value, error }, controller) {
      assert.ok(success, error);
      controller.enqueue(value);
    },
  }));
  const last = messages.at(-1);
  let shown;
  for await (const message of readUIMessageStream({ stream, message: last.role === "assistant" ? last : undefined })) shown = message;
  return shown;
}

const kept = async () => (await (await fetch(`${url}/api/chats/${encodeURIComponent(id)}`, { headers })).json()).messages;
const plain = (value) => JSON.parse(JSON.stringify(value));
const compare = async (list) => {
  const stored = await kept();
  assert.deepEqual(stored, plain(list));
  await validateUIMessages({ messages: stored });
};
const decided = (message, approved) => ({
  ...message,
  parts: message.parts.map((part) =>
    part.state === "approval-requested" ? { ...part, state: "approval-responded", approval: { ...part.approval, approved, reason: "so" } } : part),
});

const list = [];
for (const text of ["hello", "How many requests are left?", "My feedback: good, about its speed", "My feedback: bad, about its speed"]) {
  list.push(user(text, text));
  list.push(await ask(list));
  await compare(list);
  if (!list.at(-1).parts.some(({ state }) => state === "approval-requested")) continue;
  list.push(await ask([...list.slice(0, -1), decided(list.pop(), text.includes("good"))]));
  await compare(list);
}
assert.ok(list.flatMap(({ parts }) => parts).some(({ state }) => state === "output-denied"));

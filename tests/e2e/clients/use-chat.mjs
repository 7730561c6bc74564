// What the AI SDK's `useChat` does, without a browser.
import assert from "node:assert/strict";
import { collect } from "./collect.mjs";

const { DefaultChatTransport, readUIMessageStream } = await import(process.argv[4]);

const transport = new DefaultChatTransport({
  api: `${process.argv[2]}/api/chat`,
  headers: { authorization: `Bearer ${process.argv[3]}` },
});

async function send(messages) {
  const stream = await transport.sendMessages({
    trigger: "submit-message",
    chatId: "chat-1",
    messageId: undefined,
    messages,
    abortSignal: undefined,
  });
  const states = await collect(readUIMessageStream({ stream, terminateOnError: true }));
  assert.ok(states.length > 3, "it came all at once");
  return states.at(-1);
}

function text(message) {
  return message.parts.filter(({ type }) => type === "text").map((part) => part.text).join("");
}

const first = { id: "1", role: "user", parts: [{ type: "text", text: "hello world" }] };
const answer = await send([first]);
assert.equal(answer.role, "assistant");
assert.equal(text(answer), "You said: hello world");

// The answer goes back with the next question, as it was put together here.
const second = { id: "3", role: "user", parts: [{ type: "text", text: "and again" }] };
assert.equal(text(await send([first, answer, second])), "You said: and again");

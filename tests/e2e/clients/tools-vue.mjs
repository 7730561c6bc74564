// Vue's `Chat` of the AI SDK: it shows a call, asks before one that writes, and goes on.
import assert from "node:assert/strict";
import { Chat } from "@ai-sdk/vue";
import { DefaultChatTransport, lastAssistantMessageIsCompleteWithApprovalResponses } from "ai-7";

const [, , url, key] = process.argv;
const errors = [];
const chat = new Chat({
  transport: new DefaultChatTransport({ api: `${url}/api/chat`, headers: { authorization: `Bearer ${key}` } }),
  sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses,
  onError: (error) => errors.push(error),
});
const parts = () => chat.lastMessage.parts.filter(({ type }) => type.startsWith("tool-"));
const text = () => chat.lastMessage.parts.findLast(({ type }) => type === "text").text;

await chat.sendMessage({ text: "How many requests are left?" });
assert.deepEqual(parts().map(({ type, state }) => [type, state]), [["tool-show_usage", "output-available"]]);
for (const [approved, state, said] of [
  [true, "output-available", "You said: The feedback is sent"],
  [false, "output-denied", "You said: The user did not allow this call."],
]) {
  await chat.sendMessage({ text: "My feedback: good, about its speed" });
  const [{ approval }] = parts();
  await chat.addToolApprovalResponse({ id: approval.id, approved });
  while (chat.status !== "ready") await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual([parts()[0].state, text()], [state, said]);
}
assert.deepEqual(errors, []);

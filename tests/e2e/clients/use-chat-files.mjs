// What goes with a question in the AI SDK's `useChat`: an image reaches the model, a film is refused.
import assert from "node:assert/strict";
import { DefaultChatTransport } from "ai";
import { collect } from "./collect.mjs";

const transport = new DefaultChatTransport({
  api: `${process.argv[2]}/api/chat`,
  headers: { authorization: `Bearer ${process.argv[3]}` },
});

function send(mediaType) {
  const url = `data:${mediaType};base64,AAAA`;
  const parts = [{ type: "text", text: "what is it?" }, { type: "file", mediaType, url }];
  return transport.sendMessages({
    trigger: "submit-message",
    chatId: "chat-1",
    messageId: undefined,
    messages: [{ id: "1", role: "user", parts }],
    abortSignal: undefined,
  });
}

await assert.rejects(send("video/mp4"), /The file \(video\/mp4\) cannot be given to the model/);
const chunks = await collect(await send("image/png"));
assert.deepEqual(chunks.at(-1), { type: "finish", finishReason: "stop" });

// A page with the AI SDK's `useChat`, which shows each message, each error, and whether it waits.
import { useChat } from "@ai-sdk/react";
import { DefaultChatTransport } from "ai";
import { createElement, useState } from "react";
import { createRoot } from "react-dom/client";

const asked = new URLSearchParams(location.search);
const transport = new DefaultChatTransport({
  api: `${asked.get("server")}/api/chat`,
  headers: { authorization: `Bearer ${asked.get("key")}` },
});

/** What a person is told: the whole body of a refusal is the error's message. */
function inWords(message) {
  return message.startsWith("{") ? JSON.parse(message).error.message : message;
}

function Chat() {
  const [errors, setErrors] = useState([]);
  const onError = ({ message }) => setErrors((others) => [...others, inWords(message)]);
  window.chat = useChat({ id: "chat-1", resume: true, transport, onError });
  const parts = window.chat.messages.flatMap((message) => message.parts);
  const said = parts.map(({ type, text }) => (type === "text" ? text : `[${type}]`));
  return [window.chat.status, ...said, ...errors, `errors: ${errors.length}`].map((line, index) =>
    createElement("p", { key: index }, line),
  );
}

createRoot(document.body.appendChild(document.createElement("main"))).render(createElement(Chat));

// A page with the AI SDK's `useChat`, which shows the state of each call, and goes on once all is decided.
import { useChat } from "@ai-sdk/react";
import { DefaultChatTransport, lastAssistantMessageIsCompleteWithApprovalResponses } from "ai";
import { createElement, useState } from "react";
import { createRoot } from "react-dom/client";

const asked = new URLSearchParams(location.search);
const transport = new DefaultChatTransport({
  api: `${asked.get("server")}/api/chat`,
  headers: { authorization: `Bearer ${asked.get("key")}` },
});
const sendAutomaticallyWhen = lastAssistantMessageIsCompleteWithApprovalResponses;

function Chat() {
  const [errors, setErrors] = useState([]);
  const onError = ({ message }) => setErrors((others) => [...others, message]);
  const chat = useChat({ transport, onError, sendAutomaticallyWhen });
  const parts = chat.messages.flatMap((message) => message.parts);
  const open = parts.find((part) => part.state === "approval-requested");
  window.chat = chat;
  window.decide = (approved) => chat.addToolApprovalResponse({ id: open.approval.id, approved });
  const shown = parts.map(({ type, text, state }) => (type === "text" ? text : `[${type} ${state}]`));
  return [`status: ${chat.status}`, ...shown, ...errors, `errors: ${errors.length}`].map((line, index) =>
    createElement("p", { key: index }, line),
  );
}

createRoot(document.body.appendChild(document.createElement("main"))).render(createElement(Chat));

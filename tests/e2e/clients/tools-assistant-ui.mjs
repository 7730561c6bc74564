// The same page made of assistant-ui, whose runtime holds the chat: the state of each call, and what was said.
import { AssistantRuntimeProvider, MessagePrimitive, ThreadPrimitive } from "@assistant-ui/react";
import { AssistantChatTransport, useChatRuntime } from "@assistant-ui/react-ai-sdk";
import { lastAssistantMessageIsCompleteWithApprovalResponses } from "ai";
import { createElement } from "react";
import { createRoot } from "react-dom/client";

const asked = new URLSearchParams(location.search);
const transport = new AssistantChatTransport({
  api: `${asked.get("server")}/api/chat`,
  headers: { authorization: `Bearer ${asked.get("key")}` },
});
const sendAutomaticallyWhen = lastAssistantMessageIsCompleteWithApprovalResponses;

const Text = ({ text }) => createElement("p", {}, text);
const Fallback = ({ toolName, status, respondToApproval }) => {
  if (status.type === "requires-action") window.decide = (approved) => respondToApproval({ approved });
  return createElement("p", {}, `[${toolName} ${status.type}]`);
};
const Message = () => createElement(MessagePrimitive.Parts, { components: { Text, tools: { Fallback } } });

function Page() {
  const runtime = useChatRuntime({ transport, sendAutomaticallyWhen });
  window.ask = (text) => runtime.thread.append(text);
  const messages = createElement(ThreadPrimitive.Messages, { components: { Message } });
  return createElement(AssistantRuntimeProvider, { runtime }, messages);
}

createRoot(document.body.appendChild(document.createElement("main"))).render(createElement(Page));

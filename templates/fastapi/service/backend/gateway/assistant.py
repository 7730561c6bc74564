"""Answers a page's chat with the help of tools, as far as the policy and the user go."""

from backend.ai.agent import Agent, Events
from backend.ai.tools import Given
from backend.errors import Conflict
from backend.gateway.approvals import Approvals, decisions
from backend.gateway.policy import admit_chat
from backend.gateway.schemas import UIChatRequest
from backend.gateway.ui_agent import AgentMessageStream
from backend.gateway.ui_messages import answer_id, to_chat


class Assistant:
    """Answers one request of a client's."""

    def __init__(self, agent: Agent, approvals: Approvals, given: Given) -> None:
        self._agent = agent
        self._approvals = approvals
        self._client = given.client
        self._limits = given.limits
        self._settings = given.settings

    async def answer(self, request: UIChatRequest) -> Events:
        """Returns what happens on the way to the answer, once it has begun.

        Raises:
            InvalidRequest: what is approved was not asked for.
            Conflict: it was approved before, or too late, or not everything was decided.
        """
        approved = [each for each in decisions(request.messages[-1]) if each.approved]
        for each in approved:
            self._approvals.check(each.approval_id, self._client, each.call)
            each.part |= {"state": "output-available", "output": ""}  # until it has run
        body = admit_chat(to_chat(request, self._settings.llm_files), self._settings)
        for each in approved:
            if not await self._limits.use_approval(each.approval_id):
                message = "This approval was used before"
                raise Conflict(message, param="messages", code="approval_used")
        return await self._agent.run(body, [each.call for each in approved])

    def telling(self, request: UIChatRequest) -> AgentMessageStream:
        """Returns what tells the page of the answer."""
        denied = [each.call.id for each in decisions(request.messages[-1]) if not each.approved]
        return AgentMessageStream(answer_id(request), denied, self._approvals, self._client)

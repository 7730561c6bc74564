"""Answers a page's chat with the help of tools, as far as the policy and the user go."""

{% if 'history' not in features -%}
from functools import partial

{% endif -%}
from backend.ai.agent import Agent, Events
{%- if 'history' in features %}
from backend.ai.conversations import Conversations
from backend.ai.provider import begun
{%- endif %}
from backend.ai.steps import AgentEvent
from backend.ai.tools import Given
{%- if 'history' in features %}
from backend.gateway.chats import ChatTurn, KeptMessage
from backend.gateway.policy import admit_page
from backend.gateway.schemas import UIChatRequest
from backend.gateway.telling import Telling
{%- else %}
from backend.errors import Conflict
from backend.gateway.approvals import Approvals
from backend.gateway.decisions import decisions
from backend.gateway.policy import admit_page
from backend.gateway.schemas import UIChatRequest
from backend.gateway.telling import Telling
from backend.gateway.ui_agent import AgentMessageStream
from backend.gateway.ui_messages import answer_id, to_chat
{%- endif %}

Answer = tuple[Events, Telling[AgentEvent]]  # what happens, and how that is told


class Assistant:
    """Answers one request of a client's."""
{%- if 'history' in features %}

    def __init__(
        self, agent: Agent, conversations: Conversations, given: Given, system: str
    ) -> None:
        self._agent = agent
        self._system = system
        self._conversations = conversations
        self._settings = given.settings

    def answer(self, request: UIChatRequest) -> Answer:
        """Returns what happens on the way to the answer, once it has begun.

        Raises:
            InvalidRequest: what is approved was not asked for.
            Conflict: it was approved before, or too late, or not everything was decided.
        """
        turn = ChatTurn(request, self._conversations)
        asked = turn.asked(self._settings)
        body = admit_page(asked, self._settings, self._system)
        telling = KeptMessage(turn)
        events = self._agent.run(body, turn.approved)
        return begun(telling.kept(events)), telling
{%- else %}

    def __init__(self, agent: Agent, approvals: Approvals, given: Given, system: str) -> None:
        self._agent = agent
        self._system = system
        self._approvals = approvals
        self._client = given.client
        self._limits = given.limits
        self._settings = given.settings

    def answer(self, request: UIChatRequest) -> Answer:
        """Returns what happens on the way to the answer, once it has begun.

        Raises:
            InvalidRequest: what is approved was not asked for.
            Conflict: it was approved before, or too late, or not everything was decided.
        """
        decided = decisions(request.messages[-1])
        approved = [each for each in decided if each.approved]
        for each in approved:
            self._approvals.check(each.approval_id, self._client, each.call)
            each.part |= {"state": "output-available", "output": ""}  # until it has run
        asked = to_chat(request, self._settings.llm_files)
        body = admit_page(asked, self._settings, self._system)
        for each in approved:
            if not self._limits.use_approval(each.approval_id):
                message = "This approval was used before"
                raise Conflict(message, param="messages", code="approval_used")
        denied = [each.call.id for each in decided if not each.approved]
        ask = partial(self._approvals.request, self._client)
        telling = AgentMessageStream(answer_id(request), denied, ask)
        return self._agent.run(body, [each.call for each in approved]), telling
{%- endif %}

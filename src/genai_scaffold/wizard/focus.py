"""How the choice in focus is shown, among the rows of a prompt with arrow keys."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prompt_toolkit.formatted_text import StyleAndTextTuples
    from questionary import Question as Prompt

CURSOR = "[SetCursorPosition]"  # the style of what questionary puts before the row in focus


def with_focus(prompt: "Prompt", hints: Mapping[str, str]) -> "Prompt":
    """Show the choice in focus in bold and, below all, what it comes to, in room that is kept."""
    from prompt_toolkit.filters import to_filter
    from prompt_toolkit.layout import Window, walk
    from questionary.prompts.common import InquirerControl

    room = max((hint.count("\n") for hint in hints.values()), default=0)
    windows = [part for part in walk(prompt.application.layout.container) if type(part) is Window]
    for window in windows:
        window.wrap_lines = to_filter(True)  # noqa: FBT003 - of a terminal that was made narrower
    [control] = [w.content for w in windows if isinstance(w.content, InquirerControl)]
    # Its own style for a choice is that of what is ticked, or else the default, wherever one is;
    # its own description has a label before it.
    rows: Callable[[], StyleAndTextTuples] = control._get_choice_tokens  # noqa: SLF001

    def tokens() -> "StyleAndTextTuples":
        shown: StyleAndTextTuples = []
        in_focus = False
        for style, text, *_ in rows():
            in_focus = (in_focus or style == CURSOR) and text != "\n"
            shown.append(("class:highlighted" if in_focus and text else style, text))
        if not hints:
            return shown
        hint = hints.get(str(control.get_pointed_at().value), "")
        rest = "\n" * (room - hint.count("\n"))
        return [*shown, ("class:hint", f"\n\n   {hint}{rest}")]

    control.text = tokens
    return prompt

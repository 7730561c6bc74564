"""The standard streams."""

import sys

import pytest

if sys.platform == "win32":
    pytest.skip("Windows has no pseudo-terminals", allow_module_level=True)

import pexpect

READS = """
import sys
from genai_scaffold.system.streams import keys_unseen
with keys_unseen():
    print("now", flush=True)
    key = sys.stdin.readline().strip()
print("then", flush=True)
print(key, sys.stdin.readline())
"""


def test_keys_are_kept_off_the_screen_while_nobody_reads_them() -> None:
    child = pexpect.spawn(sys.executable, ["-c", READS], encoding="utf-8", timeout=60)
    child.expect("now")
    child.sendline("unseen")
    child.expect("then")
    assert (child.before or "").split() == []
    child.sendline("seen")
    child.expect(pexpect.EOF)
    assert (child.before or "").split() == ["seen", "unseen", "seen"]
    child.close()
    assert child.exitstatus == 0

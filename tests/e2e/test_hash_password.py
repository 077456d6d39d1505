"""`-hash-password` on a terminal: what is typed is not shown, and the terminal is left as it was."""

import os
import pty
import select
import subprocess
import termios
import time

import pytest

from proxy import BINARY

SECONDS_MAX = 10
CTRL_C, CTRL_D, BACKSPACE = b"\x03", b"\x04", b"\x7f"


def drained(terminal, until=None):
    """What the terminal shows: up to some words, or all there is."""
    shown = b""
    end = time.monotonic() + SECONDS_MAX
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.1 if until is None else 1)[0]:
            shown += os.read(terminal, 4096)
        elif until is None:
            return shown
        if until is not None and until in shown:
            return shown
    raise AssertionError(f"no {until!r} in {shown!r}")


def typed(answers):
    """Exit status, stdout, what was shown, and whether the terminal is as it was."""
    terminal, ours = pty.openpty()
    try:
        before = termios.tcgetattr(ours)
        process = subprocess.Popen(
            [BINARY, "-hash-password"], stdin=ours, stdout=subprocess.PIPE, stderr=ours, start_new_session=True
        )
        shown = b""
        for question, answer in zip((b"Password: ", b"The same again: "), answers):
            shown += drained(terminal, question)
            os.write(terminal, answer)
        stdout = process.communicate(timeout=SECONDS_MAX)[0]
        shown += drained(terminal)
        return process.returncode, stdout.decode(), shown.decode(), termios.tcgetattr(ours) == before
    finally:
        os.close(terminal)
        os.close(ours)


@pytest.mark.parametrize("answers", [(b"secret\n", b"secret\n"), (b"secrets" + BACKSPACE + b"\n", b"secret\n")])
def test_a_password_is_typed_twice_and_not_shown(answers):
    status, stdout, shown, is_restored = typed(answers)
    assert status == 0 and stdout.startswith("$argon2id$v=19$m=19456,t=2,p=1$") and stdout.count("\n") == 1
    assert shown == "Password: \r\nThe same again: \r\n"
    assert is_restored


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ((b"secret\n", b"secreT\n"), "the two are not the same; try again"),
        ((b"secret" + CTRL_C,), "no password was given"),
        ((CTRL_D,), "no password was given"),
        ((b"secret\n", CTRL_C), "no password was given"),
        ((b"\n",), "the password is empty; type one, or give it as a line on stdin"),
    ],
)
def test_what_goes_wrong_is_said_and_the_terminal_is_left_in_order(answers, said):
    status, stdout, shown, is_restored = typed(answers)
    assert (status, stdout) == (1, "")
    assert shown.endswith(f"mcp-proxy: {said}\r\n") and "secre" not in shown
    assert is_restored

"""Ctrl-C while code is loaded is heard when it is loaded, and never lost."""

import signal

import pytest

from crossdock.interfaces.cli.interrupts import interrupt_held

pytestmark = pytest.mark.usefixtures("at_a_terminal")


def test_an_interrupt_waits_for_the_end_of_the_block() -> None:
    done: list[str] = []

    with pytest.raises(KeyboardInterrupt), interrupt_held():
        signal.raise_signal(signal.SIGINT)
        done.append("loaded")

    assert done == ["loaded"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_interrupts_that_are_ignored_stay_so() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with interrupt_held():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN

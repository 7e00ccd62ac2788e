"""One function for each class."""

from __future__ import annotations

from agent.base.dispatch import Dispatch


def test_a_value_goes_to_the_function_of_its_class_with_the_subject() -> None:
    seen: list[tuple[str, object]] = []
    dispatch: Dispatch[str] = Dispatch()
    dispatch.on(int, lambda subject, value: seen.append((subject, value + 1)))
    dispatch.on(str, lambda subject, value: seen.append((subject, value.upper())))
    dispatch("one", 1)
    dispatch("two", "a")
    assert seen == [("one", 2), ("two", "A")]
    assert dispatch.classes == {int, str}


def test_a_class_without_a_function_is_ignored() -> None:
    dispatch: Dispatch[str] = Dispatch()
    dispatch("nobody", 1.5)
    assert not dispatch.classes

"""Forks of forks: whatever is done to any of them, both twins hold the same, and so does a model."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from support.scope_fields import VALUED, Flags
from support.twins import TEXTS, VALUES, twins


def of(scope: Any) -> dict[str, Any]:
    """What a scope says, comparable between twins."""
    found = {name: getattr(scope, name) for name in VALUED if name != "_base_rings"}
    found["_trace"] = None if scope._trace is None else sorted(scope._trace)
    found["_flags"] = None if scope._flags is None else scope._flags.names
    found["crumbs"] = None if scope._ring is None else [entry[4] for entry in scope._ring.snapshot()]
    found["ring"] = None if scope._ring is None else (scope._ring.capacity, scope._ring.total)
    found["shared"] = scope._ring_shared
    return found


class Scopes(RuleBasedStateMachine):
    """A family of scopes in both twins, and what each of them should say."""

    @initialize()
    def start(self) -> None:
        self.families = [[room.ScopeState("current")] for room in twins("scope_state")]
        self.model: list[tuple[dict[str, Any], list[str]]] = [({}, [])]

    def _pick(self, at: int) -> int:
        return at % len(self.model)

    @rule(at=st.integers(0, 99))
    def fork(self, at: int) -> None:
        at = self._pick(at)
        if len(self.model) < 12:
            for family in self.families:
                family.append(family[at].fork())
            tags, messages = self.model[at]
            self.model.append((dict(tags), list(messages)))

    @rule(at=st.integers(0, 99), key=TEXTS, value=VALUES)
    def set_tag(self, at: int, key: str, value: object) -> None:
        at = self._pick(at)
        for family in self.families:
            family[at].set_tag(key, value)
        self.model[at][0][key] = value

    @rule(
        at=st.integers(0, 99), name=st.sampled_from(sorted(set(VALUED) - {"_tags", "_base_rings"})), which=st.booleans()
    )
    def set_field(self, at: int, name: str, which: bool) -> None:
        at = self._pick(at)
        for family in self.families:
            setattr(family[at], name, VALUED[name][which])

    @rule(at=st.integers(0, 99), names=st.none() | st.tuples(TEXTS))
    def set_flags(self, at: int, names: Any) -> None:
        at = self._pick(at)
        for family in self.families:
            family[at]._flags = None if names is None else Flags(names)

    @rule(at=st.integers(0, 99), message=st.text("abc", max_size=3), capacity=st.sampled_from([3, 3, 3, 2, 5]))
    def add_breadcrumb(self, at: int, message: str, capacity: int) -> None:
        at = self._pick(at)
        for family in self.families:
            family[at]._own_ring(capacity, None).add(1.0, message=message)
        tags, messages = self.model[at]
        self.model[at] = (tags, [*messages, message][-capacity:])

    @rule(at=st.integers(0, 99))
    def clear_breadcrumbs(self, at: int) -> None:
        at = self._pick(at)
        for family in self.families:
            family[at].clear_breadcrumbs()
        self.model[at] = (self.model[at][0], [])

    @rule(at=st.integers(0, 99))
    def clear(self, at: int) -> None:
        at = self._pick(at)
        for family in self.families:
            family[at].clear()
        self.model[at] = ({}, [])

    @rule(at=st.integers(0, 99))
    def trace(self, at: int) -> None:
        at = self._pick(at)
        for family in self.families:
            assert family[at].get_trace_context() is family[at]._trace

    @invariant()
    def they_say_the_same(self) -> None:
        for at, (tags, messages) in enumerate(self.model):
            found = [of(family[at]) for family in self.families]
            assert found[0] == found[1]
            assert found[0]["_tags"] == tags
            assert (found[0]["crumbs"] or []) == messages

    @invariant()
    def the_same_of_them_share(self) -> None:
        shared = [
            [[one._ring is other._ring for other in family] for one in family if one._ring is not None]
            for family in self.families
        ]
        assert shared[0] == shared[1]


@pytest.mark.usefixtures("backend")
def test_forks_of_forks_are_independent() -> None:
    """Whatever is done to them, both twins and the model agree."""
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Scopes,
        settings=settings(max_examples=50, stateful_step_count=25, deadline=None, suppress_health_check=checks),
    )

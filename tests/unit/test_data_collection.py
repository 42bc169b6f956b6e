"""The option data_collection: what is collected, and what is masked."""

from __future__ import annotations

from typing import Any

import pytest

from tocsin import data_collection
from tocsin.options import resolve


def test_without_data_collection_the_older_options_count() -> None:
    """Locals, source lines and personal data follow their own options."""
    options = resolve(None, {"include_local_variables": False, "include_source_context": False})
    assert (options["_local_variables"], options["_context_lines"], options["_user_info"]) == (False, 0, False)
    options = resolve(None, {})
    assert (options["_local_variables"], options["_context_lines"]) == (True, 5)
    assert options["data_collection"]["provided_by_user"] is False
    assert options["event_scrubber"].is_denied("password")


def test_data_collection_overrules_the_older_options() -> None:
    """What it does not name is collected, and the scrubber gives way to its rules."""
    options = resolve(None, {"data_collection": {}, "include_local_variables": False, "include_source_context": False})
    assert (options["_local_variables"], options["_context_lines"], options["_user_info"]) == (True, 5, True)
    assert options["event_scrubber"] is None
    assert options["data_collection"]["provided_by_user"] is True
    assert set(options["data_collection"]) == {*data_collection.KEYS, "provided_by_user"}


@pytest.mark.parametrize(
    ("given_value", "collected", "masks_password", "masks_order"),
    [
        (True, True, None, None),
        (False, False, None, None),
        ({"mode": "off"}, False, None, None),
        ({"mode": "denylist"}, True, True, False),
        ({"mode": "denylist", "terms": ["ORDER"]}, True, True, True),
        ({"mode": "allowlist", "terms": ["order", "password"]}, True, True, False),
        ({"mode": "allowlist"}, True, True, True),
    ],
)
def test_a_rule_for_locals(
    given_value: Any, collected: bool, masks_password: bool | None, masks_order: bool | None
) -> None:
    """A rule masks by term; sensitive terms are masked whatever it allows."""
    options = resolve(None, {"data_collection": {"stack_frame_variables": given_value}})
    rule = options["_local_variables_rule"]
    assert options["_local_variables"] is collected
    if masks_password is not None:
        assert (rule("db_Password"), rule("order_id")) == (masks_password, masks_order)


@pytest.mark.parametrize(("value", "lines"), [(None, 5), (True, 5), (False, 0), (0, 0), (3, 3)])
def test_frame_context_lines(value: object, lines: int) -> None:
    """A number of lines, or whether there are any."""
    assert resolve(None, {"data_collection": {"frame_context_lines": value}})["_context_lines"] == lines


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("frame_context_lines", "3"),
        ("frame_context_lines", -1),
        ("frame_context_lines", [1]),
        ("frame_context_lines", 2.5),
        ("cookies", {"mode": "nope"}),
        ("cookies", {"mode": "denylist", "terms": "x"}),
        ("cookies", "off"),
        ("http_headers", {"response": {}}),
        ("http_headers", "off"),
        ("graphql", {"documents": True}),
        ("user_info", "perhaps"),
        ("http_bodies", "incoming_request"),
        ("local_variables", True),
    ],
)
def test_a_wrong_key_of_data_collection_is_named(key: str, value: object) -> None:
    """A mistake must not collect what was meant to be kept back."""
    with pytest.raises(ValueError, match=rf"data_collection.*{key}"):
        resolve(None, {"data_collection": {key: value}})


def test_a_rule_applied_to_items() -> None:
    """Headers, cookies and parameters are masked by name, or left out."""
    items = {"X-Token": "a", "Accept": "b"}
    assert data_collection.apply_rule({"mode": "off"}, items) == {}
    assert data_collection.apply_rule({"mode": "denylist"}, items) == {"X-Token": "[Filtered]", "Accept": "b"}
    assert data_collection.apply_rule({"mode": "allowlist", "terms": ["x"]}, items) == dict.fromkeys(
        items, "[Filtered]"
    )


def test_personal_headers_are_masked_while_personal_data_is_off() -> None:
    """The forwarding headers tell who somebody is."""
    rule = resolve(None, {})["data_collection"]["http_headers"]["request"]
    assert data_collection.apply_rule(rule, {"X-Forwarded-For": "1.2.3.4"}) == {"X-Forwarded-For": "[Filtered]"}


def test_send_default_pii_is_deprecated_as_in_the_peer() -> None:
    """It works and warns."""
    with pytest.warns(DeprecationWarning, match="data_collection"):
        options = resolve(None, {"send_default_pii": True})
    assert options["_user_info"] is True
    assert not options["event_scrubber"].is_denied("remote_addr")

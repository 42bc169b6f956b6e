"""The figures of `tocsin.stats()`."""

from __future__ import annotations

import pytest

from tocsin.account import Account


def test_an_account_shows_its_figures() -> None:
    """By name, and in its representation."""
    account = Account(10, 5, 2, {"sample_rate": 3})
    assert (account.captured, account.delivered, account.pending, account.dropped) == (10, 5, 2, {"sample_rate": 3})
    assert repr(account) == "Account(captured=10, delivered=5, pending=2, dropped={'sample_rate': 3})"


def test_accounts_are_equal_by_their_figures() -> None:
    """To another account with the same ones, and to nothing else."""
    account = Account(3, 1, 1, {"before_send": 1})
    assert account == Account(3, 1, 1, {"before_send": 1})
    for other in (
        Account(4, 1, 1, {"before_send": 1}),
        Account(3, 2, 1, {"before_send": 1}),
        Account(3, 1, 2, {"before_send": 1}),
        Account(3, 1, 1, {}),
        (3, 1, 1, {"before_send": 1}),
    ):
        assert account != other


def test_an_account_is_no_key() -> None:
    """It holds a dict, so it has no hash; and nobody adds an attribute to it by a slip."""
    with pytest.raises(TypeError):
        hash(Account(0, 0, 0, {}))
    with pytest.raises(AttributeError):
        Account(0, 0, 0, {}).lost = 1  # type: ignore[attr-defined]

"""Passwords of lanes' users, and the broker's hash of them."""

import pytest

from merchantroute_operator.lane_users.password import hashed, is_generated, matches, new_password


def test_each_password_is_another_one_and_is_known_by_its_form() -> None:
    made = {new_password() for _ in range(100)}

    assert len(made) == 100
    assert all(map(is_generated, made))


@pytest.mark.parametrize("text", ["", "hunter2", "x" * 42, "x" * 44, "x" * 42 + "\n", "ä" * 43])
def test_what_somebody_wrote_in_its_place_is_none(text: str) -> None:
    assert not is_generated(text)


def test_the_hash_is_as_rabbitmq_s_documentation_computes_it() -> None:
    """The example of its page on passwords: salt 908D C60A, password test12."""
    assert hashed("test12", bytes.fromhex("908DC60A")) == "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR"


@pytest.mark.parametrize("stored", ["", "no base64!", "kI3G", hashed("another", bytes(4))])
def test_a_password_matches_its_own_hash_and_no_other(stored: str) -> None:
    password = new_password()

    assert matches(password, hashed(password))
    assert hashed(password) != hashed(password), "each hash has a salt of its own"
    assert not matches(password, stored)

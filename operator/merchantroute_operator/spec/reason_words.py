"""Base of the reason enums: CamelCase words with a sentence for people, from which the tables in docs/ are made."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class ReasonWord(StrEnum):
    """CamelCase words; ``sentence`` says what one means and what to do."""

    sentence: str

    def __new__(cls, value: str, sentence: str) -> Self:
        """A member is its word; the sentence goes with it."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        return member

"""Prose in four languages for the press of the faults bench.

Small words of a language between words that there are not, in no order: sentences of a few patterns
would have all articles quote one another, by a rule whose doubtful cases hang on what else is
stored. So two articles have in common what one took over from the other, and nothing else.
"""

from __future__ import annotations

from random import Random

_SYLLABLES = (
    "ba", "cor", "den", "fel", "gor", "hul", "jas", "kem", "lor", "mar", "nis", "ost", "pel", "ras",
    "sol", "tor", "ulm", "ver", "yor", "zan", "bri", "cla", "dro", "fri", "gla", "kro", "tev",
)  # fmt: skip
_SMALL = {
    "en": "the of and to in that was for with as his they at be this from have or by one had not"
    " but what all were when we there can an your which their if will each about how up out"
    " them then she many some so these would other into has more her two like him see time"
    " could no make than",
    "de": "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es"
    " an werden aus er hat dass sie nach wird bei einer um am sind noch wie einem über einen"
    " so zum war haben nur oder aber vor zur bis mehr durch man sein wurde sei hatte kann"
    " gegen vom schon",
    "fr": "de la le et les des en un du une que est pour qui dans par plus pas au sur ne se ce il"
    " sont avec son aux cette ou mais comme nous tout fait être leur ont même si deux bien"
    " sans peut après encore aussi où elle ses dont était entre depuis très sous ainsi quand"
    " vers moins toute",
    "es": "de la que el en y a los se del las un por con no una su para es al lo como más o pero"
    " sus le ha me si sin sobre este ya entre cuando todo esta ser son dos también fue había"
    " era muy años hasta desde está mi porque qué sólo han yo hay vez puede todos así nos ni"
    " parte tiene él uno",
}
_NOTICES = {
    "en": "Correction:",
    "de": "Korrektur:",
    "fr": "Rectificatif :",
    "es": "Corrección:",
}
LANGUAGES = tuple(_SMALL)


class Prose:
    """Sentences of one article."""

    def __init__(self, random: Random, language: str) -> None:
        """Write with a random source, in a language."""
        self._random = random
        self._language = language
        self._small = _SMALL[language].split()

    def word(self) -> str:
        """A word that there is not, one of ten million."""
        return "".join(self._random.choice(_SYLLABLES) for _ in range(5))

    def _sentence(self, length: int) -> str:
        words = [self.word().capitalize()]
        while len(words) < length:
            words += self._random.sample(self._small, self._random.choice((1, 1, 2)))
            words.append(self.word())
        words.insert(length // 2, str(self._random.randint(10_000, 9_999_999)))
        return " ".join(words)

    def sentences(self, count: int) -> tuple[str, ...]:
        """Sentences of some fifteen words."""
        return tuple(f"{self._sentence(self._random.randint(11, 16))}." for _ in range(count))

    def title(self) -> str:
        """A headline."""
        return self._sentence(5)

    def notice(self) -> str:
        """A note of correction."""
        return f"{_NOTICES[self._language]} {self._sentence(12)}."

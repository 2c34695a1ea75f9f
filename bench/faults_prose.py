"""Prose in four languages for the press of the faults bench.

Most words are invented, and nobody bears the names, so that two articles have nothing in common
but short runs of small words: no sentence stands in two of them that was not taken over.
"""

from __future__ import annotations

from random import Random

_SYLLABLES = (
    "ba", "cor", "den", "fel", "gor", "hul", "jas", "kem", "lor", "mar", "nis", "ost", "pel", "ras",
    "sol", "tor", "ulm", "ver", "yor", "zan", "bri", "cla", "dro", "fri", "gla", "kro", "tev",
)  # fmt: skip
# @ is a name, # a number, * another word.
_SENTENCES = {
    "en": (
        "@ told @ that the * of @ had sold # * to the * from @.",
        "After # days @ and @ left @, where a * was still being *.",
        "Nobody in @ believed @ when the * was * by @.",
        "With # * and a * the people of @ went to @, says @.",
        "The * which @ built for @ cost @ more than # *.",
        "Because of the *, @ and @ will not * before @ is *.",
        "@, whose * was found near @, owes # * to @.",
        "Between @ and @ there are # * that @ would like to *.",
    ),
    "de": (
        "@ sagte @, dass die * von @ # * an den * aus @ verkauft habe.",
        "Nach # Tagen verließen @ und @ das * @, wo noch ein * stand.",
        "Niemand in @ glaubte @, als der * von @ * wurde.",
        "Mit # * und einem * gingen die Leute aus @ zu @, sagt @.",
        "Das *, das @ für @ baute, kostete @ mehr als # *.",
        "Wegen des * werden @ und @ nicht *, bevor @ * ist.",
        "@, dessen * bei @ gefunden wurde, schuldet @ noch # *.",
        "Zwischen @ und @ liegen # *, die @ gerne * möchte.",
    ),
    "fr": (
        "@ a dit à @ que la * de @ avait vendu # * au * de @.",
        "Après # jours @ et @ ont quitté @, où un * était encore *.",
        "Personne à @ ne croyait @ quand le * fut * par @.",
        "Avec # * et une * les gens de @ sont allés chez @, dit @.",
        "Le * que @ a construit pour @ a coûté à @ plus de # *.",
        "À cause du *, @ et @ ne vont pas * avant que @ soit *.",
        "@, dont le * fut trouvé près de @, doit # * à @.",
        "Entre @ et @ il y a # * que @ voudrait bien *.",
    ),
    "es": (
        "@ dijo a @ que la * de @ había vendido # * al * de @.",
        "Después de # días @ y @ dejaron @, donde un * seguía *.",
        "Nadie en @ creía a @ cuando el * fue * por @.",
        "Con # * y una * la gente de @ fue a ver a @, dice @.",
        "El * que @ construyó para @ costó a @ más de # *.",
        "Por culpa del *, @ y @ no van a * antes de que @ sea *.",
        "@, cuyo * fue hallado cerca de @, debe # * a @.",
        "Entre @ y @ hay # * que @ quisiera *.",
    ),
}
_TITLES = {
    "en": ("@ and the * of @", "@ loses # * in @"),
    "de": ("@ und das * von @", "@ verliert # * in @"),
    "fr": ("@ et le * de @", "@ perd # * à @"),
    "es": ("@ y el * de @", "@ pierde # * en @"),
}
_NOTICES = {
    "en": "Correction: An earlier version of this article gave a wrong age for @.",
    "de": "Korrektur: In einer früheren Version stand ein falsches Alter von @.",
    "fr": "Rectificatif : une version antérieure de cet article donnait un âge erroné de @.",
    "es": "Corrección: una versión anterior de este artículo daba una edad errónea de @.",
}
LANGUAGES = tuple(_SENTENCES)


class Prose:
    """Sentences of one article."""

    def __init__(self, random: Random, language: str) -> None:
        """Write with a random source, in a language."""
        self._random = random
        self._language = language

    def word(self) -> str:
        """A word that there is not, one of ten million."""
        return "".join(self._random.choice(_SYLLABLES) for _ in range(5))

    def _fill(self, pattern: str) -> str:
        return "".join(map(self._letter, pattern))

    def _letter(self, letter: str) -> str:
        if letter == "@":
            return self.word().capitalize()
        if letter == "#":
            return str(self._random.randint(12, 980))
        return self.word() if letter == "*" else letter

    def sentences(self, count: int) -> tuple[str, ...]:
        """Sentences, two of the same pattern at most now and then."""
        return tuple(
            self._fill(self._random.choice(_SENTENCES[self._language])) for _ in range(count)
        )

    def title(self) -> str:
        """A headline."""
        return self._fill(self._random.choice(_TITLES[self._language]))

    def notice(self) -> str:
        """A note of correction."""
        return self._fill(_NOTICES[self._language])

"""Prose for the simulated newsroom: sentences of a small grammar, in English and German."""

from __future__ import annotations

from random import Random

_SYLLABLES = (
    "ba", "cor", "den", "fel", "gor", "hul", "jas", "kem", "lor", "mar", "nis", "ost", "pel",
    "quin", "ras", "sol", "tor", "ulm", "ver", "wex", "yor", "zan", "bri", "cla", "dro", "fri",
    "gla", "kro",
)  # fmt: skip
_CLAUSES = {
    "en": (
        "After {n} days of silence from {a} and its lawyers, this much is known:",
        "In a letter to {a} that {b} made public, one reads the following.",
        "{b} wrote on page {n} of the {a} papers what many had guessed.",
        "The {a} bank, which lent {b} the money, had asked for it {n} times.",
        "Neither {a} nor {b} would say so, but {n} witnesses agree.",
    ),
    "de": (
        "Nach {n} Tagen Schweigen von {a} und seinen Anwälten ist dies bekannt:",
        "In einem Brief an {a}, den {b} veröffentlichte, liest man das Folgende.",
        "{b} schrieb auf Seite {n} der Akte {a}, was viele geahnt hatten.",
        "Weder {a} noch {b} wollten es sagen, aber {n} Zeugen sind sich einig.",
    ),
}
_THINGS = {
    "en": ("harbour", "railway", "reactor", "bridge", "airport", "hospital", "stadium", "canal",
           "pipeline", "shipyard", "university", "observatory", "factory", "museum"),
    "de": ("Hafen", "Flughafen", "Reaktor", "Bahnhof", "Kanal", "Tunnel", "Staudamm", "Steinbruch"),
}  # fmt: skip
_DEEDS = {
    "en": ("approved", "rejected", "postponed", "defended", "criticised", "financed", "inspected"),
    "de": ("genehmigt", "abgelehnt", "verschoben", "verteidigt", "kritisiert", "finanziert"),
}
_SENTENCES = {
    "en": (
        "The council of {place} has {deed} the new {thing} after {number} hours of debate.",
        "{name}, who leads the opposition in {place}, called the plan for the {thing} premature.",
        "“We will not sign anything before the {thing} has been paid for,” {name} told reporters.",
        "The {thing} is expected to cost {number} million crowns and to open in {year}.",
        "According to a report seen by this newspaper, {number} workers have left the {thing}.",
        "Residents of {place} gathered in front of the {thing} on {day} to hear {name} speak.",
        "A spokesman for the ministry in {place} declined to comment on the {number} complaints.",
        "Engineers found {number} faults during an inspection of the {thing} near {place}.",
        "“It is a bad day for {place} and for everyone who believed in us,” said {name}.",
        "The dispute over the {thing} began in {year}, when {name} moved the office to {place}.",
        "Insurers estimate that the delay costs the region {number} thousand crowns every week.",
        "On {day} the governor of {place} {deed} a proposal that {name} had put forward in {year}.",
        "Trade unions want {number} of the posts at the {thing} to be kept until {year}.",
        "Critics say that the {thing} was {deed} without a survey of the soil around {place}.",
    ),
    "de": (
        "Der Stadtrat von {place} hat den neuen {thing} nach {number} Stunden Debatte {deed}.",
        "„Wir unterschreiben nichts, bevor der {thing} bezahlt ist“, sagte {name} vor Reportern.",
        "Der {thing} soll {number} Millionen Kronen kosten und im Jahr {year} eröffnet werden.",
        "{name}, Chef der Opposition in {place}, nannte den Plan für den {thing} verfrüht.",
        "Einem Bericht zufolge haben {number} Arbeiter den {thing} bei {place} bereits verlassen.",
        "Am {day} versammelten sich Anwohner von {place} vor dem {thing}, um {name} zu hören.",
        "Ein Sprecher des Ministeriums in {place} wollte die {number} Beschwerden nicht bewerten.",
        "Fachleute fanden bei der Prüfung des Bauwerks nahe {place} insgesamt {number} Mängel.",
        "„Das ist ein schlechter Tag für {place} und für alle, die uns glaubten“, sagte {name}.",
        "Der Streit um den {thing} begann {year}, als {name} das Amt nach {place} verlegte.",
        "Versicherer schätzen, dass die Verzögerung jede Woche {number} Tausend Kronen kostet.",
        "Die Gewerkschaften wollen {number} der Stellen am {thing} bis {year} erhalten.",
    ),
}  # fmt: skip
_TITLES = {
    "en": ("{place} {deed} the {thing} plan", "{name} warns {place} over its {thing}",
           "{number} million for the {thing} in {place}", "Why {place} still has no {thing}"),
    "de": ("{place}: Streit um den {thing}", "{name} warnt {place} vor dem {thing}",
           "{number} Millionen für den {thing} in {place}", "Warum der {thing} in {place} fehlt"),
}  # fmt: skip
_DAYS = {
    "en": ("Monday", "Tuesday", "Thursday", "Friday"),
    "de": ("Montag", "Dienstag", "Freitag"),
}
NOTICES = {
    "en": "Correction: An earlier version of this article gave a wrong figure for the {thing}.",
    "de": "Korrektur: In einer früheren Version stand eine falsche Angabe zum {thing}.",
}


class Writer:
    """Writes sentences about one place, one thing and a few people."""

    def __init__(self, random: Random, language: str) -> None:
        """Choose what the article is about."""
        self.random = random
        self.language = language
        self.place = self._word(2) + random.choice(("ham", "berg", "vik", "mouth", "stad"))
        self.thing = random.choice(_THINGS[language])
        self.names = [self._word(3), self._word(2), self._word(3)]

    def _word(self, syllables: int) -> str:
        """A name that nobody bears."""
        return "".join(self.random.choice(_SYLLABLES) for _ in range(syllables)).capitalize()

    def _fill(self, pattern: str) -> str:
        return pattern.format(
            place=self.place,
            thing=self.thing,
            name=self.random.choice(self.names),
            deed=self.random.choice(_DEEDS[self.language]),
            number=self.random.randint(12, 980),
            year=self.random.randint(1990, 2031),
            day=self.random.choice(_DAYS[self.language]),
        )

    def title(self) -> str:
        """A headline."""
        return self._fill(self.random.choice(_TITLES[self.language]))

    def sentence(self) -> str:
        """A sentence, with a clause that no other article has."""
        body = self._fill(self.random.choice(_SENTENCES[self.language]))
        clause = self.random.choice(_CLAUSES[self.language]).format(
            a=self._word(3), b=self._word(2), n=self.random.randint(2, 99)
        )
        return f"{clause} {body}"

    def paragraph(self) -> str:
        """Two or three sentences."""
        return " ".join(self.sentence() for _ in range(self.random.randint(2, 3)))

    def text(self, paragraphs: int) -> str:
        """An article of so many paragraphs."""
        return "\n\n".join(self.paragraph() for _ in range(paragraphs))

    def notice(self) -> str:
        """A note of correction."""
        return self._fill(NOTICES[self.language])

    def other_name(self) -> str:
        """A name that the article does not have."""
        return self._word(3)

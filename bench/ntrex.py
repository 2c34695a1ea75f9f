"""Writes documents of NTREX-128 as JSON lines.

python bench/ntrex.py CHECKOUT DOCS.jsonl OUT.jsonl

CHECKOUT is a clone of github.com/MicrosoftTranslator/NTREX (CC BY-SA 4.0); of it, only the
documents named in DOCS.jsonl are taken, in every language that has an ISO 639-1 code. A second
translation into a language is marked by "translator".
"""

import json
import sys
from pathlib import Path

CODES = {
    "afr": "af", "amh": "am", "arb": "ar", "aze-Latn": "az", "bak": "ba", "bel": "be", "ben": "bn",
    "bod": "bo", "bos": "bs", "bul": "bg", "cat": "ca", "ces": "cs", "cym": "cy", "dan": "da",
    "deu": "de", "div": "dv", "dzo": "dz", "ell": "el", "eng-US": "en", "est": "et", "eus": "eu",
    "ewe": "ee", "fao": "fo", "fas": "fa", "fij": "fj", "fil": "tl", "fin": "fi", "fra": "fr",
    "gle": "ga", "glg": "gl", "guj": "gu", "hau": "ha", "heb": "he", "hin": "hi", "hrv": "hr",
    "hun": "hu", "hye": "hy", "ibo": "ig", "ind": "id", "isl": "is", "ita": "it", "jpn": "ja",
    "kan": "kn", "kat": "ka", "kaz": "kk", "khm": "km", "kin": "rw", "kir": "ky", "kmr": "ku",
    "kor": "ko", "lao": "lo", "lav": "lv", "lit": "lt", "ltz": "lb", "mal": "ml", "mar": "mr",
    "mkd": "mk", "mlg": "mg", "mlt": "mt", "mon": "mn", "mri": "mi", "msa": "ms", "mya": "my",
    "nde": "nd", "nep": "ne", "nld": "nl", "nno": "nn", "nob": "nb", "nya": "ny", "orm": "om",
    "pan": "pa", "pol": "pl", "por": "pt", "pus": "ps", "ron": "ro", "rus": "ru", "sin": "si",
    "slk": "sk", "slv": "sl", "smo": "sm", "sna-Latn": "sn", "snd-Arab": "sd", "som": "so",
    "spa": "es", "sqi": "sq", "srp-Cyrl": "sr", "ssw": "ss", "swa": "sw", "swe": "sv", "tah": "ty",
    "tam": "ta", "tat": "tt", "tel": "te", "tgk-Cyrl": "tg", "tha": "th", "tir": "ti", "ton": "to",
    "tsn": "tn", "tuk": "tk", "tur": "tr", "uig": "ug", "ukr": "uk", "urd": "ur", "uzb": "uz",
    "ven": "ve", "vie": "vi", "wol": "wo", "xho": "xh", "yor": "yo", "zho-CN": "zh", "zul": "zu",
}  # fmt: skip
SECOND = {"fra-CA": "fr", "por-BR": "pt", "spa-MX": "es", "eng-GB": "en", "srp-Latn": "sr"}


def main(checkout: Path, named: Path, out: Path) -> None:
    """Write the documents."""
    wanted = {json.loads(line)["doc"] for line in named.read_text("utf-8").splitlines()}
    ids = (checkout / "DOCUMENT_IDS.tsv").read_text("utf-8").split("\n")
    lines = []
    files = [(name, code, "1") for name, code in CODES.items()]
    files += [(name, code, name) for name, code in SECOND.items()]
    sources = [(checkout / f"NTREX-128/newstest2019-ref.{name}.txt", c, t) for name, c, t in files]
    sources.append((checkout / "NTREX-128/newstest2019-ref-2.spa.txt", "es", "ref-2"))
    for path, code, translator in sources:
        documents: dict[str, list[str]] = {}
        for doc, sentence in zip(ids, path.read_text("utf-8").split("\n"), strict=False):
            if doc.strip() in wanted:
                documents.setdefault(doc.strip(), []).append(sentence.strip())
        for doc, sentences in documents.items():
            row = {"doc": doc, "language": code, "sentences": sentences}
            lines.append(json.dumps(row | {"translator": translator}, ensure_ascii=False))
    out.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))

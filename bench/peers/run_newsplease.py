"""The pages of a WARC by news-please; runs in an environment of its own.

    python run_newsplease.py FILE RESULTS SECONDS

As its own `commoncrawl_extractor` does it: warcio for the records, `NewsPlease.from_warc` for each
answer. What that leaves to the caller is done here: chunks and compression are undone, answers that
are no pages are left out, and images are not fetched. A page in which it fails counts as read.
"""

from __future__ import annotations

import io
import json
import logging
import sys
import time
from collections import Counter
from pathlib import Path

from newsplease import NewsPlease
from warcio.archiveiterator import ArchiveIterator


def main() -> None:
    logging.disable(logging.CRITICAL)
    file, results, limit = sys.argv[1], sys.argv[2], float(sys.argv[3])
    pages, failed = 0, Counter()
    started = time.perf_counter()
    with Path(file).open("rb") as stream, Path(results).open("w", encoding="utf-8") as out:
        for record in ArchiveIterator(stream):
            headers = record.http_headers
            if record.rec_type != "response" or headers.get_statuscode() != "200":
                continue
            if not (headers.get_header("Content-Type") or "").startswith("text/html"):
                continue
            pages += 1
            record.raw_stream = io.BytesIO(record.content_stream().read())
            try:
                article = NewsPlease.from_warc(record, fetch_images=False)
            except Exception as error:  # noqa: BLE001 - whatever a page makes it raise
                failed[type(error).__name__] += 1
            else:
                found = {"url": article.url, "text": article.maintext or ""}
                out.write(json.dumps(found) + "\n")
            if time.perf_counter() - started > limit:
                break
    seconds = time.perf_counter() - started
    print(json.dumps({"pages": pages, "seconds": seconds, "failed": failed}))


if __name__ == "__main__":
    main()

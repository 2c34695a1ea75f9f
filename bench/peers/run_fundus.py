"""A WARC by Fundus's source and scraper for CC-NEWS; runs in an environment of its own.

    python run_fundus.py FILE RESULTS SECONDS

With all publishers that it knows. It loads WARC files by HTTP, so this serves the file on loopback.
"""

from __future__ import annotations

import functools
import json
import sys
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from fundus import PublisherCollection
from fundus.scraping.html import CCNewsSource
from fundus.scraping.scraper import CCNewsScraper


class Handler(SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    def log_message(self, *_arguments: object) -> None:
        pass


def main() -> None:
    file, results, limit = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    handler = functools.partial(Handler, directory=str(file.parent))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    publishers = list(PublisherCollection)
    address = f"http://127.0.0.1:{server.server_port}/{file.name}"
    started = time.perf_counter()
    articles = 0
    scraper = CCNewsScraper(CCNewsSource(*publishers, warc_path=address))
    with Path(results).open("w", encoding="utf-8") as out:
        for article in scraper.scrape("suppress"):
            articles += 1
            found = {"url": article.html.requested_url, "text": str(article.body or "")}
            out.write(json.dumps(found) + "\n")
            if time.perf_counter() - started > limit:
                break
    seconds = time.perf_counter() - started
    told = {"articles": articles, "publishers": len(publishers), "seconds": seconds}
    print(json.dumps(told))


if __name__ == "__main__":
    main()

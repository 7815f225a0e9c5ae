"""A point of sale with an API of its own: it gives ids, wants them back with its ETag, and says errors with a 200."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Answer = tuple[int, dict[str, str], Any]


@dataclass
class StrictPos:
    """What it knows. `busy` is how many creations and confirmations it puts off, `rejects` whether it takes nothing."""

    busy: int = 0
    unavailable: int = 0
    rejects: bool = False
    endpoint: str = ""
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    confirmed: dict[str, int] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, method: str, target: str, headers: Any, body: bytes) -> Answer:
        """Take one request, or refuse it and note why."""
        with self.lock:
            url = urlsplit(target)
            if method == "POST" and url.path == "/v2/orders":
                return self._create(headers, body)
            if method == "PATCH" and url.path.startswith("/v2/stores/"):
                return self._confirm(url.path.split("/")[3:], parse_qs(url.query), headers, body)
            if method == "POST" and url.path == "/form":
                return self._form(headers, body)
            return self._refuse(404, f"{method} {target}")

    def _create(self, headers: Any, body: bytes) -> Answer:
        document = json.loads(body)
        if set(document) != {"reference", "lines", "total"} or not isinstance(document["total"], int):
            return self._refuse(422, f"the order {document}")
        if self.rejects:
            return 200, {}, {"status": "error", "code": "sold-out"}
        if self.busy > 0:
            self.busy -= 1
            return 200, {}, {"status": "busy"}
        number = self.keys.setdefault(headers["Idempotency-Key"], f"p/{len(self.orders) + 1}")
        self.orders[number] = document
        return 201, {"ETag": f'"{number}"'}, {"status": "ok", "data": {"order": {"id": number}}}

    def _confirm(self, parts: list[str], query: dict[str, list[str]], headers: Any, body: bytes) -> Answer:
        number = unquote(parts[2])
        if number not in self.orders or headers["If-Match"] != f'"{number}"':
            return self._refuse(404, f"the id {number}")
        if parts[0] != "store-9" or query != {"of": [self.orders[number]["reference"]]} or json.loads(body) != {"n": 4}:
            return self._refuse(422, f"the confirmation {parts} {query} {body!r}")
        if self.unavailable > 0:
            self.unavailable -= 1
            return 503, {}, {}
        self.confirmed[number] = self.confirmed.get(number, 0) + 1
        return 200, {}, {}

    def _form(self, headers: Any, body: bytes) -> Answer:
        if headers["Content-Type"] != "application/x-www-form-urlencoded":
            return self._refuse(415, headers["Content-Type"])
        form = parse_qs(body.decode(), strict_parsing=True)
        self.orders[form["id"][0]] = form
        return 200, {}, {}

    def _refuse(self, status: int, why: str) -> Answer:
        self.refused.append(why)
        return status, {}, {}


@contextmanager
def strict_pos(**given: Any) -> Iterator[StrictPos]:
    """Serve one."""
    pos = StrictPos(**given)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            status, headers, document = pos.answer(self.command, self.path, self.headers, body)
            data = json.dumps(document).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_PATCH = do_GET = _any  # noqa: N815 - the names that http.server calls

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that http.server has
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    pos.endpoint = f"http://127.0.0.1:{server.server_port}"
    try:
        yield pos
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

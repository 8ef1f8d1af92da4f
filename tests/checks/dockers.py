"""A daemon that speaks as much of Docker's Engine API as the check asks for, over a socket of the machine."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingMixIn, UnixStreamServer

# 1_800_000_000 is 2027-01-15T08:00:00Z.
RUNNING = {
    "Status": "running", "Running": True, "Paused": False, "OOMKilled": False, "ExitCode": 0, "Error": "",
    "StartedAt": "2027-01-15T07:00:00.123456789Z", "FinishedAt": "0001-01-01T00:00:00Z",
}  # fmt: skip
EXITED = {
    **RUNNING,
    "Status": "exited",
    "Running": False,
    "ExitCode": 137,
    "OOMKilled": True,
    "Error": "no space left",
}


def health(status, streak=0):
    log = [{"ExitCode": 1, "Output": "old"}, {"ExitCode": 1, "Output": "connection refused"}]
    return {"Health": {"Status": status, "FailingStreak": streak, "Log": log}}


def told(state, name="web-1"):
    return {"Id": "ab" * 32, "Name": f"/{name}", "State": state, "RestartCount": 2, "Image": "sha256:0123",
            "Config": {"Image": "nginx:1.27"}}  # fmt: skip


class Daemon:
    """What `/_ping`, `/version` and containers answer, and what was asked."""

    def __init__(self, path):
        self.path, self.api, self.containers, self.asked = path, "1.51", {}, []
        self.raw = None

    def answer(self, path):
        """A status, headers and a body."""
        self.asked.append(path)
        if path == "/_ping":
            return 200, {"Api-Version": self.api} if self.api else {}, b"OK"
        if path == "/version":
            return 200, {"Content-Type": "application/json"}, json.dumps({"ApiVersion": self.api}).encode()
        name = path.split("/")[3]
        if name in self.containers:
            return 200, {"Content-Type": "application/json"}, json.dumps(self.containers[name]).encode()
        return 404, {}, json.dumps({"message": f"No such container: {name}"}).encode()


class Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True
    # Who finds the queue full is sent away at once.
    request_queue_size = 128


@contextmanager
def serving(path):
    """A daemon that listens at `path`."""
    served = Daemon(path)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if served.raw is not None:
                served.raw(self.wfile)
                return
            status, headers, body = served.answer(self.path)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def address_string(self):
            return "here"

        def log_message(self, *_):
            """What was asked is in `asked`."""

    with Server(str(path), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield served
        server.shutdown()
        thread.join()

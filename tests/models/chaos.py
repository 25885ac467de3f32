"""Pleach against llmock (PyPI), which speaks the formats of OpenAI, Anthropic and Gemini and breaks them.

    python tests/models/chaos.py PLEACH

llmock sees every attempt and its timing, and gives a verdict of its own: waits that were not kept to,
refusals that were asked again, streams that were cut off and taken for whole.
"""

import concurrent.futures
import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

PLEACH = sys.argv[1]
FLAVOURS = {
    "openai_chat": "",
    "openai_responses": "",
    "anthropic": "/anthropic",
    "gemini": "/gemini",
}


class Server:
    """A llmock of its own: behaviours are taken by whoever asks next."""

    def __enter__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [sys.executable, "-c", "from llmock.cli import app; app()", "serve"]
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port), "--log-level", "error"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + 60
        while True:
            try:
                self.call("/_llmock/scenario")
                return self
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def call(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=data,
            headers={"content-type": "application/json"},
            method="GET" if body is None else "POST",
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                return json.loads(response.read())
        except urllib.error.HTTPError as error:
            raise SystemExit(f"llmock refuses {data}: {error.read()}") from error

    def ask(self, flavour, *more):
        root = f"http://127.0.0.1:{self.port}{FLAVOURS[flavour]}"
        ran = subprocess.run(
            [PLEACH, "debug", "provider", flavour, root, "sk-chaos-0123456789", *more],
            capture_output=True,
            text=True,
            timeout=120,
        )
        return json.loads(ran.stdout.splitlines()[-1])


def fail(status, **more):
    return {"type": "fail", "status": status, **more}


def stream(kind, after, **more):
    return {"type": "stream_fault", "kind": kind, "after_chunks": after, **more}


# What is queued, further arguments, and what must come of it.
CASES = {
    "nothing": ([], [], {"kind": "complete", "finish": "stop"}),
    "a tool": ([], ["--tools"], {"kind": "complete", "finish": "tool"}),
    "a slow start": ([{"type": "slow_first_token", "seconds": 1}], [], {"kind": "complete"}),
    "too many requests, then well": ([fail(429, retry_after=1, times=2)], [], {"kind": "complete"}),
    "busy, then well": ([fail(503, times=1)], [], {"kind": "complete"}),
    "a wrong key": ([fail(401, times=None)], [], {"error": "auth"}),
    "a bad request": ([fail(400, times=None)], [], {"error": "invalid"}),
    "not found": ([fail(404, times=None)], [], {"error": "not_found"}),
    "cut off": ([stream("disconnect", 2, times=None)], [], {"error": "truncated"}),
    "ended early": ([stream("truncate", 2, times=None)], [], {"error": "truncated"}),
    "garbled": ([stream("malformed", 2, times=None)], [], {"error": "malformed"}),
    "hanging": (
        [stream("stall", 2, stall_seconds=20, times=None)],
        ["--idle-seconds", "2"],
        {"error": "timeout"},
    ),
    "broken arguments": (
        [{"type": "tool_fault", "kind": "malformed_arguments"}],
        ["--tools"],
        {"error": "malformed"},
    ),
}


def flavour_is_sound(flavour):
    wrong = []
    with Server() as server:
        for name, (behaviours, more, expected) in CASES.items():
            server.call("/_llmock/reset", {})
            if behaviours:
                server.call("/_llmock/scenario", {"behaviors": behaviours})
            told = server.ask(flavour, *more)
            if any(told.get(key) != value for key, value in expected.items()):
                # Gemini's arguments are an object, so that they cannot be broken JSON.
                if name == "broken arguments" and flavour == "gemini":
                    continue
                wrong.append(f"{flavour}, {name}: {told}")
            for finding in server.call("/_llmock/verdict")["findings"]:
                # It cannot see that a stream was refused, only that nobody asked again: an answer that
                # has begun is on the bill.
                was_refused = told["error"] == "truncated"
                if finding["code"] == "truncated_stream_accepted" and was_refused:
                    continue
                if finding["severity"] == "error":
                    wrong.append(f"{flavour}, {name}: {finding}")
    return wrong


with concurrent.futures.ThreadPoolExecutor() as pool:
    wrong = [line for lines in pool.map(flavour_is_sound, FLAVOURS) for line in lines]
for line in wrong:
    print(line)
print(f"{len(CASES) * len(FLAVOURS)} encounters with llmock, {len(wrong)} of them wrong")
sys.exit(bool(wrong))

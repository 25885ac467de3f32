#!/usr/bin/env python3
"""A session on a disk that is full from the first byte: what can be done without it goes on, and it is said.

    tests/faults/full.py PLEACH

strace refuses, with ENOSPC, what the server's database is written with. An edit lands all the same, the person is
told that nothing is kept, and the session ends by the book.
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

TEXT = "pub fn area(width: u32) -> u32 {\n    width\n}\n"
REFUSED = "pwrite64,pwritev,fsync,fdatasync,fallocate,ftruncate"


class Session:
    def __init__(self, pleach, home):
        command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={REFUSED}",
                   "-e", f"inject={REFUSED}:error=ENOSPC", pleach, "lsp"]
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(home), "XDG_STATE_HOME": str(home / "state")}
        self.process = subprocess.Popen(
            command, cwd=home, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.text, self.version, self.messages, self.ended = TEXT, 1, [], None

    def send(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self.process.stdin.flush()

    def hear(self):
        length = None
        while (line := self.process.stdout.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            length = int(value) if name == b"Content-Length" else length
        if length is None:
            sys.exit("the server ended")
        message = json.loads(self.process.stdout.read(length))
        if message.get("method") == "workspace/applyEdit":
            self.apply(message)
        elif "method" in message and "id" in message:
            self.send({"id": message["id"], "result": None})
        elif message.get("method") == "window/showMessage":
            self.messages.append(message["params"]["message"])
        elif message.get("method") == "pleach/job" and message["params"]["kind"] in ("finished", "failed"):
            self.ended = message["params"]
        return message

    def apply(self, message):
        [change] = message["params"]["edit"]["documentChanges"]
        changes = list(reversed(change["edits"]))
        lines = self.text.splitlines(keepends=True)
        for edit in changes:
            start, end = edit["range"]["start"], edit["range"]["end"]
            assert start == end and start["character"] == 0, edit
            lines.insert(start["line"], edit["newText"])
        self.text, self.version = "".join(lines), self.version + 1
        self.send({"id": message["id"], "result": {"applied": True}})
        self.send({"method": "textDocument/didChange", "params": {
            "textDocument": {"uri": self.uri, "version": self.version},
            "contentChanges": [{"range": edit["range"], "text": edit["newText"]} for edit in changes]}})

    def request(self, number, method, params=None):
        self.send({"id": number, "method": method, **({} if params is None else {"params": params})})
        while (message := self.hear()).get("id") != number or "method" in message:
            pass
        return message


def main():
    pleach = str(Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as home:
        home = Path(home).resolve()
        (home / "a.rs").write_text(TEXT)
        session = Session(pleach, home)
        session.uri = f"file://{home}/a.rs"
        session.request(1, "initialize", {
            "processId": None, "rootUri": f"file://{home}",
            "capabilities": {"workspace": {"applyEdit": True, "workspaceEdit": {"documentChanges": True}}},
            "initializationOptions": {"pleach": {"jobEvents": True}}})
        session.send({"method": "initialized", "params": {}})
        session.send({"method": "textDocument/didOpen", "params": {"textDocument": {
            "uri": session.uri, "languageId": "rust", "version": 1, "text": TEXT}}})
        session.request(2, "workspace/executeCommand", {
            "command": "pleach.document", "arguments": [{"uri": session.uri, "line": 1}]})
        while not session.ended:
            session.hear()
        answer = session.request(3, "pleach/documentText", {"uri": session.uri})
        session.request(4, "shutdown")
        session.send({"method": "exit"})
        code = session.process.wait(timeout=60)
        wrong = []
        if not session.ended.get("landed"):
            wrong.append(f"the edit did not land: {session.ended}")
        if "///" not in session.text or answer["result"]["text"] != session.text:
            wrong.append(f"the texts differ: {session.text!r}, {answer}")
        if not any("cannot be kept" in message for message in session.messages):
            wrong.append(f"it was not said that nothing is kept: {session.messages}")
        if code != 0:
            wrong.append(f"exit code {code}")
        print("a full disk: " + ("the edit landed, it was said, exit 0" if not wrong else "\n".join(wrong)))
        sys.exit(bool(wrong))


if __name__ == "__main__":
    main()

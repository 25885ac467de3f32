"""What the protocol asks of a whole session beyond the shapes of its messages: that everything is answered once, that
progress begins and ends once, and that nothing is sent that the client did not say it understands."""

from lsprotocol import types

from shapes import message_problems, value_problems

BEFORE_INITIALIZED = {"window/showMessage", "window/logMessage", "telemetry/event", "window/showMessageRequest", "$/progress"}

# What a client must have said before it is asked or told so.
NEEDED = {
    "workspace/applyEdit": ["workspace", "applyEdit"],
    "workspace/configuration": ["workspace", "configuration"],
    "workspace/workspaceFolders": ["workspace", "workspaceFolders"],
    "workspace/codeLens/refresh": ["workspace", "codeLens", "refreshSupport"],
    "workspace/diagnostic/refresh": ["workspace", "diagnostics", "refreshSupport"],
    "workspace/inlayHint/refresh": ["workspace", "inlayHint", "refreshSupport"],
    "workspace/semanticTokens/refresh": ["workspace", "semanticTokens", "refreshSupport"],
    "workspace/foldingRange/refresh": ["workspace", "foldingRange", "refreshSupport"],
    "window/showDocument": ["window", "showDocument", "support"],
    "window/workDoneProgress/create": ["window", "workDoneProgress"],
}

# Where the client says that it takes registrations of a method.
REGISTERED = {
    "workspace/didChangeWatchedFiles": ["workspace", "didChangeWatchedFiles", "dynamicRegistration"],
    "workspace/didChangeConfiguration": ["workspace", "didChangeConfiguration", "dynamicRegistration"],
    "workspace/didChangeWorkspaceFolders": ["workspace", "workspaceFolders"],
}

# The shape of the value of `$/progress` that carries work.
WORK = {"begin": types.WorkDoneProgressBegin, "report": types.WorkDoneProgressReport, "end": types.WorkDoneProgressEnd}


def said(capabilities, path):
    for name in path:
        if not isinstance(capabilities, dict):
            return None
        capabilities = capabilities.get(name)
    return capabilities


class Session:
    """Reads a session message by message and gathers what is wrong with what the server said."""

    def __init__(self, has_raw):
        self.has_raw = has_raw  # the client has sent bytes that are not written down
        self.problems = []
        self.capabilities = {}
        self.name = ""
        self.asked = {}  # ids of the client's requests: their messages
        self.answered = set()
        self.asks = {}  # ids of the server's requests that wait: their messages
        self.has_answered_initialize = False
        self.tokens = {}  # tokens of progress: what they wait for
        self.over = set()  # tokens of jobs that have said their last word
        self.versions = {}  # documents: the versions that the client has told

    def wrong(self, text):
        self.problems.append(text)

    def client(self, message):
        method = message.get("method")
        params = message.get("params")
        if method is None:
            ask = self.asks.pop(str(message.get("id")), None)
            if ask is not None and ask["method"] == "window/workDoneProgress/create" and "result" in message:
                self.tokens[ask["params"]["token"]] = "begin"
            return
        if "id" in message:
            self.asked[str(message["id"])] = message
            if isinstance(params, dict) and isinstance(params.get("workDoneToken"), (str, int)):
                self.tokens[params["workDoneToken"]] = "begin"
        document = params.get("textDocument") if isinstance(params, dict) else None
        if method in ("textDocument/didOpen", "textDocument/didChange") and isinstance(document, dict):
            self.versions.setdefault(document.get("uri"), set()).add(document.get("version"))

    def server(self, message):
        method = message.get("method")
        if method is None:
            return self.answer(message)
        self.problems += message_problems(message, method)
        if not self.has_answered_initialize and method not in BEFORE_INITIALIZED:
            self.wrong(f"{method} before the answer to initialize")
        if "id" in message:
            if str(message["id"]) in self.asks:
                self.wrong(f"{method}: the id {message['id']!r} is already on its way")
            self.asks[str(message["id"])] = message
        needed = NEEDED.get(method)
        # Helix shows documents without saying so.
        is_known = method == "window/showDocument" and self.name.startswith("helix")
        if needed is not None and said(self.capabilities, needed) in (None, False) and not is_known:
            self.wrong(f"{method}, and the client did not say {'.'.join(needed)}")
        params = message.get("params")
        if not isinstance(params, dict):
            return
        if method == "$/progress":
            self.progress(params)
        elif method == "pleach/job" and params.get("kind") in ("finished", "failed"):
            self.over.add(f"pleach/job/{params.get('job')}")
        elif method == "client/registerCapability":
            for registration in params.get("registrations", []):
                needed = REGISTERED.get(registration.get("method"))
                if needed is None:
                    parts = registration.get("method", "").split("/")
                    needed = [*parts, "dynamicRegistration"]
                if not said(self.capabilities, needed):
                    self.wrong(f"{registration.get('method')} is registered, and the client did not say {'.'.join(needed)}")
        elif method == "workspace/applyEdit":
            self.edit(params.get("edit") or {}, method)
        elif method == "textDocument/publishDiagnostics":
            self.diagnostics(params)

    def answer(self, message):
        key = str(message.get("id"))
        if message.get("id") is None:
            if "error" not in message:
                self.wrong("an answer to nothing that is no error")
            return
        ask = self.asked.get(key)
        if ask is None:
            return None if self.has_raw else self.wrong(f"an answer to {key}, which nobody asked")
        if key in self.answered:
            self.wrong(f"{ask['method']} ({key}) was answered twice")
        self.answered.add(key)
        method = ask["method"]
        self.problems += message_problems(message, method)
        result = message.get("result")
        if method == "initialize" and "result" in message:
            self.has_answered_initialize = True
            params = ask.get("params") or {}
            self.capabilities = params.get("capabilities") or {}
            self.name = str((params.get("clientInfo") or {}).get("name"))
            self.chosen(result)
        elif method == "textDocument/codeAction" and result:
            for action in result:
                self.action(action)
        elif method == "codeAction/resolve" and result:
            self.action(result)
        elif method == "textDocument/hover" and result:
            formats = said(self.capabilities, ["textDocument", "hover", "contentFormat"]) or []
            contents = result.get("contents")
            if isinstance(contents, dict) and contents.get("kind") == "markdown" and "markdown" not in formats:
                self.wrong("a hover in Markdown, which the client does not show")
        elif method == "textDocument/documentSymbol" and result:
            nested = said(self.capabilities, ["textDocument", "documentSymbol", "hierarchicalDocumentSymbolSupport"])
            if not nested and "selectionRange" in result[0]:
                self.wrong("nested symbols, which the client does not know")
        self.ranges(result, method)

    def chosen(self, result):
        encoding = result.get("capabilities", {}).get("positionEncoding")
        offered = said(self.capabilities, ["general", "positionEncodings"])
        if isinstance(offered, list) and encoding not in (None, "utf-16", *offered):
            self.wrong(f"the position encoding {encoding} was not offered")
        if not isinstance(offered, list) and encoding not in (None, "utf-16"):
            self.wrong(f"the position encoding {encoding}, and none was offered")

    def progress(self, params):
        token, value = params.get("token"), params.get("value")
        kind = value.get("kind") if isinstance(value, dict) else None
        if kind not in WORK:
            return self.wrong(f"progress of an unknown kind: {value!r}")
        self.problems += value_problems(value, WORK[kind], f"$/progress {kind}")
        waits = self.tokens.get(token)
        if waits is None:
            self.wrong(f"progress ({kind}) for the token {token!r}, which nobody made")
        elif waits == "nothing":
            self.wrong(f"progress ({kind}) after the end of {token!r}")
        elif (waits == "begin") != (kind == "begin"):
            self.wrong(f"progress {kind} of {token!r}, which waits for {waits}")
        self.tokens[token] = "nothing" if kind == "end" else "report or end"

    def action(self, action):
        about = f"the action {action.get('title')!r}"
        mine = ["textDocument", "codeAction"]
        if isinstance(action.get("command"), str):
            return
        if not said(self.capabilities, [*mine, "codeActionLiteralSupport"]):
            self.wrong(f"{about} is no command, and the client knows only those")
        for member, capability in (("disabled", "disabledSupport"), ("isPreferred", "isPreferredSupport"), ("data", "dataSupport")):
            if member in action and not said(self.capabilities, [*mine, capability]):
                self.wrong(f"{about} has {member!r}, and the client did not say {capability}")
        if "edit" in action:
            self.edit(action["edit"], about)

    def edit(self, edit, about):
        mine = ["workspace", "workspaceEdit"]
        # Who knows operations on files knows `documentChanges`, where alone they can stand (Neovim says it so).
        knows = said(self.capabilities, [*mine, "documentChanges"]) or said(self.capabilities, [*mine, "resourceOperations"])
        if "documentChanges" in edit and not knows:
            self.wrong(f"{about}: documentChanges, which the client does not know")
        if edit.get("changeAnnotations") and not said(self.capabilities, [*mine, "changeAnnotationSupport"]):
            self.wrong(f"{about}: annotations, which the client does not know")
        for change in edit.get("documentChanges", []):
            if "kind" in change:
                if change["kind"] not in (said(self.capabilities, [*mine, "resourceOperations"]) or []):
                    self.wrong(f"{about}: the operation {change['kind']}, which the client does not do")
                continue
            document = change.get("textDocument", {})
            version = document.get("version")
            if version is not None and version not in self.versions.get(document.get("uri"), set()):
                self.wrong(f"{about}: version {version} of {document.get('uri')}, which the client never had")
            self.apart(change.get("edits", []), about)
        for edits in edit.get("changes", {}).values():
            self.apart(edits, about)

    def apart(self, edits, about):
        """Edits of one document do not overlap."""
        places = sorted((_at(edit["range"]["start"]), _at(edit["range"]["end"])) for edit in edits if "range" in edit)
        for (start, end), (next_start, _) in zip(places, places[1:]):
            if next_start < end:
                self.wrong(f"{about}: edits overlap at {start}..{end}")

    def diagnostics(self, params):
        mine = ["textDocument", "publishDiagnostics"]
        if "version" in params and not said(self.capabilities, [*mine, "versionSupport"]):
            self.wrong("diagnostics with a version, which the client does not know")
        members = {
            "relatedInformation": "relatedInformation",
            "tags": "tagSupport",
            "codeDescription": "codeDescriptionSupport",
            "data": "dataSupport",
        }
        for diagnostic in params.get("diagnostics", []):
            for member, capability in members.items():
                if member in diagnostic and not said(self.capabilities, [*mine, capability]):
                    self.wrong(f"a diagnostic has {member!r}, and the client did not say {capability}")
        self.ranges(params, "diagnostics")

    def ranges(self, value, about):
        """No range ends before it begins."""
        if isinstance(value, dict):
            if {*value} == {"start", "end"} and isinstance(value["start"], dict) and "line" in value["start"]:
                if _at(value["end"]) < _at(value["start"]):
                    self.wrong(f"{about}: a range ends before it begins: {value}")
            for member in value.values():
                self.ranges(member, about)
        elif isinstance(value, list):
            for element in value:
                self.ranges(element, about)

    def end(self, in_order):
        """What must be true when the session has ended by the book."""
        if not in_order:
            return
        for key, message in self.asked.items():
            if key not in self.answered:
                self.wrong(f"{message['method']} ({key}) was never answered")
        # Who leaves while a job runs need not be told of its end.
        for token, waits in self.tokens.items():
            if waits == "report or end" and token in self.over:
                self.wrong(f"the progress {token!r} never ended")


def _at(position):
    return (position["line"], position["character"])

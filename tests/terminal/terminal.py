"""A person at a real editor in a real terminal (tmux), with the real server and a scripted model.

Keys are typed and the screen is read. Nothing here sleeps for a given time: every wait ends as soon as what is waited for
is on the screen or in a file, and fails with the screen when it does not come.
"""
import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import time

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PATIENCE = 30
WIDTH, HEIGHT = 80, 30


TWO = """src/lib.rs
<<<<<<< SEARCH
pub const LOAN_DAYS: u32 = 21;
=======
pub const LOAN_DAYS: u32 = 28;
>>>>>>> REPLACE

src/lib.rs
<<<<<<< SEARCH
    (days_late * per_day).min(1_000)
=======
    (days_late * per_day).min(2_000)
>>>>>>> REPLACE
"""


class Failed(Exception):
    pass


class Terminal:
    """An editor in a terminal of its own, in a copy of the fixture project."""

    def __init__(self, editor, more, first, settings):
        self.home = tempfile.mkdtemp(prefix="pleach-terminal-")
        self.folder = os.path.join(self.home, "shelf")
        self.socket = os.path.join(self.home, "tmux")
        shutil.copytree(os.path.join(REPO, "fixtures/project"), self.folder)
        os.mkdir(os.path.join(self.folder, ".git"))
        config = os.path.join(self.home, "config/pleach")
        state = os.path.join(self.home, "state/pleach")
        for made in (config, state, os.path.join(self.home, "tmp"), os.path.join(self.home, "bin")):
            os.makedirs(made)
        os.symlink(editor.pleach, os.path.join(self.home, "bin/pleach"))
        if not first:
            with open(os.path.join(state, "told"), "w") as told:
                told.write("welcome\noffer of local models\n")
        with open(os.path.join(config, "pleach.toml"), "w") as file:
            file.write(settings)
        self.command_line = editor.prepare(self.home, more)
        self.env = {
            "PATH": os.path.join(self.home, "bin") + ":" + os.environ["PATH"], "TERM": "xterm-256color", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "HOME": self.home,
            "XDG_CONFIG_HOME": os.path.join(self.home, "config"), "XDG_STATE_HOME": os.path.join(self.home, "state"),
            "XDG_DATA_HOME": os.path.join(self.home, "data"), "TMPDIR": os.path.join(self.home, "tmp"),
            "PLEACH_CONFIG_DIR": os.path.join(self.home, "config/pleach"), "PLEACH_STATE_DIR": state,
            # Nobody is at these: what this machine runs is none of the test's business.
            "OLLAMA_HOST": "127.0.0.1:9", "LLAMA_ARG_PORT": "9",
        }

    def tmux(self, *arguments):
        done = subprocess.run(["tmux", "-S", self.socket, "-f", "/dev/null", *arguments], env=self.env, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failed(f"tmux {arguments[0]}: {done.stderr}")
        return done.stdout

    def open(self, name):
        self.begun = time.monotonic()
        self.tmux("new-session", "-d", "-x", str(WIDTH), "-y", str(HEIGHT), "-c", self.folder, f"{self.command_line} {name}")
        self.sees(name.split("/")[-1])

    def keys(self, *keys):
        """Presses keys by tmux's names; text is typed with `types`."""
        self.tmux("send-keys", *keys)

    def types(self, text):
        self.tmux("send-keys", "-l", text)

    def command(self, text):
        """Types a command of Vim, Neovim or Kakoune."""
        self.keys("Escape")
        self.types(":" + text)
        self.keys("Enter")

    def tries(self, what, act, text, patience=2):
        """Does `act` until `text` is on the screen: editors offer nothing while the server is still starting."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            act()
            soon = time.monotonic() + patience
            while time.monotonic() < soon:
                if text in self.screen():
                    return time.monotonic() - self.begun
                time.sleep(0.02)
        raise Failed(f"in vain: {what}\n{self.screen()}")

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def until(self, what, held):
        end = time.monotonic() + PATIENCE
        while True:
            if held():
                return
            if time.monotonic() > end:
                raise Failed(f"in vain: {what}\n{self.screen()}")
            time.sleep(0.02)

    def sees(self, text):
        self.until(f"`{text}` on the screen", lambda: text in self.screen())

    def sees_no(self, text):
        self.until(f"no `{text}` on the screen", lambda: text not in self.screen())

    def read(self, name):
        with open(os.path.join(self.folder, name)) as file:
            return file.read()

    def saves(self, name, what, held):
        self.write()
        self.until(f"{what} in {name}", lambda: held(self.read(name)))

    def write(self):
        self.command("silent write")

    def leave(self):
        self.command("qall!")

    def close(self):
        try:
            self.leave()
            self.until("the end of the editor", lambda: not self.lives())
        finally:
            subprocess.run(["tmux", "-S", self.socket, "kill-server"], capture_output=True)
            shutil.rmtree(self.home, ignore_errors=True)

    def lives(self):
        return subprocess.run(["tmux", "-S", self.socket, "has-session"], capture_output=True).returncode == 0


class Model:
    """A model that gives `reply`."""

    def __init__(self, program, reply, *options):
        self.folder = tempfile.mkdtemp(prefix="pleach-terminal-model-")
        self.log = os.path.join(self.folder, "log")
        reply_file = os.path.join(self.folder, "reply.md")
        with open(reply_file, "w") as file:
            file.write(reply)
        self.process = subprocess.Popen([program, "--reply", reply_file, "--log", self.log, *(option.format(folder=self.folder) for option in options)], stdout=subprocess.PIPE, text=True)
        port = re.search(r"listening on (\d+)", self.process.stdout.readline()).group(1)
        self.settings = f"""engine = "scripted"

[providers.scripted]
base_url = "http://127.0.0.1:{port}/v1"
model = "scripted-model"
"""

    def seen(self):
        return open(self.log).read() if os.path.exists(self.log) else ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Editor:
    """An editor and its scenarios. `prepare` lays out its configuration and gives the command that starts it."""

    def __init__(self, name, prepare, terminal=Terminal):
        self.name, self.prepare, self.terminal = name, prepare, terminal
        self.scenarios = {}

    def scenario(self, reply=None, options=(), more="", first=False):
        """Registers a scenario, which gets a terminal, and with `reply` a model as well."""

        def register(steps):
            def run():
                with contextlib.ExitStack() as stack:
                    model = stack.enter_context(Model(self.fake_model, reply, *options)) if reply else None
                    it = self.terminal(self, more, first, model.settings if model else "")
                    stack.callback(it.close)
                    steps(it, model) if model else steps(it)
                    if "Press ENTER" in it.screen():
                        raise Failed("the editor waits for a key\n" + it.screen())

            self.scenarios[steps.__name__.replace("_", " ")] = run
            return run

        return register

    def main(self, arguments):
        """Runs the scenarios: PLEACH FAKE_MODEL EDITOR [FILTER]. Gives the exit code."""
        self.pleach, self.fake_model, self.program = (os.path.abspath(name) for name in arguments[:3])
        wanted = arguments[3] if len(arguments) > 3 else ""
        chosen = {name: run for name, run in self.scenarios.items() if wanted in name}
        failed = 0
        for name, run in chosen.items():
            begun = time.monotonic()
            try:
                run()
                print(f"passed  {name} ({time.monotonic() - begun:.1f} s)", flush=True)
            except (Failed, AssertionError) as failure:
                failed += 1
                print(f"FAILED  {name}\n{failure}", flush=True)
        print(f"\n{self.name} in a terminal: {len(chosen) - failed} passed, {failed} failed")
        return 1 if failed or not chosen else 0

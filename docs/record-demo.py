#!/usr/bin/env python3
"""Draws docs/demo.svg: what `pleach demo` really prints on a terminal.

Usage: docs/record-demo.py [PLEACH]     (default: target/debug/pleach)
"""
import html
import os
import pty
import re
import subprocess
import sys

COLOURS = {"30": "#666", "31": "#ff6b6b", "32": "#7bd88f", "33": "#f9d976", "34": "#7aa2f7", "35": "#c792ea", "36": "#6fd3e0", "90": "#888"}
LINE, CHAR, PAD = 17, 7.85, 14


def record(program):
    """What the program prints when it writes to a terminal."""
    terminal, inside = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    environment.update(TERM="xterm-256color", COLUMNS="88")
    process = subprocess.Popen([program, "demo"], stdin=subprocess.DEVNULL, stdout=inside, env=environment)
    os.close(inside)
    output = bytearray()
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # how Linux says that the other end is closed
            piece = b""
        if not piece:
            break
        output.extend(piece)
    if process.wait() != 0:
        sys.exit("the demo failed")
    return output.decode().replace("\r\n", "\n")


def spans(line):
    """The pieces of a line with their styles."""
    style = {}
    for codes, text in re.findall(r"(?:\x1b\[([0-9;]*)m)|([^\x1b]+)", line):
        if text:
            yield dict(style), text
            continue
        for code in codes.split(";"):
            if code in ("", "0"):
                style = {}
            elif code == "1":
                style["font-weight"] = "bold"
            elif code == "2":
                style["opacity"] = "0.6"
            elif code in COLOURS:
                style["fill"] = COLOURS[code]


def main():
    text = record(sys.argv[1] if len(sys.argv) > 1 else "target/debug/pleach").rstrip("\n")
    lines = ["\x1b[1m$ cargo run -- demo\x1b[0m"] + text.split("\n")
    width = int(max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in lines) * CHAR + 2 * PAD)
    height = len(lines) * LINE + 2 * PAD
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        f'<rect width="{width}" height="{height}" rx="8" fill="#1b1d23"/>',
        '<g font-family="ui-monospace,Menlo,Consolas,DejaVu Sans Mono,monospace" font-size="13" fill="#d8dbe2" style="white-space:pre">',
    ]
    for number, line in enumerate(lines):
        pieces = "".join(
            "<tspan" + "".join(f' {name}="{value}"' for name, value in style.items()) + f">{html.escape(piece)}</tspan>"
            for style, piece in spans(line)
        )
        parts.append(f'<text x="{PAD}" y="{PAD + (number + 1) * LINE - 4}">{pieces}</text>')
    parts.append("</g></svg>\n")
    with open(os.path.join(os.path.dirname(__file__), "demo.svg"), "w") as file:
        file.write("\n".join(parts))


main()

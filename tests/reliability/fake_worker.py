"""A FAKE worker, hostile on purpose: does what the plan beside it says, whatever the client wants.

A plan is a list of [verb, argument]; see VERBS.
"""

import json
import os
import sys
import time
from pathlib import Path

FOLDER = Path(sys.argv[sys.argv.index("--folder") + 1])
PLAN = Path(sys.argv[sys.argv.index("--weights") + 1]) / "plan.json"


def hello(version):
    say({"type": "hello", "protocol": version, "pid": 1, "python": "3"})


def say(message):
    raw(json.dumps(message))


def raw(text):
    data = text.encode("utf-8", "surrogatepass") + b"\n"
    while data:
        data = data[os.write(1, data):]


def binary(text):
    os.write(1, bytes.fromhex(text))


def hear(count):
    """Waits for so many messages of the client."""
    for _ in range(count):
        if not sys.stdin.readline():
            sys.exit()


def sleep(seconds):
    time.sleep(seconds)


def flood(seconds):
    """Messages without a pause."""
    end, data = time.monotonic() + seconds, b'{"type":"progress","id":1,"stage":"read","share":0.5}\n' * 1000
    while time.monotonic() < end:
        os.write(1, data)


def line(size):
    """One line without an end."""
    for _ in range(size >> 16):
        os.write(1, b"x" * (1 << 16))


def file(plan):
    """A file of so many bytes (of nothing, on no disk), or something else under its name."""
    name, kind = plan
    path = FOLDER / name
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.symlink_to("/etc/passwd")
    else:
        with path.open("wb") as stream:
            stream.write(b"\x89PNG\r\n\x1a\n")
            stream.truncate(kind)


def close(number):
    os.close(number)


def end(code):
    os._exit(code)


VERBS = {verb.__name__: verb for verb in (hello, say, raw, binary, hear, sleep, flood, line, file, close, end)}

if __name__ == "__main__":
    try:
        for verb, argument in json.loads(PLAN.read_text()):
            VERBS[verb](argument)
        time.sleep(60)
    except OSError:
        sys.exit("The client has gone, or the plan has closed the pipe.")

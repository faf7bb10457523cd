"""`python demo/guard.py COMMAND...`: run a command whose whole process group dies when the starter of this guard does.

Standard input is a pipe that the starter never writes to. It ends when the starter has gone, however it went, kill -9
included; then everything in the group is killed, this guard too. Standard library only: it starts fast.
"""

import os
import signal
import subprocess
import sys
import threading


def main(words: list[str]) -> int:
    """Run the command; gives its exit code, 128 and the signal's number where a signal ended it, as a shell does."""
    # Ctrl-C is meant for the command. A handler, unlike SIG_IGN, is not inherited by it.
    signal.signal(signal.SIGINT, _leave_to_the_command)
    try:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL)
    except OSError as failure:
        sys.stderr.write(f"{words[0]} cannot be started: {failure.strerror}\n")
        return 127
    threading.Thread(target=_watch, daemon=True).start()
    code = process.wait()
    return code if code >= 0 else 128 - code


def _leave_to_the_command(*_: object) -> None:
    pass


def _watch() -> None:
    os.read(0, 1)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

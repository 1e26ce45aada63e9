"""The entry point: refuses Pythons that are too old, answers ``--version``, and leaves the rest to `mmcheck.cli`.

Like the package's ``__init__`` it must stay readable by older Pythons, hence types in comments.
"""

import sys

OLDEST = (3, 11)


def main(arguments=None):  # type: (list[str] | None) -> int
    """Run the command line and return its exit code."""
    if sys.version_info < OLDEST:
        text = "mmcheck needs Python %d.%d or newer, and this is Python %d.%d (%s)\n"
        sys.stderr.write(text % (OLDEST + tuple(sys.version_info[:2]) + (sys.executable,)))
        return 2
    if arguments is None:
        arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"]):
        from mmcheck._version import __version__

        try:
            sys.stdout.write("mmcheck " + __version__ + "\n")
            sys.stdout.flush()
            return 0
        except (AttributeError, OSError, ValueError):
            pass  # the stream is closed or full: what to say then is known below
    from mmcheck.cli import run

    return run(arguments)


def command():  # type: () -> int
    """The console script: `main` in a process of its own, which needs no garbage collected but while it is at work."""
    if sys.version_info < OLDEST:
        return main()
    import gc

    # Most of what a run makes lives to its end; a fifth of a short run was garbage collection.
    gc.set_threshold(100000, 50, 100)
    if sys.argv[1:2] == ["litmus"]:
        gc.disable()  # what a test leaves behind is in no circles
    try:
        return main()
    except KeyboardInterrupt:  # before anything has begun
        return 130
    finally:
        gc.freeze()  # nothing is searched when Python ends


if __name__ == "__main__":
    sys.exit(command())

"""Every figure that the project promises. Exit code 1 if one is missed."""

from __future__ import annotations

import sys

import herd_suite
import interrupts
import many_tests
import ring
import specifications
import startup
import virtqueue


def main() -> int:
    good = [bench.main() for bench in (startup, virtqueue, herd_suite, ring, interrupts, specifications, many_tests)]
    print("all limits are kept" if all(good) else "some limit is missed")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())

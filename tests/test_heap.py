"""Large blocks go back to the system, also after larger ones were freed."""

import platform
import subprocess
import sys

import pytest

HOLES = """
import resource

from ingest.heap import give_back_large_blocks

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() // 2**20

if {told}:
    assert give_back_large_blocks(from_bytes=256 * 1024)
del (largest := [bytes(24 * 2**20)])[:]  # glibc would map none up to this size any more
before = resident()
kept = []
blocks = []
for _ in range(40):
    blocks.append(b"x" * 2**20)
    kept.append(b"y" * 2000)
del blocks[:]
print(resident() - before)
"""


def mib_left(*, told):
    ran = subprocess.run(
        [sys.executable, "-c", HOLES.format(told=told)], check=True, capture_output=True, text=True
    )
    return int(ran.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators map large blocks")
def test_what_is_freed_between_what_is_kept_goes_back():
    assert mib_left(told=True) < 3
    assert mib_left(told=False) > 10

"""A clock that is off for one program and all that it starts: a library before the C library, made on the spot."""

import shutil
import subprocess
from pathlib import Path

import pytest

SOURCE = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static long off(void) { const char *text = getenv("CLOCK_OFF_BY"); return text ? atol(text) : 0; }

int clock_gettime(clockid_t which, struct timespec *now) {
    int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(which, now);
    if (!failed && which == CLOCK_REALTIME) now->tv_sec += off();
    return failed;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *now, void *zone) {
    struct timespec exact;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}
"""


def shifted_clock(folder: Path, seconds: int) -> dict[str, str]:
    """The environment under which a program's clock is ahead by so many seconds; skips where nothing compiles it."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("this machine has no C compiler to make a clock that is off")
    (folder / "clock.c").write_text(SOURCE, "utf-8")
    library = folder / "clock.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-w", "-o", str(library), str(folder / "clock.c"), "-ldl"]
    subprocess.run(command, check=True, capture_output=True)
    return {"LD_PRELOAD": str(library), "CLOCK_OFF_BY": str(seconds)}

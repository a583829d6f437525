#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The repository as a whole: licence lines, file sizes, words and paths that do not belong here,
suppressions without a reason, and shellcheck on every script."""

import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPDX = "SPDX-License-Identifier: Apache-2.0"
CODE = {".c", ".h", ".py", ".sh", ".bash", ".cmake", ".in"}
MAX_LINES = 600
LONG_FILES = {  # path: why it may be longer
    "LICENSE": "the licence text",
}
SKIP = {"LICENSE", "tests/lint/check_repo.py"}
FORBIDDEN = [  # (pattern, why)
    (re.compile(r"\b(TODO|FIXME|XXX|HACK)\b"), "finish it or leave it out"),
    (re.compile(r"(?<![\w.$}])/(work|root|home/\w+)/"), "a path of one machine"),
    (re.compile(r"https?://[\w.-]*(debian|pypi|npm)[\w.-]*"),
     "the package sources of the system are used, whatever they are"),
    (re.compile(r"NOLINT\w*(\([^)]*\))?(?!\w|\(|:\s*\w)"), "a suppression gives its reason: NOLINT(check): why"),
    (re.compile(r"cppcheck-suppress \S+\s*(\*/)?\s*$"), "a suppression gives its reason"),
]


def files():
    try:
        out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True,
                             capture_output=True, text=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):  # a tarball: everything but the build folder
        out = [str(p.relative_to(ROOT)) for p in ROOT.rglob("*") if "build" not in p.parts[:1]]
    return sorted(f for f in set(out) if (ROOT / f).is_file() and not f.startswith("build/"))


def check_text(path, text, complain):
    lines = text.splitlines()
    kind = pathlib.PurePath(path)
    if kind.suffix in CODE or kind.name == "CMakeLists.txt" or text.startswith("#!"):
        if not any(SPDX in line for line in lines[:2]):
            complain(path, f"the first line is not: {SPDX}")
    if len(lines) > MAX_LINES and path not in LONG_FILES and "/corpus/" not in path:
        complain(path, f"{len(lines)} lines, {MAX_LINES} are allowed: split it, or give the reason in LONG_FILES")
    if path in SKIP or "/corpus/" in path:
        return
    for number, line in enumerate(lines, 1):
        for pattern, why in FORBIDDEN:
            found = pattern.search(line)
            if found:
                complain(f"{path}:{number}", f"{found.group()!r}: {why}")
        if kind.suffix in CODE and line != line.rstrip():
            complain(f"{path}:{number}", "space at the end of the line")


def shellcheck(paths, complain):
    if not shutil.which("shellcheck"):
        print("repo: shellcheck is not installed, scripts were not checked")
        return
    scripts = [p for p in paths if p.endswith(".sh") or
               (ROOT / p).read_bytes()[:40].startswith((b"#!/usr/bin/env bash", b"#!/bin/sh", b"#!/bin/bash"))]
    if scripts:
        # 1091: sourced files are checked themselves; 2016: single quotes around $ are meant.
        done = subprocess.run(["shellcheck", "-x", "-e", "SC1091,SC2016", *scripts], cwd=ROOT, check=False,
                              capture_output=True, text=True)
        if done.returncode != 0:
            complain("shellcheck", done.stdout + done.stderr)


def main():
    problems = []

    def complain(where, text):
        problems.append(f"{where}: {text}")

    paths = files()
    for path in paths:
        try:
            check_text(path, (ROOT / path).read_text(), complain)
        except UnicodeDecodeError:
            if not path.startswith("tests/"):
                complain(path, "is not UTF-8 text")
    shellcheck(paths, complain)
    print("\n".join(problems) or f"repo: {len(paths)} files in order")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

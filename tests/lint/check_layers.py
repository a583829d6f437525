#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Layers: who may include whom, which file may use which library, and what only the machine may call.

The rules are the tables of layers.py; the linker enforces the same directions."""

import pathlib
import re
import sys

from layers import (CLOCK, EXTERNAL, EXTERNAL_FILES, FILES, LAYERS, LAYERS_FILES, LIBC, LIBRARIES,
                    PURE, SYSTEM, SYSTEM_FOLDERS)

ROOT = pathlib.Path(__file__).resolve().parents[2]


def words(names):
    return re.compile(r"(?<![\w.>])(" + "|".join(names.split()) + r")\s*(?=\()")


CLOCK_RE, PURE_RE = words(CLOCK), words(PURE)
FILES_RE = re.compile(words(FILES).pattern + r"|\b(CURLOPT_CAINFO|CURLOPT_CAPATH)\b(?!\s*,\s*NULL)")
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)
TEXT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def blank(match):
    return "".join("\n" if c == "\n" else " " for c in match.group())


def external_allowed(path, folder, header):
    if header in LIBC or re.fullmatch(EXTERNAL.get(folder, "(?!)"), header):
        return True
    if re.fullmatch(EXTERNAL_FILES.get(path, "(?!)"), header):
        return True
    return (folder in SYSTEM_FOLDERS and not re.fullmatch(LIBRARIES, header)
            and re.fullmatch(SYSTEM, header) is not None)


def check_file(path, folder, text, complain):
    includes = []
    for kind, header in INCLUDE.findall(text):
        if kind == "<":
            if not external_allowed(path, folder, header):
                complain(path, f"<{header}> is not for this file; see EXTERNAL in tests/lint/layers.py")
            continue
        target = str(pathlib.PurePosixPath(header).parent)
        if header == "version.h" and folder in ("reconciler", "reconciler/cli", "backends/sim"):
            continue
        if not (ROOT / header).exists():
            complain(path, f'"{header}" does not exist; write includes from the root of the repository')
        elif target != folder and target not in LAYERS[folder] | LAYERS_FILES.get(path, set()):
            complain(path, f'"{header}": {folder} may not see {target}')
        includes.append(header)
    code = TEXT.sub(blank, text)
    rules = []
    if folder not in ("backends/rt", "backends/sim"):
        rules += [(CLOCK_RE, "time is an argument; clock and environment are backends/rt's"),
                  (FILES_RE, "files are touched through backends/rt/disk.h alone")]
    if folder == "reconciler/core":
        rules.append((PURE_RE, "the core decides; it does nothing"))
    for pattern, why in rules:
        for match in pattern.finditer(code):
            line = code.count("\n", 0, match.start()) + 1
            complain(f"{path}:{line}", f"{match.group().strip()}: {why}")
    return includes


def find_cycle(graph):
    state = {}  # absent: new, 1: on the path, 2: done

    def visit(node, path):
        state[node] = 1
        for following in graph.get(node, ()):
            if state.get(following) == 1:
                return path[path.index(following):] + [following]
            if following not in state:
                cycle = visit(following, path + [following])
                if cycle:
                    return cycle
        state[node] = 2
        return None

    return next((c for n in sorted(graph) if n not in state for c in [visit(n, [n])] if c), None)


def main():
    problems, graph = [], {}
    for file in sorted(p for top in ("spec", "backends", "hooks", "reconciler") for p in (ROOT / top).rglob("*.[ch]")):
        path = str(file.relative_to(ROOT))
        folder = str(file.parent.relative_to(ROOT))
        if folder not in LAYERS:
            problems.append(f"{path}: folder {folder} has no row in LAYERS of tests/lint/layers.py")
            continue
        graph[path] = check_file(path, folder, file.read_text(), lambda w, t: problems.append(f"{w}: {t}"))
    cycle = find_cycle(graph)
    if cycle:
        problems.append("include cycle: " + " -> ".join(cycle))
    print("\n".join(problems) or f"layers: {len(graph)} files in order")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The JSON Schema agrees with the program: every example is valid for both, and what validate refuses
for its shape, the schema refuses, too."""
import copy
import glob
import json
import os
import subprocess
import sys
import tempfile

import jsonschema
import yaml

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))
CERTLOOP = os.environ.get("CERTLOOP", os.path.join(ROOT, "build/dev/certloop"))


class Yaml12(yaml.SafeLoader):
    """Times and yes/no stay words, as in the specs."""


Yaml12.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag in (
        "tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:null",
        "tag:yaml.org,2002:merge")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}
Yaml12.add_implicit_resolver("tag:yaml.org,2002:bool",
                             __import__("re").compile("^(true|false)$"), list("tf"))


def schema(*kind):
    text = subprocess.run([CERTLOOP, "schema", *kind], check=True, capture_output=True).stdout
    loaded = json.loads(text)
    jsonschema.Draft7Validator.check_schema(loaded)
    return jsonschema.Draft7Validator(loaded)


def accepted_by_program(document):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as out:
        yaml.safe_dump(document, out)
        out.flush()
        done = subprocess.run([CERTLOOP, "validate", out.name], capture_output=True, text=True)
    return done.returncode == 0, done.stdout + done.stderr


def fail(text):
    print(f"FAIL: {text}")
    sys.exit(1)


def examples():
    for path in sorted(glob.glob(os.path.join(ROOT, "examples/specs/*.yaml"))):
        with open(path, encoding="utf-8") as file:
            for document in yaml.load_all(file, Loader=Yaml12):
                if document is not None:
                    yield os.path.basename(path), document


def spoiled():
    """Changes of shape, each of which both must refuse."""
    good = {"apiVersion": "certloop/v1", "kind": "Certificate", "metadata": {"name": "a"},
            "spec": {"dnsNames": ["a.example.com"], "issuerRef": {"name": "i"}}}
    yield "good", good, True

    def change(what, *path_and_value):
        *path, value = path_and_value
        document = copy.deepcopy(good)
        at = document
        for key in path[:-1]:
            at = at.setdefault(key, {})
        at[path[-1]] = value
        return what, document, False

    yield change("an unknown field", "spec", "dnsName", ["a"])
    yield change("a list that is a text", "spec", "ipAddresses", {"a": "b"})
    yield change("an unknown word", "spec", "privateKey", "algorithm", "DSA")
    yield change("a number out of bounds", "spec", "renewBeforePercentage", 1000)
    yield change("no duration", "spec", "duration", "soon")
    yield change("a word for a boolean", "spec", "suspend", "yes")
    yield change("an unknown kind", "kind", "Certificat")
    yield change("no name", "metadata", {})
    yield change("an unknown key far down", "spec", "outputs", [{"directory": "/srv/a", "own": "x"}])


def main():
    every = schema()
    n = 0
    for name, document in examples():
        errors = [e.message for e in every.iter_errors(document)]
        if errors:
            fail(f"{name}: the schema refuses an example: {errors[0][:300]}")
        n += 1
    if n < 15:
        fail(f"only {n} examples were found")
    with open(os.path.join(ROOT, "examples/config.yaml"), encoding="utf-8") as file:
        schema("Configuration").validate(yaml.load(file, Loader=Yaml12))
    for kind in ("certificate", "Issuer", "ClusterIssuer"):
        schema(kind)
    for what, document, good in spoiled():
        program, text = accepted_by_program(document)
        by_schema = every.is_valid(document)
        if program != good or by_schema != good:
            fail(f"{what}: program says {program}, schema says {by_schema}\n{text}")
    print(f"{n} examples are valid, and what is spoiled is refused by both")


main()

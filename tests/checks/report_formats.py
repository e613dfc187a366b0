#!/usr/bin/python3
"""Holds SARIF and JUnit reports against the schemas of those who read them.

Usage: report_formats.py PROGRAM SARIF_SCHEMA MODEL...
SARIF by the full schema of 2.1.0; JUnit by the elements and attributes that Jenkins takes (its xunit
plugin, junit-10). Within and beyond limits, one model and several, one that cannot be certified.
Exits 77 where jsonschema is missing (Debian: python3-jsonschema).
"""
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

try:
    import jsonschema
except ImportError as missing:
    print(f"skipped: {missing} (Debian package python3-jsonschema)")
    sys.exit(77)

# element: (children, attributes that it must have, attributes that it may have)
JENKINS = {
    "testsuites": ({"testsuite"}, set(), {"name", "time", "tests", "failures", "errors"}),
    "testsuite": (
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
        {"name", "tests", "failures", "errors"},
        {"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"},
    ),
    "testcase": (
        {"skipped", "error", "failure", "system-out", "system-err"},
        {"name"},
        {"time", "classname", "group"},
    ),
    "properties": ({"property"}, set(), set()),
    "property": (set(), {"name", "value"}, set()),
    "failure": (set(), set(), {"type", "message"}),
    "error": (set(), set(), {"type", "message"}),
}


def junit_violations(element):
    children, required, allowed = JENKINS[element.tag]
    found = set(element.attrib)
    violations = [f"{element.tag} lacks {name}" for name in required - found]
    violations += [f"{element.tag} has {name}" for name in found - required - allowed]
    for child in element:
        if child.tag in children:
            violations += junit_violations(child)
        else:
            violations.append(f"{element.tag} holds {child.tag}")
    return violations


def counts_agree(suite):
    cases = suite.findall("testcase")
    return (
        int(suite.get("tests")) == len(cases)
        and int(suite.get("failures")) == sum(case.find("failure") is not None for case in cases)
        and int(suite.get("errors")) == sum(case.find("error") is not None for case in cases)
    )


def check(program, validator, arguments, folder):
    sarif_file = os.path.join(folder, "report.sarif")
    junit_file = os.path.join(folder, "report.xml")
    command = [program, "certify", *arguments, "--quiet", "--sarif", sarif_file, "--junit", junit_file]
    code = subprocess.run(command, capture_output=True, check=False).returncode
    with open(sarif_file, encoding="utf-8") as file:
        sarif = json.load(file)
    problems = [error.message for error in validator.iter_errors(sarif)]
    root = xml.parse(junit_file).getroot()
    problems += junit_violations(root)
    problems += [f"counts of {suite.get('name')}" for suite in root if not counts_agree(suite)]
    findings = len(sarif["runs"][0]["results"])
    if code not in (0, 1, 2) or (code != 2 and (code == 1) != (findings > 0)):
        problems.append(f"exit code {code}, {findings} results")
    return problems


def main():
    program, schema_file, *models = sys.argv[1:]
    with open(schema_file, encoding="utf-8") as file:
        schema = json.load(file)
    validator = jsonschema.Draft4Validator(schema)
    if validator.is_valid({"version": "2.1.0"}) or not junit_violations(xml.Element("testcase", {"x": "1"})):
        sys.exit("a violation is not found")
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        broken = os.path.join(folder, 'broken <&>"\'.h5')
        with open(broken, "wb") as file:
            file.write(b"no model")
        runs = [[model, *limits] for model in models for limits in ([], ["--max-spectral-norm", "1e-9"])]
        runs += [models, [*models, "--max-lipschitz", "1e-9"], [broken, *models]]
        for arguments in runs:
            for problem in check(program, validator, arguments, folder):
                print(f"certify {' '.join(arguments)}: {problem}")
                failed = True
    sys.exit(1 if failed else 0)


main()

"""What `make audit` makes of pip-audit's answers; a fake one on PATH gives them."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / ".ci" / "audit.py"
_spec = importlib.util.spec_from_file_location("audit", SCRIPT)
audit = importlib.util.module_from_spec(_spec)
sys.modules["audit"] = audit
_spec.loader.exec_module(audit)

VULN = {"id": "PYSEC-2099-1", "aliases": ["CVE-2099-1", "GHSA-x"], "fix_versions": ["1.2"]}


def fine(name="lxml", **more):
    return {"name": name, "version": "1.1", "vulns": [], **more}


def skipped(name):
    return {"name": name, "skip_reason": f"Dependency not found on PyPI: {name}"}


def report(*packages):
    return json.dumps({"dependencies": packages, "fixes": []})


def traceback(last):
    return f"Traceback (most recent call last):\n  File 'x', line 1, in <module>\n{last}\n"


UNREACHABLE = [
    pytest.param(
        traceback(
            "requests.exceptions.ProxyError: HTTPSConnectionPool(host='service.test', port=443)"
        ),
        id="no way out",
    ),
    pytest.param(traceback("requests.exceptions.ReadTimeout: timed out"), id="silence"),
    pytest.param(traceback("requests.exceptions.JSONDecodeError: line 1"), id="a login page"),
    pytest.param(traceback("pip_audit._service.interface.ServiceError"), id="an answer of 503"),
    pytest.param(
        "ERROR:pip_audit._cli:Could not connect to PyPI's vulnerability feed\n"
        "ERROR:pip_audit._cli:Tip: your network may be blocking this service.\n",
        id="pip-audit's own words",
    ),
]


def judged(exit_code, output, errors="", **accepted):
    return audit.judge(exit_code, output, errors, accepted=accepted)


def test_versions_without_a_known_vulnerability_pass():
    done = judged(0, report(fine(), fine("numpy")))
    assert (done.failed, done.lines) == (False, ("audit: passed: 2 packages",))


def test_a_vulnerability_fails_with_its_ids_and_the_version_that_mends_it():
    done = judged(1, report(fine(vulns=[VULN]), fine("numpy")))
    assert done.failed
    assert done.lines == ("audit: lxml 1.1: PYSEC-2099-1 = CVE-2099-1 = GHSA-x; fixed in 1.2",)


def test_one_that_is_accepted_by_any_of_its_ids_passes_with_the_reason():
    done = judged(1, report(fine(vulns=[VULN])), **{"CVE-2099-1": "we never call it"})
    assert not done.failed
    assert done.lines[0] == "audit: lxml 1.1: CVE-2099-1 is accepted: we never call it"


def test_acceptance_without_a_reason_is_none():
    assert judged(1, report(fine(vulns=[VULN])), **{"CVE-2099-1": " "}).failed


def test_one_accepted_vulnerability_does_not_hide_another():
    other = {**VULN, "id": "PYSEC-2099-2", "aliases": []}
    done = judged(1, report(fine(vulns=[VULN, other])), **{"PYSEC-2099-1": "why"})
    assert done.failed
    assert any("PYSEC-2099-2" in line for line in done.lines)


def test_an_accepted_vulnerability_that_is_gone_is_told():
    done = judged(0, report(fine()), **{"PYSEC-1": "why"})
    assert (done.failed, done.lines[0]) == (
        False, "audit: PYSEC-1 is accepted and not found any more",
    )  # fmt: skip


@pytest.mark.parametrize("errors", UNREACHABLE)
def test_a_service_that_cannot_be_reached_is_one_line_and_no_failure(errors):
    done = judged(1, "", errors)
    assert not done.failed
    [line] = done.lines
    assert line.startswith("audit: not done: the vulnerability service can't be reached")


def test_a_service_that_knows_no_package_has_audited_nothing():
    """A mirror of the registry answers 404 to all questions, and pip-audit is content."""
    done = judged(0, report(skipped("lxml"), skipped("numpy")))
    assert not done.failed
    assert done.lines == (
        "audit: not done: the vulnerability service knows none of the 2 packages",
    )


def test_a_package_that_the_service_does_not_know_is_named():
    done = judged(0, report(fine(), skipped("numpy")))
    assert not done.failed
    assert done.lines == ("audit: the service does not know numpy", "audit: passed: 1 packages")


@pytest.mark.parametrize(
    ("exit_code", "output", "errors", "told"),
    [
        pytest.param(
            2, "", "usage: pip-audit\nerror: no such option", "no such option", id="usage"
        ),
        pytest.param(1, "", traceback("KeyError: 'x'"), "KeyError", id="a crash of its own"),
        pytest.param(1, "", "", "it said nothing", id="silence"),
        pytest.param(0, "[]", "", "ended with 0", id="JSON of another shape"),
        pytest.param(0, report(), "", "no package", id="an empty lock"),
        pytest.param(1, report(fine()), "", "ended with 1", id="1 without a reason"),
        pytest.param(
            1, "", "ERROR:pip_audit._cli:requirement numpy has no hash", "no hash", id="a bad lock"
        ),
    ],
)
def test_whatever_else_went_wrong_fails(exit_code, output, errors, told):
    done = judged(exit_code, output, errors)
    assert done.failed
    assert told in done.lines[-1]


# ---------------------------------------------------------------- as a program


def fake(folder: Path, *, exit_code: int, output: str = "", errors: str = "") -> Path:
    """A pip-audit that says so, and writes down what it was asked."""
    program = folder / "pip-audit"
    program.write_text(
        f"#!{sys.executable}\nimport sys\n"
        f"open({str(folder / 'asked')!r}, 'w').write('\\n'.join(sys.argv[1:]))\n"
        f"sys.stdout.write({output!r}); sys.stderr.write({errors!r}); sys.exit({exit_code})\n"
    )
    program.chmod(0o755)
    return program


def run(folder: Path, program: str = "pip-audit"):
    return subprocess.run(
        [sys.executable, str(SCRIPT), program, "requirements.lock"],
        cwd=ROOT, capture_output=True, text=True, timeout=60,
        env={**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "exit_code", "told"),
    [
        pytest.param({"exit_code": 0, "output": report(fine())}, 0, "passed", id="nothing known"),
        pytest.param(
            {"exit_code": 1, "output": report(fine(vulns=[VULN]))}, 1, "PYSEC-2099-1", id="one"
        ),
        pytest.param(
            {"exit_code": 1, "errors": traceback("requests.exceptions.ConnectionError: no route")},
            0,
            "not done",
            id="no network",
        ),
        pytest.param({"exit_code": 3, "errors": "Killed"}, 1, "Killed", id="broken"),
    ],
)
def test_the_program_ends_as_its_judgement_says(tmp_path, answer, exit_code, told):
    fake(tmp_path, **answer)
    done = run(tmp_path)
    assert (done.returncode, done.stderr) == (exit_code, "")
    assert told in done.stdout
    assert len(done.stdout.splitlines()) == 1
    asked = (tmp_path / "asked").read_text().splitlines()
    assert {"--require-hashes", "--disable-pip", "requirements.lock"} <= set(asked)


def test_without_pip_audit_it_fails(tmp_path):
    done = run(tmp_path, str(tmp_path / "none"))
    assert done.returncode == 1
    assert "No such file" in done.stdout


def test_make_check_audits_the_lock(tmp_path):
    """With a fake pip-audit in place of the environment's."""
    (tmp_path / "python").symlink_to(sys.executable)
    fake(tmp_path, exit_code=1, output=report(fine(vulns=[VULN])))
    command = ["make", "-s", "-o", ".venv/.ready", f"BIN={tmp_path}"]
    done = subprocess.run([*command, "audit"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "PYSEC-2099-1" in done.stdout
    planned = subprocess.run(
        [*command, "-n", "check"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert ".ci/audit.py" in planned.stdout

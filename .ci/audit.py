"""Ask pip-audit whether a locked version has a known vulnerability, and judge its answer.

    audit.py PIP_AUDIT LOCK  ->  pip-audit -> judge -> passed (0), not done (0), failed (1)

pip-audit ends with 1 both when it found something and when it could not ask; and with 0 when the
service knows none of the packages. Here a vulnerability fails by its id, unless `pyproject.toml`
accepts it with a reason; a service that can't be reached is one line and no failure, so that work
goes on without a network; whatever else went wrong fails.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"
PATIENCE = 600.0  # seconds for all packages
# What pip-audit ends with when there was no network, no service, or something else in its place.
_NO_SERVICE = re.compile(
    r"^(?:requests\.exceptions\.\w+|urllib3\.exceptions\.\w+|pip_audit\._service\.interface\.\w+"
    r"|ERROR:pip_audit\._cli:(?=.*(?:your network|could not connect|redirecting))).*",
    re.MULTILINE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """How the audit ended, in lines for people."""

    failed: bool
    lines: tuple[str, ...]


def judge(exit_code: int, output: str, errors: str, *, accepted: Mapping[str, str]) -> Judgement:
    """Judge what pip-audit said; `accepted` are reasons by the id of a vulnerability."""
    packages = _packages(output)
    if packages is None:
        cause = _NO_SERVICE.search(errors)
        if cause:
            return _not_done(f"the vulnerability service can't be reached ({cause[0][:200]})")
        last = (errors.strip() or output.strip() or "it said nothing").splitlines()[-1]
        return _failure(f"pip-audit ended with {exit_code}: {last[:500]}")
    if not packages:
        return _failure("pip-audit found no package in the lock")
    unknown = [item["name"] for item in packages if "vulns" not in item]
    if len(unknown) == len(packages):
        return _not_done(f"the vulnerability service knows none of the {len(packages)} packages")
    return _judge_found(packages, unknown, exit_code, accepted)


def _judge_found(
    packages: list[dict[str, Any]],
    unknown: list[str],
    exit_code: int,
    accepted: Mapping[str, str],
) -> Judgement:
    found = [
        (f"{item['name']} {item['version']}", [vuln["id"], *vuln.get("aliases", [])], vuln)
        for item in packages
        for vuln in item.get("vulns", [])
    ]
    lines, failed, used = [], False, set()
    for package, ids, vuln in found:
        known = next((name for name in ids if accepted.get(name, "").strip()), None)
        if known is None:
            fixed = ", ".join(vuln.get("fix_versions", [])) or "no version yet"
            lines.append(f"audit: {package}: {' = '.join(ids)}; fixed in {fixed}")
            failed = True
        else:
            used.add(known)
            lines.append(f"audit: {package}: {known} is accepted: {accepted[known]}")
    if exit_code not in {0, 1} or (exit_code == 1 and not found):
        lines.append(f"audit: failed: pip-audit ended with {exit_code}")
        failed = True
    lines += [
        f"audit: {name} is accepted and not found any more" for name in accepted.keys() - used
    ]
    if unknown:
        lines.append(f"audit: the service does not know {', '.join(unknown)}")
    if not failed:
        lines.append(f"audit: passed: {len(packages) - len(unknown)} packages")
    return Judgement(failed=failed, lines=tuple(lines))


def _packages(output: str) -> list[dict[str, Any]] | None:
    try:
        report = json.loads(output)
    except ValueError:
        return None
    found = report.get("dependencies") if isinstance(report, dict) else None
    return found if isinstance(found, list) else None


def _not_done(reason: str) -> Judgement:
    return Judgement(failed=False, lines=(f"audit: not done: {reason}",))


def _failure(reason: str) -> Judgement:
    return Judgement(failed=True, lines=(f"audit: failed: {reason}",))


def run(program: str, lock: str, *, accepted: Mapping[str, str]) -> Judgement:
    """Run pip-audit over a lock with hashes; nothing is installed or resolved for it."""
    command = [program, "--require-hashes", "--disable-pip", "--progress-spinner", "off"]
    command += ["--format", "json", "--requirement", lock]
    try:
        done = subprocess.run(  # noqa: S603 - the Makefile names the program
            command, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        return _not_done(f"no answer in {PATIENCE:.0f} s")
    except OSError as error:
        return _failure(f"{program}: {error.strerror}")
    return judge(done.returncode, done.stdout, done.stderr, accepted=accepted)


def read_accepted(pyproject: Path) -> dict[str, str]:
    """The vulnerabilities that are accepted, each with its reason."""
    tools = tomllib.loads(pyproject.read_text(encoding="utf-8"))["tool"]
    found: dict[str, str] = tools.get("storywatch", {}).get("audit", {}).get("accepted", {})
    return found


def main() -> int:
    """Run as a script: PIP_AUDIT LOCK."""
    program, lock = sys.argv[1:]
    judgement = run(program, lock, accepted=read_accepted(PYPROJECT))
    print("\n".join(judgement.lines))
    return int(judgement.failed)


if __name__ == "__main__":
    sys.exit(main())

"""What is done to the daemon, in which act, by a seed."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from faults_points import POINTS, Point

ACTS = 4  # published, edited, taken down, some returned
_SHARES = (0.5, 0.25, 0.15, 0.1)  # of the deeds that fit any act
_OFTEN = ("claim of candidates", "claim of articles", "poll", "first look", "re-check", "page")
_EARLY = 0.25  # of the kills come during start-up


@dataclass(frozen=True)
class Deed:
    """One of: kill, die, worker, crash, terminate."""

    kind: str
    early: bool = False  # a kill during start-up
    answers: int = 0  # that the press gives before it is done
    seconds: float = 0.0  # and so much later
    pick: float = 0.0  # which worker, which session
    point: Point | None = None
    nth: int = 1


def plan_deeds(seed: int, *, kills: int, crashes: int, points: int) -> tuple[list[Deed], ...]:
    """The deeds of each act; each point is among them once."""
    random = Random(f"deeds {seed}")
    acts: tuple[list[Deed], ...] = tuple([] for _ in range(ACTS))
    kinds = ["kill"] * kills + ["worker"] * max(2, kills // 8)
    kinds += ["crash", "terminate", "terminate"] * crashes
    random.shuffle(kinds)
    shares = [0.0]
    for share in _SHARES:
        shares.append(shares[-1] + share)
    for number, kind in enumerate(kinds):
        place = (number + 0.5) / len(kinds)
        act = next(at for at in range(ACTS) if place < shares[at + 1] or at == ACTS - 1)
        acts[act].append(_draw(random, kind))
    for point in sorted(random.sample(POINTS, points), key=POINTS.index):
        act = point.act - 1 if point.act else random.choice((0, 0, 1))
        nth = random.randint(1, 4) if point.unit in _OFTEN else 1
        acts[act].append(Deed("die", point=point, nth=nth))
    for deeds in acts:
        random.shuffle(deeds)
    return acts


def _draw(random: Random, kind: str) -> Deed:
    early = kind == "kill" and random.random() < _EARLY
    return Deed(
        kind,
        early=early,
        answers=0 if early else random.randint(1, 70),
        seconds=random.uniform(0.02, 4.0) if early else random.uniform(0, 0.4),
        pick=random.random(),
    )

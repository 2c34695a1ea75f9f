"""Only a few large bodies are in memory at once; small ones never wait."""

import asyncio
import pickle
from contextlib import suppress

from ingest.bodies import LargeBodies, LargeBody

SMALL, LARGE = b"x" * 100, b"y" * 101
SOON = 0.05


async def receive(bodies, *chunks, length=None):
    with bodies.receive() as body:
        for chunk in chunks:
            await body.add(chunk)
        return body.finish(length)


async def give_up(bodies):
    with suppress(TimeoutError), bodies.receive() as body:
        await body.add(LARGE)
        raise TimeoutError


async def waits(task):
    done, _ = await asyncio.wait({task}, timeout=SOON)
    return not done


def begin(bodies, *chunks):
    return asyncio.ensure_future(receive(bodies, *chunks))


def test_small_bodies_need_no_place():
    async def go():
        bodies = LargeBodies(places=1, from_bytes=100)
        kept = [await receive(bodies, SMALL) for _ in range(5)]
        assert kept == [SMALL] * 5
        assert type(kept[0]) is bytes

    asyncio.run(go())


def test_a_large_body_waits_until_another_is_dropped():
    async def go():
        bodies = LargeBodies(places=1, from_bytes=100)
        first = await receive(bodies, SMALL, LARGE)
        assert first == SMALL + LARGE
        second = begin(bodies, LARGE)
        assert await waits(second)
        del first
        assert await second == LARGE

    asyncio.run(go())


def test_a_place_is_given_back_from_another_thread():
    async def go():
        bodies = LargeBodies(places=1, from_bytes=100)
        held = [await receive(bodies, LARGE)]
        second = begin(bodies, LARGE)
        assert await waits(second)
        await asyncio.to_thread(held.clear)
        assert await second == LARGE

    asyncio.run(go())


def test_what_is_given_up_on_the_way_gives_its_place_back():
    async def go():
        bodies = LargeBodies(places=1, from_bytes=100)
        await give_up(bodies)
        second = begin(bodies, LARGE)
        third = begin(bodies, LARGE)
        assert await waits(third)
        third.cancel()  # while it waits
        await asyncio.wait({third})
        kept = await second
        fourth = begin(bodies, LARGE)
        assert await waits(fourth)
        del kept, second
        assert await fourth == LARGE

    asyncio.run(go())


def test_the_beginning_of_a_body():
    async def go():
        bodies = LargeBodies(places=1, from_bytes=100)
        assert await receive(bodies, SMALL, length=3) == b"xxx"
        assert await receive(bodies, LARGE, length=3) == b"yyy"

    asyncio.run(go())


def test_another_process_gets_plain_bytes():
    async def go():
        bodies = LargeBodies(places=1, from_bytes=100)
        body = await receive(bodies, LARGE)
        assert type(body) is LargeBody
        sent = pickle.loads(pickle.dumps(body))
        assert type(sent) is bytes
        assert sent == body

    asyncio.run(go())

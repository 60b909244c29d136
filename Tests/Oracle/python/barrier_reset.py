"""A reset sends away those who wait."""

import asyncio

from oracle import rounds, run, say, state, ticks


async def main(loop):
    barrier = asyncio.Barrier(3)

    async def attempt(name):
        try:
            await barrier.wait()
            say(name, "through")
        except asyncio.BrokenBarrierError:
            say(name, "sent away", barrier.broken)

    tasks = [loop.create_task(attempt(name)) for name in "ab"]
    await rounds(2)
    await barrier.reset()
    tasks += [loop.create_task(attempt(name)) for name in "cde"]
    await ticks(8)
    say(*(state(task) for task in tasks), barrier.n_waiting)


run(main)

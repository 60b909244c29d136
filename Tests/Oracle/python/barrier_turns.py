"""Parties go on together; the next ones make another turn."""

import asyncio

from oracle import run, say, state, ticks


async def main(loop):
    barrier = asyncio.Barrier(2)

    async def work(name):
        for turn in range(2):
            index = await barrier.wait()
            say(name, "turn", turn, "index", index)

    tasks = [loop.create_task(work(name)) for name in "abcd"]
    await ticks(12)
    say(*(state(task) for task in tasks), barrier.n_waiting)


run(main)

"""Those who wait, and those who come, get an error until the barrier is reset."""

import asyncio

from oracle import outcome, rounds, run, say, ticks


async def main(loop):
    barrier = asyncio.Barrier(3)

    async def work(name):
        say(name, "through" if (await barrier.wait()) >= 0 else "?")

    async def attempt(name):
        say(name, await outcome(work(name)))

    tasks = [loop.create_task(attempt(name)) for name in "ab"]
    await rounds(2)
    say(barrier.n_waiting)
    await barrier.abort()
    say("broken", barrier.broken)
    await attempt("main")
    await ticks(3)
    await barrier.reset()
    say("broken", barrier.broken)
    tasks = [loop.create_task(attempt(name)) for name in "cde"]
    await ticks(6)


run(main)

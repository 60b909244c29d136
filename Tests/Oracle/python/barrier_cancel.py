"""Who is cancelled does not count any more."""

import asyncio

from oracle import rounds, run, say, state, ticks


async def main(loop):
    barrier = asyncio.Barrier(2)

    async def work(name):
        try:
            await barrier.wait()
            say(name, "through")
        except asyncio.CancelledError:
            say(name, "cancelled")
            raise

    a = loop.create_task(work("a"))
    await rounds(1)
    say(barrier.n_waiting)
    a.cancel()
    await rounds(2)
    say(barrier.n_waiting, barrier.broken)
    b, c = loop.create_task(work("b")), loop.create_task(work("c"))
    await ticks(6)
    say(state(a), state(b), state(c))


run(main)

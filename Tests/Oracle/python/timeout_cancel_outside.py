"""A cancellation from outside, before and after the time is over."""

import asyncio

from oracle import rounds, run, say, state


async def main(loop):
    async def body(name, delay):
        async with asyncio.timeout(delay):
            try:
                await loop.create_future()
            finally:
                say(name, "cleans up")
                await rounds(2)
                say(name, "is clean")

    a = loop.create_task(body("a", 60))
    b = loop.create_task(body("b", 0))
    c = loop.create_task(body("c", 0))
    await rounds(1)
    a.cancel()
    c.cancel()
    await rounds(2)
    b.cancel()
    await rounds(6)
    say(state(a), state(b), state(c))
    say(a.cancelling(), b.cancelling(), c.cancelling())


run(main)

"""Cleaning up may wait; a second cancellation breaks it off."""

from oracle import rounds, run, say, state, ticks


async def main(loop):
    async def work(name):
        try:
            await loop.create_future()
        finally:
            say(name, "cleans up")
            await rounds(2)
            say(name, "is clean")

    a, b = loop.create_task(work("a")), loop.create_task(work("b"))
    await rounds(1)
    a.cancel()
    b.cancel()
    await rounds(2)
    b.cancel()
    await ticks(3)
    say(state(a), state(b), a.cancelling(), b.cancelling())


run(main)

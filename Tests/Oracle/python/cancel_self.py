"""A task that cancels itself is cancelled at its next await."""

import asyncio

from oracle import run, say, state, ticks


async def main(loop):
    async def work():
        asyncio.current_task().cancel()
        say("still here")
        try:
            await asyncio.sleep(0)
            say("not here")
        except asyncio.CancelledError:
            say("cancelled")
        return 1

    task = loop.create_task(work())
    await ticks(3)
    say(state(task))


run(main)

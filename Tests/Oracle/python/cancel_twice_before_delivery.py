"""Two requests before the task runs are delivered as one, and counted as two."""

import asyncio

from oracle import outcome, rounds, run, say


async def main(loop):
    async def work():
        try:
            await loop.create_future()
        except asyncio.CancelledError:
            say("cancelled", asyncio.current_task().cancelling())
        await rounds(1)
        say("goes on", asyncio.current_task().uncancel(), asyncio.current_task().uncancel())
        say("at zero", asyncio.current_task().uncancel())

    task = loop.create_task(work())
    await rounds(1)
    task.cancel()
    task.cancel()
    say(await outcome(task))


run(main)

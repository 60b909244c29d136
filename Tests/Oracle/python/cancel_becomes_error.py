"""A task that answers a cancellation with another error has failed."""

import asyncio

from oracle import E, outcome, rounds, run, say


async def main(loop):
    async def work():
        try:
            await loop.create_future()
        except asyncio.CancelledError:
            raise E("instead")

    task = loop.create_task(work())
    await rounds(1)
    task.cancel()
    say(await outcome(task))
    say(task.cancelled(), task.cancelling())


run(main)

"""A cancellation is delivered once; the task may go on waiting."""

import asyncio

from oracle import outcome, rounds, run, say, ticks


async def main(loop):
    async def work():
        for number in range(3):
            try:
                await rounds(2)
                say("slept", number)
            except asyncio.CancelledError:
                say("cancelled", number)
        return 9

    task = loop.create_task(work())
    await rounds(1)
    say(task.cancel())
    await ticks(2)
    say(task.cancelling(), await outcome(task), task.cancelled(), task.cancelling())


run(main)

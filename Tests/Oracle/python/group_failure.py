"""A child that fails cancels the others and the body."""

import asyncio

from oracle import E, outcome, rounds, run, say, ticks, worker


async def main(loop):
    async def body():
        async with asyncio.TaskGroup() as group:
            group.create_task(worker("a", 9))
            group.create_task(worker("b", 1, error=E("b")))
            try:
                await rounds(9)
            except asyncio.CancelledError:
                say("body cancelled", asyncio.current_task().cancelling())
                raise

    ticker = loop.create_task(ticks(6))
    say(await outcome(body()), asyncio.current_task().cancelling())
    await ticker


run(main)

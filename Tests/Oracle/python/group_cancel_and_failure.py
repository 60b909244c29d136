"""A failure and a cancellation from outside: the errors come out, and the cancellation at the next await."""

import asyncio

from oracle import E, outcome, rounds, run, say, state, ticks


async def main(loop):
    async def stubborn():
        try:
            await loop.create_future()
        except asyncio.CancelledError:
            raise E("child")

    async def group():
        async with asyncio.TaskGroup() as group:
            group.create_task(stubborn())

    async def body():
        say(await outcome(group()), asyncio.current_task().cancelling())
        say(await outcome(rounds(1)), asyncio.current_task().cancelling())

    task = loop.create_task(body())
    await rounds(3)
    task.cancel()
    await ticks(6)
    say(state(task))


run(main)

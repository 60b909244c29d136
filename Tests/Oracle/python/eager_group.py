"""Eager children of a group; one fails in its first step."""

import asyncio

from oracle import E, outcome, rounds, run, say, worker


async def main(loop):
    async def fails():
        raise E("x")

    async def body():
        async with asyncio.TaskGroup() as group:
            group.create_task(worker("a", 0))
            say("a created")
            group.create_task(worker("b", 5))
            say("b created")
            group.create_task(fails())
            say("c created")
            await rounds(3)
            say("not here")

    loop.set_task_factory(asyncio.eager_task_factory)
    say(await outcome(body()), asyncio.current_task().cancelling())


run(main)

"""Eager tasks that create eager tasks; the current task is right in each.

The tasks are made without the factory: CPython 3.13.0 names the factory's tasks only after their first step.
"""

import asyncio

from oracle import rounds, run, say


async def main(loop):
    def me():
        return asyncio.current_task().get_name()

    async def inner():
        say("in", me())
        await rounds(1)
        say("again in", me())
        return 1

    async def outer():
        say("in", me())
        task = asyncio.Task(inner(), loop=loop, name="inner", eager_start=True)
        say("back in", me())
        value = await task
        say("still in", me(), value)
        return value + 1

    asyncio.current_task().set_name("main")
    task = asyncio.Task(outer(), loop=loop, name="outer", eager_start=True)
    say("back in", me())
    say(await task)


run(main)

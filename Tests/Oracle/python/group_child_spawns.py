"""Children create children, also while the group waits for its end."""

import asyncio

from oracle import rounds, run, say, ticks


async def main(loop):
    async def child(group, depth):
        say("child", depth)
        await rounds(1)
        if depth < 3:
            group.create_task(child(group, depth + 1))
        say("child", depth, "ends")

    ticker = loop.create_task(ticks(9))
    async with asyncio.TaskGroup() as group:
        group.create_task(child(group, 0))
        say("body ends")
    say("group ends")
    await ticker


run(main)

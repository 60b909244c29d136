"""Tasks that give way take turns."""

import asyncio

from oracle import run, say, ticks


async def main(loop):
    async def work(name, count):
        for number in range(count):
            say(name, number)
            await asyncio.sleep(0)
        say(name, "ends")

    tasks = [loop.create_task(work(name, count)) for name, count in [("a", 3), ("b", 1), ("c", 4)]]
    await ticks(2)
    for task in tasks:
        await task
    say("over")


run(main)

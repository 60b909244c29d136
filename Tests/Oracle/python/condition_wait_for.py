"""The predicate is asked with the lock in hand, at every notification."""

import asyncio

from oracle import rounds, run, say, state, ticks


async def main(loop):
    condition = asyncio.Condition()
    box = {"value": 0}

    async def work(name, wanted):
        async with condition:
            await condition.wait_for(lambda: (say(name, "asks"), box["value"] >= wanted)[1])
            say(name, "has", box["value"])

    tasks = [loop.create_task(work("a", 2)), loop.create_task(work("b", 1))]
    await rounds(1)
    for value in (1, 2):
        async with condition:
            box["value"] = value
            condition.notify_all()
        await ticks(4)
    say(*(state(task) for task in tasks))


run(main)

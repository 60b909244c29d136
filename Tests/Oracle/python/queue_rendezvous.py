"""A queue for one item, two producers and two consumers."""

import asyncio

from oracle import run, say, state, ticks


async def main(loop):
    queue = asyncio.Queue(1)

    async def produce(name):
        for number in range(3):
            await queue.put(name + str(number))
            say("put", name, number)

    async def consume(name):
        for _ in range(3):
            say(name, "got", await queue.get())

    tasks = [loop.create_task(consume(name)) for name in "xy"] + [loop.create_task(produce(name)) for name in "ab"]
    await ticks(12)
    say(*(state(task) for task in tasks), queue.empty())


run(main)

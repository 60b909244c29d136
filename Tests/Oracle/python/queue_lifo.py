"""The last item first, among those that are there."""

import asyncio

from oracle import rounds, run, say, state, ticks


async def main(loop):
    queue = asyncio.LifoQueue(3)

    async def produce():
        for number in range(6):
            await queue.put(number)
            say("put", number)

    async def consume():
        for _ in range(6):
            say("got", await queue.get())
            await rounds(1)

    tasks = [loop.create_task(produce()), loop.create_task(consume())]
    await ticks(10)
    say(*(state(task) for task in tasks))


run(main)

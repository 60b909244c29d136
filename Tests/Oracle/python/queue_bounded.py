"""A producer waits when the queue is full, a consumer when it is empty."""

import asyncio

from oracle import rounds, run, say, ticks


async def main(loop):
    queue = asyncio.Queue(2)

    async def produce():
        for number in range(6):
            await queue.put(number)
            say("put", number, queue.qsize())
        await queue.put(-1)

    async def consume():
        while (number := await queue.get()) >= 0:
            say("got", number, queue.qsize())
            await rounds(1)
        say("over")

    tasks = [loop.create_task(produce()), loop.create_task(consume())]
    ticker = loop.create_task(ticks(12))
    for task in tasks:
        await task
    await ticker


run(main)

"""An immediate shutdown drops what is left, and who joins goes on."""

import asyncio

from oracle import outcome, rounds, run, say, state, ticks


async def main(loop):
    queue = asyncio.Queue(2)

    async def join():
        await queue.join()
        say("joined")

    async def produce(name):
        say("put", name, await outcome(queue.put(name)))

    queue.put_nowait(1)
    queue.put_nowait(2)
    tasks = [loop.create_task(join()), loop.create_task(produce("a"))]
    await rounds(1)
    queue.shutdown(immediate=True)
    say(queue.qsize(), await outcome(queue.get()))
    await ticks(3)
    say(*(state(task) for task in tasks))


run(main)

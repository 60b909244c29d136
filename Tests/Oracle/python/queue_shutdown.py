"""After a shutdown what is left can be taken out; nothing comes in."""

import asyncio

from oracle import outcome, rounds, run, say, state, ticks


async def main(loop):
    queue = asyncio.Queue(1)

    async def produce(name):
        say("put", name, await outcome(queue.put(name)))

    async def consume(name):
        say(name, await outcome(queue.get()))

    queue.put_nowait("first")
    tasks = [loop.create_task(produce(name)) for name in "ab"]
    await rounds(1)
    queue.shutdown()
    await ticks(2)
    tasks += [loop.create_task(consume(name)) for name in "xy"]
    await ticks(3)
    say(await outcome(queue.put("late")), queue.qsize())
    say(*(state(task) for task in tasks))


run(main)

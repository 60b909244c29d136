"""A lock that was given back but not yet taken again goes to who waits."""

import asyncio

from oracle import rounds, run, say, state, ticks


async def main(loop):
    lock = asyncio.Lock()

    async def work(name):
        await lock.acquire()
        say(name, "has it")
        lock.release()

    await lock.acquire()
    tasks = [loop.create_task(work("a"))]
    await rounds(1)
    lock.release()
    say("free", not lock.locked())
    await work("main")
    await ticks(2)
    lock_is_free = not lock.locked()
    say(lock_is_free, state(tasks[0]))


run(main)

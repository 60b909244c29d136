"""Who is cancelled while waiting leaves the line; a turn that had come goes to the next."""

import asyncio

from oracle import rounds, run, say, state, ticks


async def main(loop):
    lock = asyncio.Lock()

    async def work(name):
        try:
            async with lock:
                say(name, "has it")
                await rounds(1)
        except asyncio.CancelledError:
            say(name, "cancelled")
            raise

    await lock.acquire()
    tasks = {name: loop.create_task(work(name)) for name in "abcd"}
    await rounds(1)
    tasks["b"].cancel()
    await rounds(1)
    lock.release()
    tasks["a"].cancel()
    await ticks(6)
    say(*(state(tasks[name]) for name in "abcd"), lock.locked())


run(main)

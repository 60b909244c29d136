"""Who comes when others wait waits as well."""

import asyncio

from oracle import rounds, run, say, state, ticks


async def main(loop):
    semaphore = asyncio.Semaphore(0)

    async def work(name):
        await semaphore.acquire()
        say(name)

    tasks = [loop.create_task(work(name)) for name in "abc"]
    await rounds(1)
    semaphore.release()
    semaphore.release()
    say(semaphore.locked())
    tasks.append(loop.create_task(work("d")))
    await ticks(3)
    semaphore.release()
    semaphore.release()
    await ticks(3)
    semaphore.release()
    say(semaphore.locked(), *(state(task) for task in tasks))


run(main)

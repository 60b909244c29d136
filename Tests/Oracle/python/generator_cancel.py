"""Who is cancelled while a generator makes a value cancels what the generator waits for."""

import asyncio

from oracle import outcome, rounds, run, say


async def main(loop):
    async def numbers():
        try:
            yield 1
            await loop.create_future()
        except asyncio.CancelledError:
            say("generator cancelled")
            raise

    async def consume():
        async for number in numbers():
            say("got", number)

    task = loop.create_task(consume())
    await rounds(10)
    task.cancel()
    say(await outcome(task))


run(main)

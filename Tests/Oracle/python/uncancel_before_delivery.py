"""The last uncancel takes a cancellation back that was not delivered."""

import asyncio

from oracle import outcome, rounds, run, say, state


async def main(loop):
    async def work():
        me = asyncio.current_task()
        me.cancel()
        me.cancel()
        say(me.uncancel(), me.uncancel())
        await rounds(1)
        say("goes on")
        me.cancel()
        me.cancel()
        say(me.uncancel())
        say(await outcome(rounds(1)))

    task = loop.create_task(work())
    await rounds(4)
    say(state(task), task.cancelling())


run(main)

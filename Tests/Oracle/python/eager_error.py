"""An eager task that fails or is cancelled in its first step."""

import asyncio

from oracle import E, rounds, run, say, state, ticks


async def main(loop):
    async def fails():
        raise E("x")

    async def cancels():
        asyncio.current_task().cancel()
        await rounds(1)
        say("not here")

    loop.set_task_factory(asyncio.eager_task_factory)
    a = loop.create_task(fails())
    say(state(a))
    a.add_done_callback(lambda task: say("callback"))
    b = loop.create_task(cancels())
    say(state(b))
    await ticks(3)
    say(state(a), state(b))


run(main)

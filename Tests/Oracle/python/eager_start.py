"""An eager task runs up to its first wait when it is created.

The tasks are made without the factory: CPython 3.13.0 names the factory's tasks only after their first step.
"""

import asyncio

from oracle import rounds, run, say, state, ticks


async def main(loop):
    async def work(name, count):
        say(name, "begins", asyncio.current_task().get_name())
        await rounds(count)
        say(name, "ends")
        return count

    a = asyncio.Task(work("a", 0), loop=loop, name="task a", eager_start=True)
    say("created", state(a))
    b = asyncio.Task(work("b", 2), loop=loop, name="task b", eager_start=True)
    say("created", state(b))
    c = loop.create_task(work("c", 1), name="task c")
    say("created", state(c))
    await ticks(4)
    say(state(a), state(b), state(c))


run(main)

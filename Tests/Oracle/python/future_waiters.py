"""Callbacks and tasks that wait for one future are served in the order in which they came."""

from oracle import E, outcome, rounds, run, say, ticks


async def main(loop):
    future = loop.create_future()

    async def waiter(name):
        say(name, await outcome(future))

    tasks = [loop.create_task(waiter(name)) for name in "ab"]
    await rounds(1)
    future.add_done_callback(lambda future: say("callback"))
    tasks.append(loop.create_task(waiter("c")))
    await rounds(1)
    future.set_exception(E("x"))
    await ticks(2)


run(main)

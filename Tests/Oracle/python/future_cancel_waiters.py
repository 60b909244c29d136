"""Who waits for a future that is cancelled is cancelled as well, one by one."""

from oracle import outcome, rounds, run, say, state, ticks


async def main(loop):
    future = loop.create_future()

    async def waiter(name):
        say(name, await outcome(future))
        await rounds(1)
        say(name, "goes on")

    tasks = [loop.create_task(waiter(name)) for name in "ab"]
    await rounds(1)
    say("cancel", future.cancel())
    await ticks(3)
    say([state(task) for task in tasks].count("done"))


run(main)

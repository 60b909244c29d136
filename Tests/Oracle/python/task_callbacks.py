"""Callbacks of a task and tasks that wait for it, in the order in which they came."""

from oracle import outcome, rounds, run, say, state, ticks, worker


async def main(loop):
    async def waiter(name, task):
        say(name, await outcome(task))

    task = loop.create_task(worker("task", 2, 5))
    task.add_done_callback(lambda task: say("callback 1", state(task)))
    waiters = [loop.create_task(waiter(name, task)) for name in "ab"]
    await rounds(1)
    task.add_done_callback(lambda task: say("callback 2"))
    await ticks(4)


run(main)

"""A task that is cancelled before it begins never begins."""

from oracle import outcome, run, say, state, ticks, worker


async def main(loop):
    task = loop.create_task(worker("task", 0))
    say("cancel", task.cancel(), task.cancelling(), state(task))
    ticker = loop.create_task(ticks(3))
    say(await outcome(task))
    say(state(task))
    await ticker


run(main)

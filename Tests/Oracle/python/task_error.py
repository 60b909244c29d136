"""An error comes out at every await."""

from oracle import E, outcome, run, say, state, worker


async def main(loop):
    task = loop.create_task(worker("task", 1, error=E("x")))
    say(await outcome(task))
    say(await outcome(task))
    say(state(task), task.cancel(), task.cancelled())


run(main)

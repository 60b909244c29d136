"""Callbacks of a future run in order, one round after it is done; later ones too; removed ones do not."""

from oracle import run, say, state, ticks


async def main(loop):
    future = loop.create_future()
    removed = lambda future: say("removed")
    future.add_done_callback(lambda future: say("first", state(future)))
    future.add_done_callback(removed)
    future.add_done_callback(lambda future: say("second", state(future)))
    say("removed", future.remove_done_callback(removed))
    loop.call_soon(say, "soon before")
    future.set_result(1)
    loop.call_soon(say, "soon after")
    future.add_done_callback(lambda future: say("late"))
    say("set")
    await ticks(3)


run(main)

"""What the scenarios share: a loop to run on, and a way to say what happens.

A scenario prints its trace; Scripts/oracle records it. The twins in Swift have helpers of the same names.
"""

import asyncio


class E(Exception):
    """An error of a scenario."""


def say(*words):
    """Prints one line of the trace."""
    print(*(str(word).lower() if isinstance(word, bool) else word for word in words))


def shown(error):
    """An error as both languages print it."""
    if isinstance(error, BaseExceptionGroup):
        return "group[" + ", ".join(shown(inner) for inner in error.exceptions) + "]"
    return f"E({error})" if isinstance(error, E) else type(error).__name__


async def outcome(awaitable):
    """What becomes of something that is awaited."""
    try:
        value = await awaitable
        return "done" if value is None else f"value {value}"
    except BaseException as error:
        return shown(error)


def state(future):
    """What has become of a future."""
    if not future.done():
        return "pending"
    if future.cancelled():
        return "cancelled"
    if future.exception() is not None:
        return shown(future.exception())
    return "done" if future.result() is None else f"value {future.result()}"


async def rounds(count):
    """Gives way for some rounds."""
    for _ in range(count):
        await asyncio.sleep(0)


async def ticks(count):
    """Counts the rounds in the trace."""
    for number in range(count):
        say("tick", number)
        await asyncio.sleep(0)


async def worker(name, count, result=None, error=None):
    """Takes some rounds, says how it ends, and ends."""
    try:
        await rounds(count)
    except asyncio.CancelledError:
        say(name, "cancelled")
        raise
    say(name, "ends")
    if error is not None:
        raise error
    return result


def run(main):
    """Runs a scenario on a loop of its own."""
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(main(loop))
    finally:
        loop.close()

"""What a future refuses, before and after it is done."""

from oracle import E, run, say, shown


async def main(loop):
    def attempt(what, action):
        try:
            say(what, action())
        except BaseException as error:
            say(what, shown(error))

    future = loop.create_future()
    attempt("result", future.result)
    attempt("exception", future.exception)
    future.set_result(1)
    attempt("result", future.result)
    attempt("cancel", future.cancel)
    attempt("set_result", lambda: future.set_result(2))
    attempt("set_exception", lambda: future.set_exception(E("x")))
    cancelled = loop.create_future()
    attempt("cancel", cancelled.cancel)
    attempt("cancel", cancelled.cancel)
    attempt("result", cancelled.result)
    attempt("exception", cancelled.exception)
    attempt("set_result", lambda: cancelled.set_result(2))
    failed = loop.create_future()
    failed.set_exception(E("f"))
    attempt("result", failed.result)
    say("exception", shown(failed.exception()))


run(main)

// What the tests' process does at a signal, as the system tells.

import Glibc

/// What happens at a signal.
enum SignalAction {
    /// What the system does by itself.
    case standard
    case ignore
    /// ``handlerOfTheTest(_:)``.
    case test
    case other
}

func handlerOfTheTest(_: Int32) {}

/// What happens at a signal now.
func action(of number: Int32) -> SignalAction {
    switch handler(of: number) {
    case 0: return .standard
    case 1: return .ignore
    case let address:
        let own: @convention(c) (Int32) -> Void = handlerOfTheTest
        // SAFETY: both are addresses of functions, and are only compared.
        return address == unsafeBitCast(own, to: Int.self) ? .test : .other
    }
}

/// The address of the handler of a signal.
func handler(of number: Int32) -> Int {
    var action = sigaction()
    sigaction(number, nil, &action)
    // SAFETY: either an address or a small number, which is what is asked for.
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
}

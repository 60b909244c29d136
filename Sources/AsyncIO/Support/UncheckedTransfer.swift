// Carrying a value across a Sendable boundary that the compiler cannot see through.

/// A box for a value that crosses into a `@Sendable` closure although it is not `Sendable`.
///
/// Each use says in a `SAFETY` comment why only one thread touches the value.
struct UncheckedTransfer<Value>: @unchecked Sendable {  // SAFETY: see each use.
    let value: Value

    init(_ value: Value) { self.value = value }
}

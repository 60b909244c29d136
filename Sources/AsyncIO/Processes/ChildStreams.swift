// Where the standard streams of a child come from and go to.

/// The standard input or output of a child.
///
/// asyncio: subprocess.PIPE, subprocess.DEVNULL, None
public enum ChildStream: Hashable, Sendable {
    /// That of this process.
    case inherit
    /// A pipe to this process.
    case pipe
    /// `/dev/null`: empty to read, and what is written is lost.
    case null
    /// A descriptor of this process, which stays open here.
    case fileDescriptor(Int32)
}

/// The standard error of a child.
///
/// asyncio: the same, and subprocess.STDOUT
public enum ChildErrorStream: Hashable, Sendable {
    /// That of this process.
    case inherit
    /// A pipe to this process.
    case pipe
    /// `/dev/null`.
    case null
    /// A descriptor of this process, which stays open here.
    case fileDescriptor(Int32)
    /// Wherever the standard output goes, in the order of writing.
    case stdout
}

extension ChildErrorStream {
    /// The same for who knows no other streams; nil stands for the output.
    var ofItsOwn: ChildStream? {
        switch self {
        case .inherit: .inherit
        case .pipe: .pipe
        case .null: .null
        case .fileDescriptor(let descriptor): .fileDescriptor(descriptor)
        case .stdout: nil
        }
    }
}

/// The descriptors of a child that is about to be started: those of this process that it gets, and our ends of its pipes.
struct ChildDescriptors {
    /// By the child's numbers; -1 for none.
    private(set) var given: [Int32] = []
    /// Our ends, by the child's numbers.
    private(set) var near: [Int32: Int32] = [:]
    /// The child's ends.
    private var far: [Int32] = []

    /// Opens the pipes. On failure nothing stays open.
    init(stdin: ChildStream, stdout: ChildStream, stderr: ChildErrorStream) throws {
        do {
            try add(stdin, childReads: true)
            try add(stdout, childReads: false)
            if let stderr = stderr.ofItsOwn {
                try add(stderr, childReads: false)
            } else {
                // Inheriting would give it number 2 of this process.
                given.append(given[1])
            }
        } catch {
            closeNear()
            closeFar()
            throw error
        }
    }

    /// Throws unless all descriptors that the child is to get are open. To be asked before a pipe takes the number of one that is
    /// not.
    static func check(
        stdin: ChildStream, stdout: ChildStream, stderr: ChildErrorStream, passing passed: [Int32]
    ) throws {
        if case .fileDescriptor(let descriptor) = stdin { try check(descriptor, "stdin") }
        if case .fileDescriptor(let descriptor) = stdout { try check(descriptor, "stdout") }
        if case .fileDescriptor(let descriptor) = stderr { try check(descriptor, "stderr") }
        for descriptor in passed { try check(descriptor, "passFileDescriptors") }
    }

    private static func check(_ descriptor: Int32, _ argument: StaticString) throws {
        guard descriptor >= 0 else {
            throw EventLoopError.invalidArgument("\(argument): Invalid file descriptor: \(descriptor)")
        }
        guard SystemSocket(descriptor).isOpen else {
            throw IOError(
                code: .badDescriptor, operation: "dup2", reason: IOError.Code.badDescriptor.text,
                subject: "\(argument), descriptor \(descriptor)")
        }
    }

    private mutating func add(_ stream: ChildStream, childReads: Bool) throws {
        let number = Int32(given.count)
        switch stream {
        // One that is not passed on is a descriptor of the loop's, say, in a process that has closed its own.
        case .inherit: given.append(System.isInherited(number) ? number : -1)
        case .null: given.append(-1)
        case .fileDescriptor(let descriptor): given.append(descriptor)
        case .pipe:
            let pipe = try System.pipeForChild(childReads: childReads)
            near[number] = pipe.near
            far.append(pipe.far)
            given.append(pipe.far)
        }
    }

    /// Gives the child a descriptor under the same number.
    mutating func pass(_ descriptor: Int32) {
        // The first three have parameters of their own.
        guard descriptor > 2 else { return }
        while given.count <= Int(descriptor) { given.append(-1) }
        given[Int(descriptor)] = descriptor
    }

    /// Takes our end of a pipe out: from now on it is the caller's.
    mutating func takeNear(_ number: Int32) -> Int32? { near.removeValue(forKey: number) }

    /// Closes the child's ends, which it has got or will never get.
    mutating func closeFar() {
        for descriptor in far { SystemSocket(descriptor).close() }
        far = []
    }

    /// Closes those of our ends that nobody has taken.
    mutating func closeNear() {
        for descriptor in near.values { SystemSocket(descriptor).close() }
        near = [:]
    }
}

// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "SwiftNIO",
    platforms: [.macOS("26.0")],
    products: [.executable(name: "peer-nio", targets: ["peer-nio"])],
    dependencies: [.package(url: "https://github.com/apple/swift-nio", from: "2.80.0")],
    targets: [
        // A link to the folder in the package above, which must do without the network.
        .target(name: "NativeWorkloads", swiftSettings: strict),
        .executableTarget(
            name: "peer-nio",
            dependencies: [
                "NativeWorkloads",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ], swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)

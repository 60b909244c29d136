// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "Benchmarks",
    platforms: [.macOS("26.0")],
    products: [.executable(name: "peer", targets: ["peer"])],
    dependencies: [.package(name: "swift-asyncio", path: "..")],
    targets: [
        .executableTarget(
            name: "peer",
            dependencies: [.product(name: "AsyncIO", package: "swift-asyncio")],
            swiftSettings: [
                .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("InternalImportsByDefault"),
                .enableUpcomingFeature("MemberImportVisibility"),
            ])
    ],
    swiftLanguageModes: [.v6]
)

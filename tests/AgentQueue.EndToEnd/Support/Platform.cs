using System.Runtime.Versioning;

// Scripts, signals and file modes: these stories are told on Unix.
[assembly: UnsupportedOSPlatform("windows")]

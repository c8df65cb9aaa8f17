namespace AgentQueue.EndToEnd.Faults;

/// <summary>
/// An environment that steers the runtime, the loader or the search for programs, by accident or not: the
/// queue works as ever, and locks lock.
/// </summary>
public sealed class SteeredRuntimeTests
{
    private static readonly string[] s_variables =
    [
        "DOTNET_SYSTEM_IO_DISABLEFILELOCKING=1",
        "DOTNET_gcServer=1",
        "DOTNET_GCHeapHardLimit=0x4000000",
        "DOTNET_GCgen0size=0x10000",
        "DOTNET_EnableDiagnostics=1",
        "DOTNET_DiagnosticPorts=/nonexistent/port",
        "DOTNET_DbgEnableMiniDump=1",
        "DOTNET_STARTUP_HOOKS=/nonexistent/hook.dll",
        "DOTNET_ADDITIONAL_DEPS=/nonexistent",
        "DOTNET_ROOT=/nonexistent",
        "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=0",
        "DOTNET_SYSTEM_GLOBALIZATION_PREDEFINED_CULTURES_ONLY=1",
        "DOTNET_TieredCompilation=0",
        "DOTNET_SYSTEM_CONSOLE_ALLOW_ANSI_COLOR_REDIRECTION=1",
        "CORECLR_ENABLE_PROFILING=1",
        "CORECLR_PROFILER_PATH=/nonexistent.so",
        "COMPlus_LogEnable=1",
        "LD_PRELOAD=/nonexistent/library.so",
        "LD_LIBRARY_PATH=/nonexistent:.",
        "LD_DEBUG=unused",
        "MALLOC_CHECK_=3",
        "MALLOC_PERTURB_=85",
        "TZ=:../../etc/passwd",
        "LANG=../../x",
        "TERMINFO=/nonexistent",
        "COLUMNS=-5",
        "AGENTQ_DEBUG=banana",
        "AGENTQ_TASK_ID=../../x",
        "AGENTQ_TASK_FILE=/etc/passwd",
    ];

    private static readonly string[] s_paths =
    [
        ".:$PATH",
        ":$PATH",
        "$PATH:",
        "./:bin:$PATH",
        "..:$PATH",
        "::$PATH::",
    ];

    [Fact]
    [Trait("Fault", "S19")]
    public void No_variable_breaks_the_queue() =>
        Fault.Inject(
            "S19",
            fault =>
                Parallel.ForEach(
                    s_variables,
                    new ParallelOptions { MaxDegreeOfParallelism = 3 },
                    variable =>
                    {
                        fault.Injected();
                        using var box = new Sandbox();
                        var journal = box.Journal.Around("sleep 0.2");
                        box.Environment["JOURNAL"] = journal;
                        var parts = variable.Split('=', 2);
                        box.Environment[parts[0]] = parts[1];
                        for (var i = 0; i < 3; i++)
                        {
                            box.Enqueue(journal);
                        }

                        // Three at once on one slot: whoever ignored the locks would start two.
                        box.Sh(
                                "agentq run --parallel 1 --drain & agentq run --parallel 1 --drain & agentq run --parallel 1 --drain --wait; wait"
                            )
                            .Gives(0);
                        box.Sh("agentq wait --timeout 50").Gives(0);

                        Assert.All(
                            box.Tasks,
                            t => Assert.True(t.Status == "complete", $"{variable}: {t}")
                        );
                        box.Journal.ShowsNoSecondStart();
                        Assert.True(box.Journal.MostAtOnce == 1, $"{variable}: two ran at once");
                        Assert.Equal(3, box.Journal.Starts.Count());
                    }
                )
        );

    [Fact]
    [Trait("Fault", "S19")]
    [Trait("Fault", "S4")]
    public void No_entry_of_PATH_brings_in_a_program_of_the_current_folder()
    {
        Inject("S19");
        Inject("S4");

        void Inject(string id) =>
            Fault.Inject(
                id,
                fault =>
                {
                    foreach (var path in s_paths)
                    {
                        fault.Injected();
                        using var box = new Sandbox();
                        foreach (
                            var name in new[] { "opencode", "sh", "tool", "bin/tool", "strace" }
                        )
                        {
                            box.Write(name, "#!/bin/sh\ntouch \"$AGENTQ_ROOT/pwned\"\n");
                            box.Sh("/bin/chmod +x " + name).Gives(0);
                        }

                        box.Configure(
                            """
                            "sh": { "command": "sh", "args": ["-c", "{prompt}"], "promptTemplate": "{userPrompt}" },
                            "tool": { "command": "tool", "args": ["--", "{prompt}"] }
                            """
                        );
                        box.Environment["PATH"] = path.Replace(
                            "$PATH",
                            box.Environment["PATH"],
                            StringComparison.Ordinal
                        );

                        box.Run("start", "nosuch", "x").Gives(1);
                        box.Run("start", "sh", "echo real > real", "--wait").Gives(0);
                        box.Run("start", "tool", "x", "--wait").Gives(3);

                        Assert.Equal("real\n", File.ReadAllText(Path.Join(box.Folder, "real")));
                        Assert.False(File.Exists(Path.Join(box.Folder, "pwned")), path);
                    }
                }
            );
    }
}

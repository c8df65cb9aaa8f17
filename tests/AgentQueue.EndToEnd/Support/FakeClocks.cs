namespace AgentQueue.EndToEnd;

/// <summary>A wall clock that a test sets.</summary>
internal static class FakeClocks
{
    /// <summary>Everything of agentq sees a wall clock that is read from the file that is returned.</summary>
    public static string FakeClock(this Sandbox box)
    {
        var file = Path.Join(box.Outside, "clock");
        File.WriteAllText(file, "+0\n");
        // It refuses a number that another one had which was killed: what that left in memory bears it.
        var library = box.Sh(
                "for i in 1 2 3 4 5 6 7 8; do faketime -f +0 sh -c 'echo $LD_PRELOAD' && exit; done; exit 1"
            )
            .Gives(0)
            .Text;
        box.Environment["LD_PRELOAD"] = library;
        box.Environment["FAKETIME_TIMESTAMP_FILE"] = file;
        box.Environment["FAKETIME_NO_CACHE"] = "1";
        box.Environment["FAKETIME_DONT_FAKE_MONOTONIC"] = "1";
        box.Environment["FAKETIME_FORCE_MONOTONIC_FIX"] = "0";
        box.Environment["FAKETIME_DONT_RESET"] = "1";
        return file;
    }
}

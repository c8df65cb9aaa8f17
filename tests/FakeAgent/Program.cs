using System.Collections;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace AgentQueue.FakeAgent;

/// <summary>
/// An agent that misbehaves on request. Its one argument is a list of steps, separated by semicolons and
/// taken in order: <c>journal FILE start; ignore-term; children 5; sleep 30</c>. What a shell command does
/// as well is left to the shell agent.
/// </summary>
internal static partial class Program
{
    private static readonly List<IDisposable> s_kept = [];

    private static int Main(string[] args)
    {
        if (args is ["tell", var file, ..])
        {
            Tell(file, args[2..]);
            return 0;
        }

        var steps = string.Join(' ', args).Split(';', StringSplitOptions.TrimEntries);
        for (var i = 0; i < steps.Length; i++)
        {
            var words = steps[i].Split(' ', 2);
            if (words[0] == "close-fds")
            {
                return GoOnWithoutDescriptors(string.Join(';', steps[(i + 1)..]));
            }

            if (Take(words[0], words.Length > 1 ? words[1] : "") is { } code)
            {
                return code;
            }
        }

        return 0;
    }

    private static int? Take(string step, string value)
    {
        switch (step)
        {
            case "":
                return null;
            case "exit":
                return Number(value);
            case "die":
                // Default action first: the runtime handles some of them.
                _ = Signal(Number(value), 0);
                _ = Kill(Environment.ProcessId, Number(value));
                break;
            case "stop":
                _ = Kill(Environment.ProcessId, 19);
                break;
            case "ignore-term":
                s_kept.Add(
                    PosixSignalRegistration.Create(PosixSignal.SIGTERM, static c => c.Cancel = true)
                );
                break;
            case "sleep":
                Thread.Sleep(
                    TimeSpan.FromSeconds(double.Parse(value, CultureInfo.InvariantCulture))
                );
                break;
            case "print":
                Console.Out.WriteLine(value);
                break;
            case "journal":
                var (journal, word) = (value.Split(' ')[0], value.Split(' ')[1]);
                Append(journal, $"{word} {TaskId} {Environment.ProcessId}\n");
                break;
            case "done":
                File.WriteAllText(Sentinel("done"), "");
                break;
            case "error":
                File.WriteAllText(Sentinel("error"), value);
                break;
            case "children":
                for (var i = 0; i < Number(value); i++)
                {
                    Spawn("exec sleep 300");
                }

                break;
            case "setsid":
                Spawn("exec setsid sleep 300");
                break;
            case "double-fork":
                Spawn("(sleep 300 &) & exit 0");
                break;
            case "daemon":
                // Nothing inherited: no terminal, no pipe, not even the descriptor that shows its life.
                Spawn(
                    "setsid sh -c 'exec sleep 300 </dev/null >/dev/null 2>&1 3>&- 4>&- 5>&-' & exit 0"
                );
                break;
            default:
                Console.Error.WriteLine($"fake-agent: no step '{step}'");
                return 64;
        }

        return null;
    }

    // The runtime dies of a descriptor that is closed under it: they go as another program takes over, which is
    // this one again.
    private static int GoOnWithoutDescriptors(string steps)
    {
        const int SetFlags = 2,
            CloseOnExec = 1;
        for (var fd = 3; fd < 256; fd++)
        {
            _ = Control(fd, SetFlags, CloseOnExec);
        }

        var self = Environment.ProcessPath!;
        return Exec(self, [self, steps, null]);
    }

    // Written beside and moved, so that whoever waits for the file sees all of it.
    private static void Tell(string file, string[] args)
    {
        using var input = Console.OpenStandardInput();
        using var bytes = new MemoryStream();
        input.CopyTo(bytes);
        using (var stream = File.Create(file + ".new"))
        using (var w = new Utf8JsonWriter(stream))
        {
            w.WriteStartObject();
            w.WriteStartArray("args");
            foreach (var arg in args)
            {
                w.WriteStringValue(arg);
            }

            w.WriteEndArray();
            w.WriteBase64String("stdin", bytes.ToArray());
            w.WriteString("cwd", Environment.CurrentDirectory);
            w.WriteStartObject("env");
            foreach (DictionaryEntry e in Environment.GetEnvironmentVariables())
            {
                w.WriteString((string)e.Key, (string?)e.Value);
            }

            w.WriteEndObject();
            w.WriteEndObject();
        }

        File.Move(file + ".new", file, overwrite: true);
    }

    private static void Append(string file, string line)
    {
        using var stream = new FileStream(
            file,
            FileMode.Append,
            FileAccess.Write,
            FileShare.ReadWrite,
            bufferSize: 0
        );
        stream.Write(Encoding.UTF8.GetBytes(line));
    }

    private static void Spawn(string script)
    {
        using var child = Process.Start("/bin/sh", ["-c", script]);
    }

    private static string TaskId => Environment.GetEnvironmentVariable("AGENTQ_TASK_ID") ?? "-";

    private static string Sentinel(string kind) =>
        Path.Join(
            Environment.GetEnvironmentVariable("AGENTQ_ROOT"),
            ".agents",
            "tasks",
            $"{TaskId}.{kind}"
        );

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int pid, int signal);

    [LibraryImport("libc", EntryPoint = "signal")]
    private static partial nint Signal(int signal, nint handler);

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(int fd, int command, int value);

    /// <summary>Returns only if it fails.</summary>
    [LibraryImport("libc", EntryPoint = "execv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Exec(string path, string?[] args);
}
